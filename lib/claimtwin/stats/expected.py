"""What a model of each arm expects of everybody: the outcome side of doubly robust estimates."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.effects import useful_for
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import CannotFitError, apart_from_constant, fit_logit, in_spreads
from claimtwin.stats.matched import Matched


class Expected(NamedTuple):
    """(n,) outcome expected of everybody in either arm, treated first; covariates that a model had to leave out."""

    treated: FloatArray
    comparator: FloatArray
    left_out: tuple[str, ...]


def expected_by_arm(
    y: FloatArray,
    treated: NDArray[np.bool_],
    covariates: FloatArray,
    *,
    binary: bool,
    names: tuple[str, ...] = (),
) -> Expected:
    """Expected outcome of everybody by a model of the treated, and by one of the comparators.

    A yes-no outcome by logistic regression, a number by least squares, on all covariates that vary in the arm, are no
    combination of others there, and (yes-no) do not tell the outcome.

    Args:
        y: (n,) outcome; 0 and 1 where ``binary``.
        treated, covariates: (n,) arm, (n, p) columns.
        binary: Which of the two models.
        names: Of the columns, by which the levels of a category are known (``region=south``).

    Raises:
        CannotFitError: An arm has fewer people than columns, or its model has no finite solution.
    """
    scaled = in_spreads(covariates)
    (one, used), (zero, also) = (_expected(y, arm, covariates, scaled, binary, names) for arm in (treated, ~treated))
    return Expected(one, zero, tuple(name for k, name in enumerate(names) if k not in used or k not in also))


def _expected(
    y: FloatArray,
    arm: NDArray[np.bool_],
    covariates: FloatArray,
    scaled: FloatArray,
    binary: bool,
    names: tuple[str, ...],
) -> tuple[FloatArray, list[int]]:
    """What one arm's model expects of everybody, and the covariates it holds; without a model all would be held."""
    happened, own = y[arm] > 0, covariates[arm]
    if binary and (happened.all() or not happened.any()):
        return np.full(len(y), float(happened.any())), list(range(len(names)))
    nobody = Matched(np.zeros(len(own), np.bool_), np.arange(len(own)), own, names)
    columns = useful_for(happened, nobody) if binary else apart_from_constant(own)
    design = np.column_stack([np.ones(len(y)), scaled[:, columns]])
    if len(own) <= design.shape[1]:
        raise CannotFitError("an arm has fewer people than columns")
    if not columns:
        return np.full(len(y), float(y[arm].mean())), columns
    if not binary:
        return np.asarray(design @ np.linalg.lstsq(design[arm], y[arm], rcond=None)[0], np.float64), columns
    params = fit_logit(y[arm], design[arm], nobody, "nonrobust").params
    return np.asarray(1 / (1 + np.exp(-design @ params))), columns
