"""From covariates to coordinates in which the Euclidean distance is the one asked for.

Mahalanobis and scaled Euclidean distance use the covariance within the arms, pooled: what separates the arms is no
part of the spread (MatchIt 4.7 measures so, too). Both can be had from sums alone, so that no row has to travel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimtwin.errors import InputError
from claimtwin.kernel.columns import Flags
from claimtwin.kernel.matching.units import Table

Vector = NDArray[np.float64]
SINGULAR = 1e-10
"""Share of the total correlation below which a direction counts as without spread."""


@dataclass(frozen=True)
class ArmTotals:
    """Sums of one arm (or of a part of it): people, covariates and their products, all less the same centre."""

    n: int
    total: Vector
    products: Table

    @staticmethod
    def of(x: Any, center: Any = 0.0) -> "ArmTotals":
        """Totals of n x p covariates; a centre near the mean keeps digits that large values would lose."""
        from_center = np.asarray(x, np.float64) - center
        return ArmTotals(len(from_center), from_center.sum(axis=0), from_center.T @ from_center)

    def __add__(self, other: "ArmTotals") -> "ArmTotals":
        """Totals of both parts; of one arm and one centre."""
        return ArmTotals(self.n + other.n, self.total + other.total, self.products + other.products)


def pooled_covariance(arms: Sequence[ArmTotals]) -> Table:
    """Within-arm sums of squares and products over n minus the number of arms with people; p x p.

    Raises:
        InputError: No degree of freedom, or a covariate that is missing or infinite.
    """
    arms = [arm for arm in arms if arm.n]
    freedom = sum(arm.n for arm in arms) - len(arms)
    if freedom < 1:
        raise _refused(f"{sum(arm.n for arm in arms)} people are too few for a covariance.", "more people than arms")
    within = [arm.products - np.outer(arm.total, arm.total) / arm.n for arm in arms]
    pooled: Table = np.sum(within, axis=0) / freedom
    if not np.isfinite(pooled).all():
        raise _refused("Covariates of the distance are missing or infinite.", "all values are finite")
    return pooled


def whitening(covariance: Table) -> Table:
    """P x p matrix W so that the Mahalanobis distance is the Euclidean one between rows of ``x @ W``.

    The symmetric square root of the inverse correlation, on covariates in standard deviations. A covariate without
    spread, and a combination of covariates without spread (collinear), count nothing: the generalised inverse.
    """
    scale = scaling(covariance)
    values, vectors = np.linalg.eigh(scale @ covariance @ scale)
    spread = values > SINGULAR * max(len(values), 1)
    root = np.where(spread, 1 / np.sqrt(np.where(spread, values, 1.0)), 0.0)
    white: Table = scale @ (vectors * root) @ vectors.T
    return white


def scaling(covariance: Table) -> Table:
    """P x p diagonal matrix for the scaled Euclidean distance: one over each standard deviation, 0 without spread."""
    variance = np.clip(np.diagonal(covariance), 0.0, None)
    return np.diag(np.where(variance > 0, 1 / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0))


def pooled_whitening(x: Any, treated: Flags) -> Table:
    """``whitening`` of people in memory: n x p covariates and their arm."""
    return whitening(_covariance_of(x, treated))


def pooled_scaling(x: Any, treated: Flags) -> Table:
    """``scaling`` of people in memory: n x p covariates and their arm."""
    return scaling(_covariance_of(x, treated))


def _covariance_of(x: Any, treated: Flags) -> Table:
    x = np.asarray(x, np.float64)
    arms = [x[treated], x[~treated]]
    return pooled_covariance([ArmTotals.of(arm, arm.mean(axis=0)) for arm in arms if len(arm)])


def _refused(what: str, rule: str) -> InputError:
    return InputError(what, where="covariates of the distance", rule=rule, remedy="correct or leave out these people")
