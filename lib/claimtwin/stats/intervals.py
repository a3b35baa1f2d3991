"""Estimates with 95 % intervals: how one is made from a standard error, and how one is labelled as an effect."""

from dataclasses import dataclass
from math import erfc, exp, sqrt
from statistics import NormalDist
from typing import Literal

Measure = Literal[
    "odds_ratio",
    "risk_ratio",
    "risk_difference",
    "relative_reduction",
    "difference_per_scale",
    "rate_ratio",
    "incidence_rate_ratio",
    "mean_ratio",
    "total_ratio",
    "number_needed",
    "hazard_ratio",
]
Errors = Literal[
    "nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both", "bootstrap_pair", "within_pairs", "score"
]

Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Estimate:
    """A figure, its 95 % interval and the two-sided p-value of no difference."""

    estimate: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Effect:
    """One contrast, treated against comparator, with its 95 % interval; numbers are None when ``note`` says why.

    ``odds_ratio`` and ``risk_ratio`` are plain ratios; ``risk_difference`` is in percentage points;
    ``relative_reduction`` is 1 - risk ratio in percent (the press reading); ``difference_per_scale`` is the
    difference of occurrences per ``scale`` people; ``rate_ratio`` compares occurrences per person, ``mean_ratio``
    occurrences per person that had any, ``incidence_rate_ratio`` occurrences per person-time, ``total_ratio`` totals
    (as of cost) per person; ``hazard_ratio`` compares the rate of first events among those still without;
    ``number_needed`` is people treated for one event fewer or more.
    ``model`` names how it was estimated, ``errors`` how its interval was made.
    """

    outcome: str
    measure: Measure
    adjusted: bool
    errors: Errors
    estimate: float | None
    low: float | None
    high: float | None
    p_value: float | None
    n: int
    note: str = ""
    model: str = ""


def two_sided(z: float) -> float:
    """Two-sided p-value of a standard normal z."""
    return erfc(abs(z) / sqrt(2))


def wald(estimate: float, error: float) -> Estimate:
    """Estimate plus and minus 1.96 standard errors; no difference is 0."""
    p_value = two_sided(estimate / error) if error > 0 else float(estimate == 0)
    return Estimate(estimate, estimate - Z95 * error, estimate + Z95 * error, p_value)


def wald_of_log(log_estimate: float, error: float) -> Estimate:
    """The interval of a ratio, made on the log scale; no difference is 1."""
    on_log = wald(log_estimate, error)
    return Estimate(exp(on_log.estimate), exp(on_log.low), exp(on_log.high), on_log.p_value)
