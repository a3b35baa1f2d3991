"""The regressions of the study, by statsmodels; the coefficient asked for is always that of the arm.

Errors: ``nonrobust`` take the model at its word; ``hc3`` do not trust its variances (MacKinnon and White, J.
Econometrics 1985;29:305); ``cluster_pair``, ``cluster_employer`` and ``cluster_both`` let people of one cluster
resemble each other (two ways: Cameron, Gelbach, Miller, J. Bus. Econ. Stat. 2011;29:238), with the usual factor for
few clusters. statsmodels gives HC0 where a likelihood model is asked for HC3, so those are computed here. People who
weigh differently (``Matched.weight``) pull and weigh that much more in every one of them; ordinary errors then take
weights for counts of people.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationWarning,
    SpecificationWarning,
)

from claimtwin.stats.design import dependent_columns
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.intervals import Errors, Estimate, wald_of_log
from claimtwin.stats.matched import Matched

FATAL = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning)
ARM = 1
"""Column of the arm in every design: after the constant, before the covariates."""

ENDLESS = 50.0
"""A log ratio with a larger standard error than this has run off to infinity."""

NO_FIT = "the model does not converge: covariates or arm separate the outcome"
NOT_FINITE = "the standard error is not finite"
NO_WIDTH = "nothing varies that an interval could be made of"
LEAST_WIDTH = 1e-9
"""A narrower interval, in units of the estimate or of 1, is what rounding leaves of none."""
CLUSTERED = ("cluster_pair", "cluster_employer", "cluster_both")


class CannotFitError(Exception):
    """A model has no solution; its text says why and holds no value from the data."""


@dataclass(frozen=True)
class Family:
    """How a model's mean depends on its linear predictor, and what one person pulls and weighs in it.

    Attributes:
        mean: Of the linear predictor.
        pull: Of outcome and mean: slope of one person's log likelihood in the predictor.
        weight: Of outcome and mean: its curvature, the sign turned.
    """

    mean: Callable[[FloatArray], FloatArray]
    pull: Callable[[FloatArray, FloatArray], FloatArray]
    weight: Callable[[FloatArray, FloatArray], FloatArray]


def _expit(x: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-x)))


LOGIT = Family(_expit, lambda y, mean: y - mean, lambda _, mean: mean * (1 - mean))
POISSON = Family(np.exp, lambda y, mean: y - mean, lambda _, mean: mean)
GAMMA = Family(np.exp, lambda y, mean: (y - mean) / mean, lambda y, mean: y / mean)
"""With the log link, and each by its own outcome and not by what is expected of it, as statsmodels clusters it."""
IDENTITY = Family(lambda x: x, lambda y, mean: y - mean, lambda _, mean: np.ones_like(mean))


@dataclass(frozen=True, eq=False)
class Fit:
    """(k,) coefficients and their (k, k) covariance under the errors asked for."""

    params: FloatArray
    cov: FloatArray

    @property
    def error(self) -> float:
        """Standard error of the arm's coefficient; not a number where the variance came out negative."""
        with np.errstate(invalid="ignore"):
            return float(np.sqrt(self.cov[ARM, ARM]))


def independent(treated: NDArray[np.bool_], covariates: FloatArray) -> list[int]:
    """Covariates that vary and are no combination of the arm and of those before them; places, ascending."""
    columns = np.column_stack([treated, covariates])
    return [place - 1 for place in apart_from_constant(columns) if place]


def apart_from_constant(columns: FloatArray) -> list[int]:
    """Columns that vary and are no combination of those before them; places, ascending."""
    varying = np.flatnonzero(columns.min(axis=0, initial=np.inf) < columns.max(axis=0, initial=-np.inf))
    if not len(varying) or len(columns) < 2:
        return []
    dependent = dependent_columns(np.corrcoef(columns[:, varying], rowvar=False).reshape(len(varying), -1))
    return [int(column) for place, column in enumerate(varying) if place not in dependent]


def design_matrix(treated: NDArray[np.bool_], covariates: FloatArray) -> FloatArray:
    """Constant, arm, and the covariates in standard deviations, which keeps the digits and not the units."""
    return np.column_stack([np.ones(len(treated)), treated.astype(np.float64), in_spreads(covariates)])


