"""The parts of a protocol that say how the matched are analysed: models, sensitivity, subgroups, gates."""

from typing import Annotated, Literal

from pydantic import Field

from claimtwin.config.strict import Strict

BinaryModel = Literal["table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit"]
CountModel = Literal["ols", "poisson", "negative_binomial", "two_part"]
ErrorKind = Literal["nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both"]


class Models(Strict):
    """Models printed beside the main ones, which are logistic regression and least squares.

    ``errors`` are those of the main models beside ordinary and pair-clustered ones, which are always there;
    ``other_errors`` those of all other models. ``bootstrap_draws`` of whole pairs are for standardised risks; 0: none.
    """

    binary: list[BinaryModel] = [
        "table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit",
    ]  # fmt: skip
    count: list[CountModel] = ["ols", "poisson", "negative_binomial", "two_part"]
    errors: list[ErrorKind] = ["hc3", "cluster_employer", "cluster_both"]
    other_errors: list[ErrorKind] = ["cluster_pair"]
    bootstrap_draws: Annotated[int, Field(ge=0, le=10_000)] = 1000


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
    would explain the effect. ``negative_controls`` are yes-no outcomes that the treatment cannot change.
    """

    gammas: list[Annotated[float, Field(ge=1)]] = [1.0, 1.25, 1.5, 2.0, 3.0]
    confounders: list[UnmeasuredConfounder] = []
    tipping: list[tuple[Share, Share]] = [(0.4, 0.2), (0.6, 0.2)]
    negative_controls: list[str] = []


class Power(Strict):
    """What the study could show, told before outcomes: expected risk of the comparators by yes-no outcome."""

    expected_risk: dict[str, Probability] = {}
    level: Probability = 0.05
    power: Probability = 0.8
