"""Logistic regression with a penalty, L1, L2 or both, by proximal Newton on the sums that a cluster makes.

What is made small is -log-likelihood / W + strength * (share * sum |s b| + (1 - share) / 2 * sum (s b)^2): W the sum of
the weights, b the slopes in the covariates' own units, s their standard deviations (W in the denominator). The
intercept is free. Each step solves the quadratic model of the likelihood with the penalty as it is, by coordinate
descent on the p x p sums and then exactly on the slopes that are not 0, so that the conditions of an optimum hold to
rounding. A fit asks for its sums (``Request``) and waits: many fits share a pass over the data.

Source: Friedman, Hastie, Tibshirani, J. Stat. Softw. 2010;33(1) (objective, path, choice of the strength); Lee, Sun,
Saunders, SIAM J. Optim. 2014;24:1420 (proximal Newton).
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from claimtwin.errors import GuardError
from claimtwin.stats.descent import minimise_model
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments
from claimtwin.stats.newton import (
    CONVERGED,
    FLAT,
    MOST_HALVINGS,
    MOST_ITERATIONS,
    LogitFit,
    LogitSums,
    logit_sums,
    to_raw_units,
)
from claimtwin.stats.together import run_together

LEAST_SHARE = 1e-3
"""Where the penalty is all L2, the path begins where that of this share of L1 would."""
Rule = Literal["min", "one_se"]


@dataclass(frozen=True, eq=False)
class Request:
    """Sums that a fit waits for: at ``beta``, over all rows, or those outside of (or only those in) a fold."""

    beta: FloatArray
    fold: int | None = None
    held_out: bool = False


@dataclass(frozen=True, eq=False)
class PathPoint:
    """The fit at one strength of the penalty.

    Attributes:
        beta: (p + 1,) coefficients in the standardised space, intercept first.
        kept: Slopes that are not 0.
        log_likelihood: Of the rows fitted.
        held_out: Deviance per weight of the fold left out; None where none was.
        steps: Newton steps from the point before.
    """

    strength: float
    beta: FloatArray
    kept: int
    log_likelihood: float
    held_out: float | None
    steps: int


@dataclass(frozen=True, eq=False)
class Validation:
    """Mean deviance per weight of held-out rows by strength, its standard error over folds, and the place chosen."""

    mean: FloatArray
    error: FloatArray
    chosen: int


Fit = Generator[Request, LogitSums, list[PathPoint]]
Climbed = Generator[Request, LogitSums, tuple[FloatArray, LogitSums, int]]
Evaluate = Callable[[Sequence[Request]], Sequence[LogitSums]]


def sums_for(
    x: FloatArray,
    y: NDArray[np.bool_],
    weight: FloatArray | None,
    fold: NDArray[np.integer] | None,
    requests: Sequence[Request],
    moments: Moments,
) -> list[LogitSums]:
    """Sums of one shard for each request; ``fold`` (n,) is null where no request names one."""
    found = []
    for asked in requests:
        if asked.fold is None or fold is None:
            own = x, y, weight
        else:
            rows = (fold == asked.fold) == asked.held_out
            own = x[rows], y[rows], None if weight is None else weight[rows]
        found.append(logit_sums(*own, beta=asked.beta, moments=moments))
    return found


def run_fits(fits: Sequence[Fit], evaluate: Evaluate) -> list[list[PathPoint]]:
    """Bring all fits to their ends, one pass of ``evaluate`` for what all of them wait for."""

    def answer(asked: dict[int, Request]) -> dict[int, LogitSums]:
        return dict(zip(asked, evaluate(list(asked.values())), strict=True))

    found = run_together(dict(enumerate(fits)), answer)
    return [found[k] for k in range(len(fits))]


def fit_path(
    p: int, share: float, strengths: Sequence[float], fold: int | None = None, spreads: FloatArray | None = None
) -> Fit:
    """One fit after the other, each begun where the last ended.

    Args:
        p: Number of covariates.
        share: Share of the L1 part, 0 to 1.
        strengths: Falling.
        fold: The fold left out and then judged; none: all rows.
        spreads: (p,) standard deviations in the standardised space; none: those of the rows fitted.
    """
    sums = yield Request(np.zeros(p + 1), fold)
    weight, own, beta = null_model(sums)
    unit = own if spreads is None else spreads
    sums = yield Request(beta, fold)
    points = []
    for strength in strengths:
        l1 = np.append(0.0, weight * strength * share * unit)
        l2 = np.append(0.0, weight * strength * (1 - share) * unit**2)
        beta, sums, steps = yield from _climb(beta, sums, l1, l2, fold)
        point = PathPoint(strength, beta, int((beta[1:] != 0).sum()), sums.log_likelihood, None, steps)
        if fold is not None:
            judged = yield Request(beta, fold, held_out=True)
            point = replace(point, held_out=-2 * judged.log_likelihood)
        points.append(point)
    return points


def null_model(at_zero: LogitSums) -> tuple[float, FloatArray, FloatArray]:
    """Weight, standard deviations (p,) and coefficients without slopes, from the exact sums at coefficients of 0.

    Raises:
        GuardError: An arm of these rows is empty.
    """
    weight = 4 * at_zero.information[0, 0]
    mean = 4 * at_zero.information[0, 1:] / weight
    square = 4 * np.diag(at_zero.information)[1:] / weight
    beta, treated = np.zeros(len(at_zero.gradient)), at_zero.gradient[0] + weight / 2
    if not 0 < treated < weight:
        raise GuardError(
            "an arm is empty once a fold is left out",
            "score.penalty.folds",
            "every fold leaves people of both arms",
            "ask for fewer folds, or name a `strength`",
        )
    beta[0] = np.log(treated / (weight - treated))
    return float(weight), np.sqrt(np.maximum(square - mean**2, 0.0)), beta


def path_of(p: int, evaluate: Evaluate, share: float, count: int, reach: float) -> tuple[FloatArray, FloatArray]:
    """Falling strengths from the least that leaves every slope at 0, down to ``reach`` of it; and the spreads.

    Two passes: at coefficients of 0, and at the intercept alone.
    """
    weight, spreads, beta = null_model(evaluate([Request(np.zeros(p + 1))])[0])
    pull = np.abs(evaluate([Request(beta)])[0].gradient[1:]) / spreads / weight
    top = float(pull.max(initial=0.0)) / max(share, LEAST_SHARE)
    return top * reach ** (np.arange(count) / max(count - 1, 1)), spreads


def validate(folds: Sequence[Sequence[PathPoint]], weights: Sequence[float], rule: Rule) -> Validation:
    """Choose a strength by the deviance of the rows left out.

    Args:
        folds: A path for each fold, all of the same strengths.
        weights: Weight of each fold.
        rule: ``min``: the least mean deviance; ``one_se``: the greatest strength within one standard error of it.

    Ties: the greater strength.
    """
    share = np.array(weights) / sum(weights)
    deviance = np.array([[point.held_out or 0.0 for point in path] for path in folds]) / np.array(weights)[:, None]
    mean = share @ deviance
    error = np.sqrt(share @ (deviance - mean) ** 2 / (len(folds) - 1))
    best = int(np.argmin(mean))
    if rule == "one_se":
        best = int(np.flatnonzero(mean <= mean[best] + error[best])[0])
    return Validation(mean, error, best)


def as_fit(point: PathPoint, moments: Moments, columns: Sequence[str]) -> LogitFit:
    """The fit in the covariates' own units; a penalised fit has no standard errors: they are NaN."""
    params = to_raw_units(moments) @ point.beta
    unknown = np.full((len(params), len(params)), np.nan)
    names = ("intercept", *columns)
    n, likelihood = moments.n, point.log_likelihood
    return LogitFit(names, params, unknown, np.diag(unknown).copy(), point.steps, likelihood, n)


def _climb(beta: FloatArray, sums: LogitSums, l1: FloatArray, l2: FloatArray, fold: int | None) -> Climbed:
    """Proximal Newton steps to the optimum: coefficients, sums beside them, steps taken."""
    for iteration in range(MOST_ITERATIONS):
        curve = sums.information + np.diag(l2)
        target = minimise_model(curve, sums.gradient + sums.information @ beta, l1, beta)
        step = target - beta
        if float(step @ curve @ step) < CONVERGED:
            return target, sums, iteration + 1
        ceiling = _loss(beta, sums, l1, l2)
        ceiling += FLAT * abs(ceiling)
        for _ in range(MOST_HALVINGS):
            there = yield Request(target, fold)
            if _loss(target, there, l1, l2) <= ceiling:
                break
            target = beta + (target - beta) / 2
        beta, sums = target, there
    raise GuardError(
        "the penalised propensity model did not converge",
        "score.penalty",
        f"at most {MOST_ITERATIONS} steps",
        "ask for a stronger penalty in the study file",
    )


def _loss(beta: FloatArray, sums: LogitSums, l1: FloatArray, l2: FloatArray) -> float:
    return float(-sums.log_likelihood + l1 @ np.abs(beta) + l2 @ beta**2 / 2)
