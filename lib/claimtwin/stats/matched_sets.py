"""Conditional logistic regression of matched sets: one treated and several twins, in one stratum each.

Given how many of a set had the outcome, the likelihood is that of who they were: a choice among all subsets of so many
people. Sets of one size and number of events are taken together. For pairs it is the model of ``stats.paired``.
Source: Breslow and Day, Statistical Methods in Cancer Research I, 1980, section 7.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import ENDLESS, NO_FIT, NOT_FINITE, CannotFitError, apart_from_constant
from claimtwin.stats.intervals import Estimate, wald_of_log
from claimtwin.stats.matched import Matched

MOST_SUBSETS = 20_000
"""Subsets of one set above which the model is not fitted: 10 of 20 people have ten times as many."""
CHUNK = 2_000_000
STEPS = 100
CLOSE = 1e-12
SLACK = 1e-9
"""Fall of the likelihood that rounding may make and a step may have."""
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Strata:
    """Sets of one size and number of events.

    Attributes:
        rows: (sets, size) people of each set, those with the outcome first.
        events: How many these are.
    """

    rows: Index
    events: int


def strata_of(happened: NDArray[np.bool_], pair: Index) -> list[Strata]:
    """The sets in which some but not all had the outcome, by size and events; the others tell nothing.

    Raises:
        CannotFitError: There is no such set.
    """
    code = np.unique(pair, return_inverse=True)[1]
    order = np.lexsort((np.arange(len(pair)), ~happened, code))
    size = np.bincount(code)
    events = np.bincount(code, happened).astype(np.int64)
    first = np.cumsum(size) - size
    kinds = sorted({(s, m) for s, m in zip(size.tolist(), events.tolist(), strict=True) if 0 < m < s})
    if not kinds:
        raise CannotFitError("no set in which some had the outcome and some had not")
    found = []
    for s, m in kinds:
        starts = first[(size == s) & (events == m)]
        found.append(Strata(order[starts[:, None] + np.arange(s)], m))
    return found


def conditional_ratio_of_sets(happened: NDArray[np.bool_], people: Matched, columns: list[int]) -> Estimate:
    """Odds ratio of the treated, adjusted for the covariates of ``columns``.

    Columns that do not vary within sets, or that others already say there, are left out.

    Raises:
        CannotFitError: Fewer sets than columns, a set with too many subsets, or no finite solution.
    """
    strata = strata_of(happened, people.pair)
    if any(comb(part.rows.shape[1], part.events) > MOST_SUBSETS for part in strata):
        raise CannotFitError("a set has too many people with the outcome")
    x = np.column_stack([people.treated.astype(np.float64), people.covariates[:, columns]])
    centred = np.concatenate([_within(x[part.rows]).reshape(-1, x.shape[1]) for part in strata])
    used = apart_from_constant(centred)
    if 0 not in used:
        raise CannotFitError("the arms do not differ within sets")
    if sum(len(part.rows) for part in strata) <= len(used):
        raise CannotFitError("fewer sets with and without the outcome than columns")
    scale = centred[:, used].std(axis=0)
    scale[0] = 1.0
    beta, cov = _climb(x[:, used] / scale, strata)
    error = float(np.sqrt(cov[0, 0]))
    if not error <= ENDLESS:
        raise CannotFitError(NOT_FINITE)
    return wald_of_log(float(beta[0]), error)


def _within(x: FloatArray) -> FloatArray:
    return np.asarray(x - x.mean(axis=1, keepdims=True))


def _climb(x: FloatArray, strata: list[Strata]) -> tuple[FloatArray, FloatArray]:
    """Newton's method with halved steps; the likelihood is concave."""
    beta = np.zeros(x.shape[1])
    value, slope, curve = _likelihood(x, strata, beta)
    for _ in range(STEPS):
        try:
            move = np.linalg.solve(curve, slope)
        except np.linalg.LinAlgError:
            raise CannotFitError(NO_FIT) from None
        got = _likelihood(x, strata, beta + move)
        while got[0] < value - SLACK * abs(value) and np.abs(move).max() > CLOSE:
            move = move / 2
            got = _likelihood(x, strata, beta + move)
        beta, (value, slope, curve) = beta + move, got
        if np.abs(move).max() < CLOSE:
            return beta, np.asarray(np.linalg.inv(curve), np.float64)
        if not np.isfinite(beta).all() or np.abs(beta).max() > ENDLESS:
            break
    raise CannotFitError(NO_FIT)


def _likelihood(x: FloatArray, strata: list[Strata], beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Log likelihood, its slope, and its curvature with the sign turned."""
    value, slope, curve = 0.0, np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for choices in _choices(x, strata):
        score = choices @ beta
        top = score.max(axis=1, keepdims=True)
        odds = np.exp(score - top)
        share = odds / odds.sum(axis=1, keepdims=True)
        mean = np.einsum("gs,gsp->gp", share, choices)
        value += float((score[:, 0] - top[:, 0] - np.log(odds.sum(axis=1))).sum())
        slope += (choices[:, 0] - mean).sum(axis=0)
        curve += np.einsum("gs,gsp,gsq->pq", share, choices, choices, optimize=True) - mean.T @ mean
    return value, slope, curve


def _choices(x: FloatArray, strata: list[Strata]) -> Iterator[FloatArray]:
    """(sets, subsets, p) sums of the covariates over each subset, those with the outcome first; some sets at a time."""
    for part in strata:
        sets = np.array(list(combinations(range(part.rows.shape[1]), part.events)), np.int64)
        most = max(1, CHUNK // (len(sets) * part.events * x.shape[1]))
        for start in range(0, len(part.rows), most):
            yield x[part.rows[start : start + most]][:, sets].sum(axis=2)
