"""A fitted propensity model: its coefficients, and what they say of people."""

from dataclasses import dataclass

import numpy as np

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments


@dataclass(frozen=True, eq=False)
class LogitFit:
    """A fitted logistic regression in the units of the covariates.

    Attributes:
        columns: Names, ``intercept`` first; the order of all that follows.
        params, standard_errors: (p,) coefficients on the logit scale.
        covariance: (p, p) inverse of the observed information.
        iterations: Newton steps taken.
        log_likelihood: At the solution.
        n: Rows.
    """

    columns: tuple[str, ...]
    params: FloatArray
    covariance: FloatArray
    standard_errors: FloatArray
    iterations: int
    log_likelihood: float
    n: int


def linear_predictor(x: FloatArray, fit: LogitFit) -> FloatArray:
    """Logit of the propensity of each row of ``x`` (n, p); a row's value does not depend on its neighbours."""
    return predict(x, fit.params)


def sd_of_logit(fit: LogitFit, moments: Moments) -> float:
    """Standard deviation (n - 1) of the linear predictor over all rows, to 9 significant digits.

    Rounded, so that a caliper in its units is the same for every sharding of the moments.
    """
    slopes = fit.params[1:]
    return float(f"{np.sqrt(slopes @ moments.scatter @ slopes / max(moments.weight - 1, 1)):.9g}")


def predict(x: FloatArray, beta: FloatArray) -> FloatArray:
    """(n,) intercept plus x times slopes, a column at a time: a matrix product may round by the row's place."""
    total = np.full(len(x), beta[0])
    for column, slope in zip(x.T, beta[1:], strict=True):
        total += column * slope
    return total


def to_raw_units(moments: Moments) -> FloatArray:
    """(p + 1, p + 1) linear map from coefficients of (x - center) / scale to those of x."""
    back = np.diag(np.concatenate([[1.0], 1 / moments.scale]))
    back[0, 1:] = -moments.center / moments.scale
    return back
