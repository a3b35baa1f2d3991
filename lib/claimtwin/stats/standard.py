"""Standardised risks (g-computation): everybody treated under the model in both arms, then averaged.

The average is over the treated, the people that a match speaks of. Source: Snowden, Rose, Mortimer, Am. J. Epidemiol.
2011;173:731. The delta method takes the covariates as fixed; the bootstrap draws whole pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.bootstrap import fit_draws, weights_of_people
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import ARM, CannotFitError, design_matrix, fit_logit
from claimtwin.stats.intervals import Errors, Estimate, Measure, two_sided, wald, wald_of_log
from claimtwin.stats.matched import Matched

MEASURES: tuple[Measure, ...] = ("risk_difference", "risk_ratio", "odds_ratio")
CHUNK = 100
"""Draws that are fitted at a time: enough to fill a processor, few enough to fit in memory."""


@dataclass(frozen=True)
class Draws:
    """How often pairs are drawn anew, and the seed of the hash that draws them."""

    number: int
    seed: int


def standardised(
    happened: NDArray[np.bool_], people: Matched, columns: list[int], errors: Errors
) -> tuple[Estimate, ...]:
    """Risk difference (points), risk ratio and odds ratio of standardised risks, intervals by the delta method.

    Raises:
        CannotFitError: The model has no finite solution.
    """
    design = design_matrix(people.treated, people.covariates[:, columns])
    fit = fit_logit(happened.astype(np.float64), design, people, errors)
    (risk1, slope1), (risk0, slope0) = (_risk_and_slope(design[people.treated], arm, fit.params) for arm in (1.0, 0.0))

    def error(gradient: FloatArray) -> float:
        return sqrt(float(gradient @ fit.cov @ gradient))

    odds1, odds0 = risk1 * (1 - risk1), risk0 * (1 - risk0)
    return (
        wald(100 * (risk1 - risk0), 100 * error(slope1 - slope0)),
        wald_of_log(log(risk1 / risk0), error(slope1 / risk1 - slope0 / risk0)),
        wald_of_log(log(risk1 / (1 - risk1) / (risk0 / (1 - risk0))), error(slope1 / odds1 - slope0 / odds0)),
    )


def bootstrapped(
    happened: NDArray[np.bool_], people: Matched, columns: list[int], draws: Draws
) -> tuple[Estimate, ...]:
    """The same figures with percentile intervals; the p-value is normal, from the spread of the draws.

    Raises:
        CannotFitError: The model has no finite solution, in the data or in a draw: none is dropped in silence.
    """
    y, design = happened.astype(np.float64), design_matrix(people.treated, people.covariates[:, columns])
    start = fit_logit(y, design, people, "nonrobust").params
    pair = np.unique(people.pair, return_inverse=True)[1]
    drawn = [
        _risks_of_draws(y, design, people.treated, weights_of_people(people, draws.seed, numbers, pair), start)
        for numbers in np.array_split(np.arange(draws.number), max(1, -(-draws.number // CHUNK)))
    ]
    found = _risks(design[people.treated], np.ones((int(people.treated.sum()), 1)), start[:, None])
    return tuple(
        percentiles(make(*found)[0], make(*np.concatenate(drawn, axis=1)), back)
        for make, back in ((_points, float), (_log_ratio, exp), (_log_odds_ratio, exp))
    )


def _risk_and_slope(design: FloatArray, arm: float, params: FloatArray) -> tuple[float, FloatArray]:
    """Mean risk with everybody in one arm, and its gradient in the coefficients."""
    moved = design.copy()
    moved[:, ARM] = arm
    risk = _expit(moved @ params)
    return float(risk.mean()), np.asarray((risk * (1 - risk)) @ moved / len(moved))


def _risks_of_draws(
    y: FloatArray, design: FloatArray, treated: NDArray[np.bool_], weights: FloatArray, start: FloatArray
) -> FloatArray:
    """(2, draws) standardised risks, treated first."""
    if not all(_both_happen(y[arm], weights[arm]) for arm in (treated, ~treated)):
        raise CannotFitError("a bootstrap draw has no events, or only events, in an arm")
    return _risks(design[treated], weights[treated], fit_draws(y, design, weights, start))


def _both_happen(y: FloatArray, weights: FloatArray) -> bool:
    return bool((y @ weights > 0).all() and ((1 - y) @ weights > 0).all())


def _risks(design: FloatArray, weights: FloatArray, params: FloatArray) -> FloatArray:
    """(2, draws) weighted mean risks; ``params`` (k, draws), ``weights`` (n, draws)."""
    moved, total, risks = design.copy(), weights.sum(axis=0), []
    for arm in (1.0, 0.0):
        moved[:, ARM] = arm
        risks.append((_expit(moved @ params) * weights).sum(axis=0) / total)
    return np.stack(risks)


def _points(one: FloatArray, zero: FloatArray) -> FloatArray:
    return 100 * (one - zero)


def _log_ratio(one: FloatArray, zero: FloatArray) -> FloatArray:
    return np.asarray(np.log(one / zero))


def _log_odds_ratio(one: FloatArray, zero: FloatArray) -> FloatArray:
    return np.asarray(np.log(one / (1 - one)) - np.log(zero / (1 - zero)))


def percentiles(found: float, drawn: FloatArray, back: Callable[[float], float]) -> Estimate:
    """Percentile interval of (draws,) figures about the one that was found; ``back`` takes all to their own scale.

    Raises:
        CannotFitError: The draws do not differ.
    """
    low, high = np.quantile(drawn, (0.025, 0.975))
    spread = float(drawn.std(ddof=1)) if len(drawn) > 1 else 0.0
    if spread == 0:
        raise CannotFitError("the bootstrap draws do not differ")
    return Estimate(back(float(found)), back(float(low)), back(float(high)), two_sided(float(found) / spread))


def _expit(x: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-x)))
