"""Other designs on the same candidates: strata of the score, inverse-probability weights, and both models at once.

Each takes one row a person (``score`` the propensity, ``treated`` the arm, ``y`` the outcome) and gives the mean
outcome of either arm in one and the same population, their difference and ratio. Intervals come from each person's
influence and take the score as known, which for the whole population makes them too wide rather than too narrow
(Lunceford and Davidian, Stat. Med. 2004;23:2937).
"""

from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import CannotFitError, with_width
from claimtwin.stats.intervals import Estimate, wald, wald_of_log

Estimand = Literal["att", "ate", "overlap"]
"""Of whom the effect is told: the treated, everybody, or people of whom either arm could be expected."""


@dataclass(frozen=True)
class DesignEstimate:
    """What one design says.

    Attributes:
        treated, comparator: Mean outcome of the population in either arm.
        difference: Their difference, in the outcome's units.
        ratio: Their ratio; None where a mean is not above 0.
        effective: Effective sample size of either arm, treated first: people who would tell as much unweighted.
    """

    treated: float
    comparator: float
    difference: Estimate
    ratio: Estimate | None
    effective: tuple[float, float]


def weights_of(score: FloatArray, treated: NDArray[np.bool_], estimand: Estimand) -> FloatArray:
    """(n,) weight of each person.

    Source: ATE and ATT: Austin and Stuart, Stat. Med. 2015;34:3661; overlap: Li, Morgan, Zaslavsky, J. Am. Stat.
    Assoc. 2018;113:390.

    Raises:
        CannotFitError: An arm is empty, or a score is 0 or 1.
    """
    _check(score, treated)
    odds = score / (1 - score)
    by_arm = {
        "att": (np.ones_like(score), odds),
        "ate": (1 / score, 1 / (1 - score)),
        "overlap": (1 - score, score),
    }
    return np.where(treated, *by_arm[estimand])


def keep_between(score: FloatArray, low: float, high: float) -> NDArray[np.bool_]:
    """Who stays after trimming: scores from ``low`` to ``high``, both ends included (Crump and others 2009)."""
    return np.asarray((score >= low) & (score <= high))


def weighted(
    y: FloatArray, treated: NDArray[np.bool_], score: FloatArray, estimand: Estimand, most: float | None = None
) -> DesignEstimate:
    """Weighted means of both arms (Hajek); weights above ``most`` times their arm's mean are cut to it.

    The interval is that of a weighted regression on the arm with HC0 errors.

    Raises:
        CannotFitError: As ``weights_of``.
    """
    weight = weights_of(score, treated, estimand)
    if most is not None:
        for arm in (treated, ~treated):
            weight[arm] = np.minimum(weight[arm], most * weight[arm].mean())
    means, pulls, effective = [], [], []
    for arm in (treated, ~treated):
        own = np.where(arm, weight, 0.0)
        means.append(float(own @ y / own.sum()))
        pulls.append(own * (y - means[-1]) / own.sum())
        effective.append(float(own.sum() ** 2 / (own @ own)))
    return _estimate(means, pulls, (effective[0], effective[1]))


def stratified(
    y: FloatArray, treated: NDArray[np.bool_], score: FloatArray, strata: int, estimand: Literal["att", "ate"] = "att"
) -> DesignEstimate:
    """Means within strata of the score, averaged by the strata's sizes among the treated, or among everybody.

    Strata are cut at quantiles of the score in the same people; a score on a cut belongs to the upper stratum.
    Source: Rosenbaum and Rubin, J. Am. Stat. Assoc. 1984;79:516.

    Raises:
        CannotFitError: An arm is empty, in all or in a stratum: the answer would be about fewer people than said.
    """
    _check(score, treated)
    people = treated if estimand == "att" else np.ones(len(treated), bool)
    cuts = np.quantile(score[people], np.arange(1, strata) / strata)
    stratum = np.searchsorted(cuts, score, side="right")
    share = np.bincount(stratum[people], minlength=strata) / people.sum()
    weight = np.zeros(len(y))
    for arm in (treated, ~treated):
        size = np.bincount(stratum[arm], minlength=strata)
        if (size[share > 0] == 0).any():
            raise CannotFitError("a stratum of the score has an empty arm")
        weight[arm] = share[stratum[arm]] / size[stratum[arm]]
    means = [float((weight * arm) @ y) for arm in (treated, ~treated)]
    pulls = [weight * arm * (y - _means_within(y, arm, stratum, strata)) for arm in (treated, ~treated)]
    effective = [float(1 / ((weight * arm) @ weight)) for arm in (treated, ~treated)]
    return _estimate(means, pulls, (effective[0], effective[1]))


def doubly_robust(
    y: FloatArray,
    treated: NDArray[np.bool_],
    score: FloatArray,
    expected: tuple[FloatArray, FloatArray],
    estimand: Literal["att", "ate"] = "att",
) -> DesignEstimate:
    """Augmented inverse-probability weighting: right if the score or the outcome model is.

    Args:
        y, treated, score: One row a person.
        expected: (n,) outcome that a model of each arm expects of everybody, treated first.
        estimand: The treated, or everybody.

    Source: Robins, Rotnitzky, Zhao, J. Am. Stat. Assoc. 1994;89:846; of the treated: Mercatanti and Li, J. R. Stat.
    Soc. C 2014;63:635.

    Raises:
        CannotFitError: As ``weights_of``.
    """
    _check(score, treated)
    n, arm = len(y), treated.astype(np.float64)
    if estimand == "ate":
        parts = [expected[0] + arm / score * (y - expected[0]),
                 expected[1] + (1 - arm) / (1 - score) * (y - expected[1])]  # fmt: skip
        base = np.ones(n)
    else:
        odds = score / (1 - score)
        parts = [arm * y, arm * expected[1] + (1 - arm) * odds * (y - expected[1])]
        base = arm
    means = [float(part.sum() / base.sum()) for part in parts]
    pulls = [(part - mean * base) / base.sum() for part, mean in zip(parts, means, strict=True)]
    weight = weights_of(score, treated, estimand)
    effective = [float(weight[side].sum() ** 2 / (weight[side] @ weight[side])) for side in (treated, ~treated)]
    return _estimate(means, pulls, (effective[0], effective[1]))


def _check(score: FloatArray, treated: NDArray[np.bool_]) -> None:
    if not 0 < treated.sum() < len(treated):
        raise CannotFitError("an arm is empty")
    if not ((score > 0) & (score < 1)).all():
        raise CannotFitError("a score is 0 or 1: no weight exists")


def _means_within(y: FloatArray, arm: NDArray[np.bool_], stratum: NDArray[np.int64], strata: int) -> FloatArray:
    """(n,) mean outcome of one arm in each person's stratum."""
    total = np.bincount(stratum[arm], y[arm], minlength=strata)
    size = np.bincount(stratum[arm], minlength=strata)
    return np.asarray((total / np.maximum(size, 1))[stratum])


def _estimate(means: list[float], pulls: list[FloatArray], effective: tuple[float, float]) -> DesignEstimate:
    """Difference and ratio with the errors of their influences.

    Raises:
        CannotFitError: The interval of the difference has no width.
    """
    one, zero = means
    difference = with_width(wald(one - zero, sqrt(float(((pulls[0] - pulls[1]) ** 2).sum()))))
    ratio = None
    if min(means) > 0:
        error = sqrt(float(((pulls[0] / one - pulls[1] / zero) ** 2).sum()))
        ratio = wald_of_log(log(one / zero), error)
    return DesignEstimate(one, zero, difference, ratio, effective)
