"""Crude contrasts of two arms whose people weigh differently: each arm's weighted share and its linearised variance.

With equal weights these are the shares and variances of the 2 x 2 table. Source: the variance of a ratio mean, which
is that of a weighted regression on the arm alone with HC0 errors (White, Econometrica 1980;48:817).
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.intervals import Estimate, wald, wald_of_log


@dataclass(frozen=True)
class Risk:
    """Weighted share of people with the outcome in one arm, 0 to 1, and its variance."""

    share: float
    variance: float


def weighted_risk(happened: NDArray[np.bool_], weight: FloatArray) -> Risk:
    """Risk of one arm, which must hold people."""
    total = float(weight.sum())
    share = float(weight[happened].sum()) / total
    left = happened.astype(np.float64) - share
    return Risk(share, float(((weight * left) ** 2).sum()) / total**2)


def weighted_risk_ratio(one: Risk, zero: Risk) -> Estimate:
    """Risk ratio with a log interval; both risks above 0."""
    error = sqrt(one.variance / one.share**2 + zero.variance / zero.share**2)
    return wald_of_log(log(one.share / zero.share), error)


def weighted_risk_difference(one: Risk, zero: Risk) -> Estimate:
    """Difference of risks in percentage points."""
    return wald(100 * (one.share - zero.share), 100 * sqrt(one.variance + zero.variance))


def weighted_odds_ratio(one: Risk, zero: Risk) -> Estimate:
    """Odds ratio with a log interval; both risks between 0 and 1."""
    logs = [log(risk.share / (1 - risk.share)) for risk in (one, zero)]
    parts = [risk.variance / (risk.share * (1 - risk.share)) ** 2 for risk in (one, zero)]
    return wald_of_log(logs[0] - logs[1], sqrt(sum(parts)))
