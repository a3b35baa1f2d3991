"""Models of counts: Poisson, negative binomial, and in two parts (whether any, then how many).

Two parts: logistic regression for any occurrence, a log-linear mean of the occurrences among those that had any
(Mullahy, J. Health Econ. 1998;17:247). The second part supposes a mean and no distribution, so errors are clustered
only; those of both parts together come from each person's influence on either.
"""

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import (
    ARM,
    NO_FIT,
    CannotFitError,
    Fit,
    covariance,
    design_matrix,
    fit_logit,
    fit_poisson,
    guarded,
    ratio,
)
from claimtwin.stats.intervals import Errors, Estimate, Measure, wald
from claimtwin.stats.matched import Matched

TWO_PART: tuple[Measure, ...] = ("mean_ratio", "difference_per_scale")


def negative_binomial_ratio(count: NDArray[np.int64], people: Matched, columns: list[int], errors: Errors) -> Estimate:
    """Ratio of occurrences per person by negative binomial regression (NB2, maximum likelihood).

    Raises:
        CannotFitError: No solution, no overdispersion, or HC3 errors, which this model does not have.
    """
    if errors == "hc3":
        raise CannotFitError("this model has no HC3 errors")
    design = design_matrix(people.treated, people.covariates[:, columns])
    options = covariance(errors, people)
    fit = guarded(lambda: sm.NegativeBinomial(count, design).fit(method="newton", disp=0, maxiter=200, **options))
    if not fit.mle_retvals["converged"] or not np.isfinite(fit.params).all():
        raise CannotFitError("the model does not converge")
    if fit.params[-1] <= 0:
        raise CannotFitError("the counts vary no more than a Poisson's")
    return ratio(Fit(np.asarray(fit.params), np.asarray(fit.cov_params())))


def two_part(
    count: NDArray[np.int64], people: Matched, columns: list[int], errors: Errors, *, scale: int
) -> tuple[Estimate, Estimate]:
    """Ratio of the mean among those with any, and difference of occurrences per ``scale`` people, both parts together.

    The difference is standardised over the treated.

    Raises:
        CannotFitError: A part has no finite solution, or the errors are not clustered one way.
    """
    if errors not in ("cluster_pair", "cluster_employer"):
        raise CannotFitError("this model has one-way clustered errors only")
    design, some = design_matrix(people.treated, people.covariates[:, columns]), count > 0
    any_part = fit_logit(some.astype(np.float64), design, people, errors)
    with_some = people.part(some)
    if not 0 < with_some.treated.sum() < len(with_some.treated):
        raise CannotFitError("nobody with an occurrence in an arm")
    many_part = fit_poisson(count[some].astype(np.float64), design[some], with_some, errors)
    weight = np.ones(len(count)) if people.weight is None else people.weight
    cov = _joint(design, some, count, any_part.params, many_part.params, _groups(people, errors), weight)
    expected, slopes = zip(*(_expected(design[people.treated], arm, any_part, many_part) for arm in (1.0, 0.0)),
                           strict=True)  # fmt: skip
    gradient = scale * (slopes[0] - slopes[1])
    error = float(np.sqrt(gradient @ cov @ gradient))
    return ratio(many_part), wald(scale * (expected[0] - expected[1]), error)


def _groups(people: Matched, errors: Errors) -> NDArray[np.int64]:
    options = covariance(errors, people)
    return np.asarray(options["cov_kwds"]["groups"])


def _expected(design: FloatArray, arm: float, any_part: Fit, many_part: Fit) -> tuple[float, FloatArray]:
    """Mean occurrences with everybody in one arm, and its gradient in the coefficients of both parts."""
    moved = design.copy()
    moved[:, ARM] = arm
    risk, mean = 1 / (1 + np.exp(-moved @ any_part.params)), np.exp(moved @ many_part.params)
    by_any, by_many = (risk * (1 - risk) * mean) @ moved, (risk * mean) @ moved
    return float((risk * mean).mean()), np.concatenate([by_any, by_many]) / len(moved)


def _joint(
    design: FloatArray,
    some: NDArray[np.bool_],
    count: NDArray[np.int64],
    any_params: FloatArray,
    many_params: FloatArray,
    groups: NDArray[np.int64],
    own: FloatArray,
) -> FloatArray:
    """Clustered covariance of both parts; each part's own block is the one that statsmodels gives."""
    risk, mean = 1 / (1 + np.exp(-design @ any_params)), np.exp(design @ many_params)
    first = _influence(design, own * (some - risk), own * (risk * (1 - risk)), groups, np.ones(len(some), bool))
    second = _influence(design, np.asarray(own * (count - mean)), own * mean, groups, some)
    total = np.zeros((len(np.unique(groups)), 2 * design.shape[1]))
    np.add.at(total, np.unique(groups, return_inverse=True)[1], np.hstack([first, second]))
    return np.asarray(total.T @ total)


def _influence(
    design: FloatArray, left: FloatArray, weight: FloatArray, groups: NDArray[np.int64], rows: NDArray[np.bool_]
) -> FloatArray:
    """Each person's pull on the coefficients, with the root of the factor for few clusters; 0 outside ``rows``."""
    try:
        bread = np.linalg.inv(design[rows].T @ (design[rows] * weight[rows, None]))
    except np.linalg.LinAlgError:
        raise CannotFitError(NO_FIT) from None
    n, k, clusters = int(rows.sum()), design.shape[1], len(np.unique(groups[rows]))
    if n <= k:
        raise CannotFitError("fewer people than columns")
    factor = clusters / (clusters - 1) * (n - 1) / (n - k)
    return np.asarray(np.where(rows[:, None], design * left[:, None], 0.0) @ bread * np.sqrt(factor))