def in_spreads(covariates: FloatArray) -> FloatArray:
    """Columns less their mean, in standard deviations; a constant one is 0."""
    spread = covariates.std(axis=0) if len(covariates) else np.ones(covariates.shape[1])
    middle = covariates.mean(axis=0) if len(covariates) else 0.0
    return np.asarray((covariates - middle) / np.where(spread > 0, spread, 1.0))


def odds_ratio(happened: NDArray[np.bool_], design: FloatArray, people: Matched, errors: Errors) -> Estimate:
    """Odds ratio of the treated by logistic regression, interval on the log scale by the normal distribution."""
    return ratio(fit_logit(happened.astype(np.float64), design, people, errors))


def ratio(fit: Fit) -> Estimate:
    """Ratio of the treated from a model on the log or logit scale.

    Raises:
        CannotFitError: The coefficient has run off to infinity.
    """
    if not fit.error <= ENDLESS:
        raise CannotFitError(NOT_FINITE)
    return wald_of_log(float(fit.params[ARM]), fit.error)


def with_width(found: Estimate) -> Estimate:
    """The estimate, unless its interval has no width: it would claim certainty where no error can be told.

    Raises:
        CannotFitError: The interval has no width, or no finite ends.
    """
    if not np.isfinite([found.estimate, found.low, found.high, found.p_value]).all():
        raise CannotFitError(NOT_FINITE)
    if found.high - found.low <= LEAST_WIDTH * max(1.0, abs(found.estimate)):
        raise CannotFitError(NO_WIDTH)
    return found


def difference(value: FloatArray, design: FloatArray, people: Matched, errors: Errors) -> Estimate:
    """Difference of means by least squares; t distribution, clustered errors with clusters - 1 degrees of freedom."""
    if len(design) <= design.shape[1]:
        raise CannotFitError("fewer people than columns")
    options = {"cov_type": "HC3"} if errors == "hc3" else covariance(errors, people)
    fit = guarded(lambda: least_squares(value, design, people).fit(use_t=True, **options))
    with np.errstate(invalid="ignore"):  # a variance may come out negative, of another column, too
        error = fit.bse[ARM]
    if not np.isfinite(error):
        raise CannotFitError(NOT_FINITE)
    low, high = fit.conf_int()[ARM]
    apart = float(fit.params[ARM])
    p_value = float(fit.pvalues[ARM]) if error > 0 else float(apart == 0)
    return Estimate(apart, float(low), float(high), p_value)


def least_squares(value: FloatArray, design: FloatArray, people: Matched) -> Any:
    """Statsmodels' model of ordinary least squares, or of weighted ones where people weigh differently."""
    return sm.OLS(value, design) if people.weight is None else sm.WLS(value, design, weights=people.weight)


def logit_model(y: FloatArray, design: FloatArray, people: Matched) -> Callable[..., Any]:
    """What fits statsmodels' logistic regression, a weighted one where people weigh differently."""
    if people.weight is None:
        return lambda **options: sm.Logit(y, design).fit(disp=0, maxiter=100, **options)
    weighted = sm.GLM(y, design, family=sm.families.Binomial(), var_weights=people.weight)
    return lambda **options: weighted.fit(tol=1e-12, maxiter=100, **options)


def fit_logit(y: FloatArray, design: FloatArray, people: Matched, errors: Errors) -> Fit:
    """Logistic regression.

    Raises:
        CannotFitError: It has no finite solution, or the errors cannot be made.
    """
    return _likelihood(logit_model(y, design, people), y, design, people, errors, LOGIT)


def fit_poisson(
    y: FloatArray, design: FloatArray, people: Matched, errors: Errors, offset: FloatArray | None = None
) -> Fit:
    """Poisson regression with the log link; of a 0/1 outcome, with robust errors, the modified Poisson.

    ``offset`` (n,) is the log of each person's time at risk, for a ratio of rates.

    Source: Zou, Am. J. Epidemiol. 2004;159:702.

    Raises:
        CannotFitError: It has no finite solution, or the errors cannot be made.
    """
    model = sm.GLM(y, design, family=sm.families.Poisson(), offset=offset, var_weights=people.weight)
    make = lambda **options: model.fit(tol=1e-12, maxiter=100, **options)  # noqa: E731
    return _likelihood(make, y, design, people, errors, POISSON)


