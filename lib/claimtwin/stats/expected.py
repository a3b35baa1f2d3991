"""What a model of each arm expects of everybody: the outcome side of doubly robust estimates."""

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.effects import useful_for
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import CannotFitError, apart_from_constant, fit_logit, in_spreads
from claimtwin.stats.matched import Matched


def expected_by_arm(
    y: FloatArray, treated: NDArray[np.bool_], covariates: FloatArray, *, binary: bool
) -> tuple[FloatArray, FloatArray]:
    """(n,) expected outcome of everybody by a model of the treated, and by one of the comparators.

    A yes-no outcome by logistic regression, a number by least squares, on all covariates that vary in the arm, are no
    combination of others there, and (yes-no) do not tell the outcome.

    Args:
        y: (n,) outcome; 0 and 1 where ``binary``.
        treated, covariates: (n,) arm, (n, p) columns.
        binary: Which of the two models.

    Raises:
        CannotFitError: An arm has fewer people than columns, or its model has no finite solution.
    """
    scaled = in_spreads(covariates)
    one, zero = (_expected(y, arm, scaled, binary) for arm in (treated, ~treated))
    return one, zero


def _expected(y: FloatArray, arm: NDArray[np.bool_], scaled: FloatArray, binary: bool) -> FloatArray:
    happened, own = y[arm] > 0, scaled[arm]
    if binary and (happened.all() or not happened.any()):
        return np.full(len(y), float(happened.any()))
    nobody = Matched(np.zeros(len(own), np.bool_), np.arange(len(own)), own, ())
    columns = useful_for(happened, nobody) if binary else apart_from_constant(own)
    design = np.column_stack([np.ones(len(y)), scaled[:, columns]])
    if len(own) <= design.shape[1]:
        raise CannotFitError("an arm has fewer people than columns")
    if not columns:
        return np.full(len(y), float(y[arm].mean()))
    if not binary:
        return np.asarray(design @ np.linalg.lstsq(design[arm], y[arm], rcond=None)[0], np.float64)
    params = fit_logit(y[arm], design[arm], nobody, "nonrobust").params
    return np.asarray(1 / (1 + np.exp(-design @ params)))
