"""The two regressions of the study, by statsmodels; the coefficient asked for is always that of the arm."""

import warnings
from typing import Any

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from statsmodels.tools.sm_exceptions import ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning

from claimtwin.stats.design import dependent_columns
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.intervals import Errors, Estimate, wald_of_log

FATAL = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning)
ARM = 1
"""Column of the arm in every design: after the constant, before the covariates."""


ENDLESS = 50.0
"""A log odds ratio with a larger standard error than this has run off to infinity."""


class CannotFitError(Exception):
    """A model has no solution; its text says why and holds no value from the data."""


def independent(treated: NDArray[np.bool_], covariates: FloatArray) -> list[int]:
    """Covariates that vary and are no combination of the arm and of those before them; places, ascending."""
    columns = np.column_stack([treated, covariates])
    varying = np.flatnonzero(columns.min(axis=0, initial=np.inf) < columns.max(axis=0, initial=-np.inf))
    if not len(varying) or len(treated) < 2:
        return []
    dependent = dependent_columns(np.corrcoef(columns[:, varying], rowvar=False).reshape(len(varying), -1))
    return [int(column) - 1 for place, column in enumerate(varying) if column and place not in dependent]


def odds_ratio(happened: NDArray[np.bool_], design: FloatArray, pair: NDArray[np.int64], errors: Errors) -> Estimate:
    """Odds ratio of the treated by logistic regression, interval on the log scale by the normal distribution."""
    fit = _fitted(sm.Logit(happened.astype(np.float64), design), pair, errors, disp=0, maxiter=100)
    if fit.bse[ARM] > ENDLESS:
        raise CannotFitError("the standard error is not finite")
    return wald_of_log(float(fit.params[ARM]), float(fit.bse[ARM]))


def difference(value: FloatArray, design: FloatArray, pair: NDArray[np.int64], errors: Errors) -> Estimate:
    """Difference of means by least squares; t distribution, clustered errors with pairs - 1 degrees of freedom."""
    if len(design) <= design.shape[1]:
        raise CannotFitError("fewer people than columns")
    fit = _fitted(sm.OLS(value, design), pair, errors, use_t=True)
    low, high = fit.conf_int()[ARM]
    return Estimate(float(fit.params[ARM]), float(low), float(high), float(fit.pvalues[ARM]))


def design_matrix(treated: NDArray[np.bool_], covariates: FloatArray) -> FloatArray:
    """Constant, arm, and the covariates in standard deviations, which keeps the digits and not the units."""
    spread = covariates.std(axis=0)
    scaled = (covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.column_stack([np.ones(len(treated)), treated.astype(np.float64), scaled])


def _fitted(model: Any, pair: NDArray[np.int64], errors: Errors, **options: Any) -> Any:
    """Fit with the asked errors; statsmodels' warnings that its numbers mean nothing become ``CannotFitError``."""
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": pair}} if errors == "cluster_pair" else {}
    with warnings.catch_warnings():
        for fatal in FATAL:
            warnings.simplefilter("error", fatal)
        try:
            fit = model.fit(**options, **clustered)
        except (*FATAL, np.linalg.LinAlgError):
            raise CannotFitError("the model does not converge: covariates or arm separate the outcome") from None
    if not np.isfinite(fit.bse[ARM]):
        raise CannotFitError("the standard error is not finite")
    return fit