def fit_gamma(y: FloatArray, design: FloatArray, people: Matched, errors: Errors) -> Fit:
    """Regression of an amount on the log scale of its mean, its spread in proportion to the mean (gamma).

    An amount of 0 may occur: only mean and spread are supposed, not the distribution; robust errors do without the
    spread, too. Source: Blough, Madden, Hornbrook, J. Health Econ. 1999;18:153.

    Raises:
        CannotFitError: An amount is negative, it has no finite solution, or the errors cannot be made.
    """
    if (y < 0).any():
        raise CannotFitError("an amount is negative")
    model = sm.GLM(y, design, family=sm.families.Gamma(sm.families.links.Log()), var_weights=people.weight)
    make = lambda **options: model.fit(tol=1e-12, maxiter=200, **options)  # noqa: E731
    return _likelihood(make, y, design, people, errors, GAMMA)


def covariance(errors: Errors, people: Matched) -> dict[str, Any]:
    """What statsmodels' ``fit`` is told about the errors.

    Raises:
        CannotFitError: There are fewer than two clusters, or no employers are known.
    """
    groups = clusters_of(errors, people)
    return {} if groups is None else {"cov_type": "cluster", "cov_kwds": {"groups": groups}}


def clusters_of(errors: Errors, people: Matched) -> NDArray[np.int64] | None:
    """(n,) cluster of each person, (n, 2) for two ways; None for errors that are not clustered.

    Raises:
        CannotFitError: There are fewer than two clusters, no employers are known, or errors are asked for that
            no covariance gives.
    """
    if errors == "bootstrap_pair":
        raise CannotFitError("this model has no bootstrap of pairs")
    if errors not in CLUSTERED:
        return None
    if errors == "cluster_pair":
        groups = people.pair
    elif people.employer is None:
        raise CannotFitError("no employers are known")
    else:
        groups = people.employer if errors == "cluster_employer" else np.column_stack([people.pair, people.employer])
    if min(len(np.unique(column)) for column in groups.reshape(len(groups), -1).T) < 2:
        raise CannotFitError("fewer than two clusters")
    return groups


def guarded(fit: Callable[[], Any]) -> Any:
    """Run a fit; statsmodels' warnings and errors that its numbers mean nothing become ``CannotFitError``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", SpecificationWarning)  # of errors with weights: held against sums by hand
        for fatal in FATAL:
            warnings.simplefilter("error", fatal)
        try:
            return fit()
        except (*FATAL, np.linalg.LinAlgError, ZeroDivisionError, FloatingPointError, ValueError):
            raise CannotFitError(NO_FIT) from None


def _likelihood(
    make: Callable[..., Any],
    y: FloatArray,
    design: FloatArray,
    people: Matched,
    errors: Errors,
    family: Family,
) -> Fit:
    """Coefficients and covariance of a model of one family."""
    found = guarded(lambda: make(**covariance(errors, people)))
    cov = np.asarray(found.cov_params())
    if errors == "hc3":
        with np.errstate(divide="ignore", invalid="ignore"):  # of somebody who alone decides a coefficient
            cov = guarded(lambda: _hc3(y, np.asarray(found.predict()), design, family, people.weight))
    if not np.isfinite(cov[ARM, ARM]) or cov[ARM, ARM] < 0:
        raise CannotFitError(NOT_FINITE)
    return Fit(np.asarray(found.params), cov)


def _hc3(
    y: FloatArray, mean: FloatArray, design: FloatArray, family: Family, own: FloatArray | None = None
) -> FloatArray:
    weight, pull = family.weight(y, mean), family.pull(y, mean)
    if own is not None:
        weight, pull = own * weight, own * pull
    bread = np.linalg.inv(design.T @ (design * weight[:, None]))
    leverage = weight * np.einsum("ij,jk,ik->i", design, bread, design)
    score = design * (pull / (1 - leverage))[:, None]
    return np.asarray(bread @ (score.T @ score) @ bread)
