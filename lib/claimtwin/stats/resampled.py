"""Coefficients of the arm with intervals by the pair bootstrap; see ``stats.bootstrap`` for how pairs are drawn."""

from math import exp

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.bootstrap import fit_draws, weights_of_people
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import ARM, IDENTITY, LOGIT, CannotFitError, Family, Fit
from claimtwin.stats.intervals import Estimate
from claimtwin.stats.matched import Matched
from claimtwin.stats.standard import CHUNK, Draws, percentiles


def drawn_ratio(y: FloatArray, design: FloatArray, people: Matched, fit: Fit, draws: Draws, family: Family) -> Estimate:
    """Ratio of the treated from a model on the log or logit scale; ``fit`` is that of the data themselves.

    Raises:
        CannotFitError: No draws are asked for, or one has no finite solution: none is dropped in silence.
    """
    return percentiles(float(fit.params[ARM]), coefficients(y, design, people, fit.params, draws, family), exp)


def drawn_difference(value: FloatArray, design: FloatArray, people: Matched, draws: Draws) -> Estimate:
    """Difference of means by least squares, in the units of ``value``.

    Raises:
        CannotFitError: As ``drawn_ratio``; or the values do not vary.
    """
    spread = float(value.std())
    if spread == 0:
        raise CannotFitError("the values do not vary")
    root = np.ones(len(value)) if people.weight is None else np.sqrt(people.weight)
    weighed = (design * root[:, None], root * value / spread)
    start = np.asarray(np.linalg.lstsq(*weighed, rcond=None)[0], np.float64)
    found = coefficients(value / spread, design, people, start, draws, IDENTITY)
    return percentiles(spread * float(start[ARM]), spread * found, float)


def coefficients(
    y: FloatArray, design: FloatArray, people: Matched, start: FloatArray, draws: Draws, family: Family
) -> FloatArray:
    """(draws,) coefficient of the arm in each draw; ``start`` (k,) are those in the data."""
    if not draws.number:
        raise CannotFitError("no bootstrap draws are asked for")
    pair = np.unique(people.pair, return_inverse=True)[1]
    parts = []
    for numbers in np.array_split(np.arange(draws.number), max(1, -(-draws.number // CHUNK))):
        weights = weights_of_people(people, draws.seed, numbers, pair)
        if not all(_has_mean(y[arm], weights[arm], family) for arm in (people.treated, ~people.treated)):
            raise CannotFitError("a bootstrap draw has no events, or only events, in an arm")
        parts.append(fit_draws(y, design, weights, start, family)[ARM])
    return np.concatenate(parts)


def _has_mean(y: FloatArray, weights: FloatArray, family: Family) -> bool:
    """Whether one arm has a finite mean on the model's scale in every draw."""
    some: NDArray[np.bool_] = weights.sum(axis=0) > 0
    if family is not IDENTITY:
        some = some & (y @ weights > 0)
    return bool((some & ((1 - y) @ weights > 0) if family is LOGIT else some).all())
