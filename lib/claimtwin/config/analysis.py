"""The parts of a protocol that say how the matched are analysed: models, sensitivity, subgroups, gates."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from claimtwin.config.estimators import BinaryModel, CountModel, ErrorKind, TimeModel
from claimtwin.config.grid import Variant
from claimtwin.config.score import CATEGORIES
from claimtwin.config.strict import Strict

GROUPINGS = (*CATEGORIES, "employer_id")
"""What people are grouped by: what a person is one of, and not a number."""


class Models(Strict):
    """Models printed beside the main ones, which are logistic regression and least squares.

    ``errors`` are those of the main models beside ordinary and pair-clustered ones, which are always there;
    ``other_errors`` those of all other models. ``bootstrap_draws`` of whole pairs are for standardised risks, and for
    ``bootstrap_pair`` where it is asked for; 0: none. ``time`` are models of the time to the first event.
    """

    LATER = ("time",)

    binary: list[BinaryModel] = [
        "table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit",
    ]  # fmt: skip
    count: list[CountModel] = ["ols", "poisson", "negative_binomial", "two_part"]
    time: list[TimeModel] = []
    errors: list[ErrorKind] = ["hc3", "cluster_employer", "cluster_both"]
    other_errors: list[ErrorKind] = ["cluster_pair"]
    bootstrap_draws: Annotated[int, Field(ge=0, le=10_000)] = 1000


class Balance(Strict):
    """How alike the arms are told to be.

    ``denominator``: the standard deviation before matching that differences are in, of both arms ``pooled`` or of the
    ``treated``. ``distributions`` adds Kolmogorov and Smirnov's distance of each number, ``by_block`` the differences
    within each block.
    """

    denominator: Literal["pooled", "treated"] = "pooled"
    distributions: bool = False
    by_block: bool = False


Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class UnmeasuredConfounder(Strict):
    """A yes-no confounder nobody measured: its share of either arm, and its ratio of risks."""

    prevalence_treated: Share
    prevalence_comparator: Share
    risk_ratio: Annotated[float, Field(gt=0)]


class Sensitivity(Strict):
    """How much hidden bias the answer bears.

    ``gammas`` are those of Rosenbaum's bounds. ``confounders`` are tried out on the main ratio. ``tipping`` are
    prevalences of a confounder in the arm of higher and of lower risk, for which the ratio of risks is told that
    would explain the effect. ``negative_controls`` are yes-no outcomes that the treatment cannot change. ``grid`` are
    whole studies that differ by a choice.
    """

    LATER = ("grid",)

    gammas: list[Annotated[float, Field(ge=1)]] = [1.0, 1.25, 1.5, 2.0, 3.0]
    confounders: list[UnmeasuredConfounder] = []
    tipping: list[tuple[Share, Share]] = [(0.4, 0.2), (0.6, 0.2)]
    negative_controls: list[str] = []
    grid: list[Variant] = []


class Power(Strict):
    """What the study could show, told before outcomes: expected risk of the comparators by yes-no outcome."""

    expected_risk: dict[str, Probability] = {}
    level: Probability = 0.05
    power: Probability = 0.8


class Subgroup(Strict):
    """A division of the matched in which effects are told apart: a covariate, or the employer.

    ``cuts`` are the lower ends of the bands of a covariate that is a number, all but the first; each band holds its
    lower end. A category and the employer take none.
    """

    by: str
    cuts: list[float] = []

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.cuts != sorted(set(self.cuts)):
            raise ValueError("cuts: must rise")
        return self


def subgroup_faults(rules: Sequence[Subgroup], covariates: Sequence[str]) -> list[str]:
    """What is wrong with divisions: named twice, unknown, numbers without cuts or categories with them."""
    names, known = [rule.by for rule in rules], {*covariates, "employer_id"}
    faults = [f"subgroups: '{name}' is named twice" for name in sorted({n for n in names if names.count(n) > 1})]
    faults += [f"subgroups: '{name}' is no covariate and not employer_id" for name in names if name not in known]
    for rule in rules:
        if rule.by in known and (rule.by in GROUPINGS) == bool(rule.cuts):
            faults.append(f"subgroups.{rule.by}: " + ("takes no cuts" if rule.cuts else "cuts are needed"))
    return faults


class Gates(Strict):
    """What must be reached before an effect is shown; null: no such gate.

    While one fails, results, tables, figures and report hold no outcome and no effect, unless the run is given
    ``--unblind`` and a reason, which is recorded.
    """

    largest_smd: Annotated[float, Field(gt=0)] | None = None
    equipoise: Share | None = None
    matched_share: Share | None = None
    events_per_arm: Annotated[int, Field(ge=1)] | None = None
    detectable_ratio: Annotated[float, Field(gt=1)] | None = None
    negative_control_error: Annotated[float, Field(gt=0)] | None = None
