"""Names of models and errors, and which of their estimates a variant of a grid reports."""

from typing import Literal, Self

from pydantic import model_validator

from claimtwin.config.designs import OtherDesign
from claimtwin.config.strict import Strict

BinaryModel = Literal["table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit"]
CountModel = Literal["ols", "poisson", "negative_binomial", "two_part", "gamma"]
TimeModel = Literal["kaplan_meier", "cox"]
ErrorKind = Literal["nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both", "bootstrap_pair"]
Measured = Literal[
    "odds_ratio", "risk_ratio", "risk_difference", "relative_reduction", "rate_ratio", "mean_ratio", "total_ratio",
    "difference_per_scale", "hazard_ratio",
]  # fmt: skip


class Estimator(Strict):
    """The estimate that stands for a variant in the grid, where it is not the main one.

    ``binary``, ``count``, ``time``: the model for outcomes of this kind (a cost or days' supply is a count); an outcome
    of a kind without one keeps its main estimate. ``design`` in their place: one that takes everybody eligible. Of a
    model with several measures ``measure`` names one, null the first; ``errors`` and ``adjusted`` are taken where the
    model has them.
    """

    binary: BinaryModel | None = None
    count: CountModel | None = None
    time: TimeModel | None = None
    design: OtherDesign | None = None
    measure: Measured | None = None
    errors: ErrorKind = "cluster_pair"
    adjusted: bool = True

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        models = any((self.binary, self.count, self.time))
        if models == (self.design is not None):
            raise ValueError("name models ('binary', 'count', 'time') or a 'design'")
        if self.design is not None and self.measure is not None:
            raise ValueError("measure: a design tells differences")
        return self

    def model_of(self, kind: str, *, over_time: bool) -> str | None:
        """The model for outcomes of one kind; null for the main estimate."""
        if kind == "time":
            return self.time
        return None if over_time else self.binary if kind == "binary" else self.count
