"""How alike the two arms are when people weigh differently: after k:1 matching, or with replacement.

Definitions are those of the balance table of R MatchIt 4.7.2. With weights of 0 and 1 means and standardised
differences are those of ``stats.balance``, whose spread is used here, too.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.balance import ArmPair, ArmSums, Denominator, spread

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class WeightedBalance:
    """One covariate; None where a figure is not defined.

    Attributes:
        smd: Difference of weighted means in standard deviations of before matching.
        variance_ratio: Weighted variance of the treated over that of the comparators; None for a 0/1 column.
        ecdf_mean, ecdf_max: Mean over the distinct values before matching, and largest, of the absolute difference
            of the weighted distribution functions; for a 0/1 column both are the difference of the shares.
        effective_treated, effective_comparator: Effective sample size of either arm, see ``effective_size``.
    """

    mean_treated: float | None
    mean_comparator: float | None
    smd: float | None
    variance_ratio: float | None
    ecdf_mean: float | None
    ecdf_max: float | None
    effective_treated: float
    effective_comparator: float


def effective_size(weight: Column) -> float:
    """Effective sample size of (n,) weights: people who would tell as much unweighted; 0 where all weigh nothing.

    Weights that are all alike give the number of people, however large they are. Source: Kish, Survey Sampling, 1965.
    """
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def weighted_balance(
    column: Column, treated: Flags, weight: Column, *, denominator: Denominator = "treated"
) -> WeightedBalance:
    """Balance of one covariate, a value for each candidate.

    Args:
        column: Values of all candidates, without missing ones; one that holds 0 and 1 only counts as binary.
        treated: Each candidate's arm.
        weight: 0 for who is not in the match. All 1 gives the balance before matching.
        denominator: Whose standard deviation before matching is the unit; where it is 0, that within both arms.
    """
    binary = bool(((column == 0) | (column == 1)).all())
    unit = _unit(column, treated, binary, denominator)
    arms = [_Arm(column[side], weight[side]) for side in (treated & (weight > 0), ~treated & (weight > 0))]
    one, zero = arms[0].mean, arms[1].mean
    sizes = effective_size(arms[0].weight), effective_size(arms[1].weight)
    if one is None or zero is None:
        return WeightedBalance(one, zero, None, None, None, None, *sizes)
    apart = abs(one - zero) if binary else 0.0
    steps = np.array([apart]) if binary else _steps(np.unique(column), arms)
    ratio = None if binary else _ratio(arms[0].variance, arms[1].variance)
    return WeightedBalance(one, zero, _smd(one - zero, unit), ratio, float(steps.mean()), float(steps.max()), *sizes)


@dataclass(frozen=True)
class _Arm:
    """The people of an arm who are in the match."""

    value: Column
    weight: Column

    @property
    def mean(self) -> float | None:
        return float(np.average(self.value, weights=self.weight)) if len(self.value) else None

    @property
    def variance(self) -> float | None:
        """Weighted variance with the correction for weights that measure reliability; None for fewer than two."""
        total, squares = float(self.weight.sum()), float((self.weight**2).sum())
        if self.mean is None or total**2 <= squares:
            return None
        return float((self.weight * (self.value - self.mean) ** 2).sum()) * total / (total**2 - squares)

    def share_up_to(self, values: Column) -> Column:
        """Weighted share of the arm that is at most each value."""
        order = np.argsort(self.value, kind="stable")
        reached = np.append(0.0, np.cumsum(self.weight[order]))
        share: Column = reached[np.searchsorted(self.value[order], values, "right")] / reached[-1]
        return share


def _unit(column: Column, treated: Flags, binary: bool, denominator: Denominator) -> float | None:
    before = ArmPair(_sums(column[treated]), _sums(column[~treated]))
    unit = spread(before, binary=binary, denominator=denominator)
    return _within_arms(before, binary) if unit == 0 else unit


def _within_arms(before: ArmPair, binary: bool) -> float:
    """Standard deviation within the arms, weighted by people (a 0/1 column) or degrees of freedom."""
    arms = (before.treated, before.comparator)
    squares = sum(
        (arm.share_variance or 0.0) * arm.n if binary else (arm.variance or 0.0) * (arm.n - 1) for arm in arms
    )
    freedom = sum(arm.n - (not binary) for arm in arms)
    return sqrt(squares / freedom) if freedom > 0 else 0.0


def _sums(column: Column) -> ArmSums:
    """Sums from the mean, which a variance does not feel, except that of a share."""
    if ((column == 0) | (column == 1)).all():
        return ArmSums(len(column), float(column.sum()), float(column.sum()))
    centred = column - column.mean()
    return ArmSums(len(column), float(centred.sum()), float((centred**2).sum()))


def _steps(values: Column, arms: list[_Arm]) -> Column:
    return np.abs(arms[0].share_up_to(values) - arms[1].share_up_to(values))


def _smd(difference: float, unit: float | None) -> float | None:
    if unit is None or (unit == 0 and difference != 0):
        return None
    return difference / unit if unit else 0.0


def _ratio(one: float | None, zero: float | None) -> float | None:
    return one / zero if one is not None and zero else None
