"""How alike the two arms are, column by column, from counts, sums and sums of squares.

Standardised mean difference and variance ratio as in Austin, Stat. Med. 2009;28:3083. The standard deviation
below the line is always that of before matching, so that a match cannot look better by shrinking the spread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, sqrt
from typing import Literal

Denominator = Literal["pooled", "treated"]
When = Literal["before", "after"]


@dataclass(frozen=True)
class ArmSums:
    """One column in one arm: number of people, sum of the values, sum of their squares."""

    n: float
    sum: float
    sum_of_squares: float

    @property
    def mean(self) -> float | None:
        """Mean; None in an empty arm."""
        return self.sum / self.n if self.n else None

    @property
    def variance(self) -> float | None:
        """Variance with n - 1 in the denominator, never below 0; None for fewer than two people."""
        if self.n < 2:
            return None
        return max(self.sum_of_squares - self.sum * self.sum / self.n, 0.0) / (self.n - 1)

    @property
    def share_variance(self) -> float | None:
        """Return p (1 - p) of a 0/1 column; None in an empty arm."""
        return None if self.mean is None else self.mean * (1 - self.mean)


@dataclass(frozen=True)
class WeightedSums(ArmSums):
    """The same where people weigh differently: ``n`` is the sum of weights, ``squares`` that of their squares.

    The variance takes weights for reliability, as the balance table of R MatchIt does (``stats.weighted_balance``).
    """

    squares: float = 0.0

    @staticmethod
    def of(weights: Sequence[float], sums: Sequence[tuple[float, float, float]]) -> "WeightedSums":
        """From groups of people of one weight: their number, sum and sum of squares."""
        whole = [sum(w * own[k] for w, own in zip(weights, sums, strict=True)) for k in range(3)]
        squares = sum(w * w * own[0] for w, own in zip(weights, sums, strict=True))
        return WeightedSums(whole[0], whole[1], whole[2], squares)

    @property
    def variance(self) -> float | None:
        """Weighted variance, never below 0; None for fewer than two people."""
        if self.n**2 <= self.squares:
            return None
        spread = max(self.sum_of_squares - self.sum * self.sum / self.n, 0.0)
        return spread * self.n / (self.n**2 - self.squares)


@dataclass(frozen=True)
class ArmPair:
    """The same column in both arms."""

    treated: ArmSums
    comparator: ArmSums


@dataclass(frozen=True)
class BalanceRow:
    """One covariate, before or after matching; None where a figure is not defined.

    ``variance_ratio`` (treated over comparator) is None for a 0/1 column, whose variance says what its mean says.
    """

    covariate: str
    when: When
    mean_treated: float | None
    mean_comparator: float | None
    smd: float | None
    variance_ratio: float | None


def spread(before: ArmPair, *, binary: bool, denominator: Denominator = "pooled") -> float | None:
    """Standard deviation that a difference of means is measured in; ``before`` matching.

    ``pooled``: sqrt((s1² + s0²) / 2), for a 0/1 column sqrt((p1 q1 + p0 q0) / 2). ``treated``: the treated arm's
    alone, as MatchIt has it for the effect on the treated. None where an arm is too small to have one.
    """
    arms = [before.treated] if denominator == "treated" else [before.treated, before.comparator]
    variances = [arm.share_variance if binary else arm.variance for arm in arms]
    known = [variance for variance in variances if variance is not None]
    return sqrt(sum(known) / len(known)) if len(known) == len(arms) else None


def standardised_difference(now: ArmPair, spread_before: float | None) -> float | None:
    """(mean treated - mean comparator) / spread; 0 for equal means, None where the spread is 0 or unknown."""
    one, zero = now.treated.mean, now.comparator.mean
    if one is None or zero is None or spread_before is None:
        return None
    if one == zero:
        return 0.0
    return (one - zero) / spread_before if spread_before > 0 else None


def variance_ratio(now: ArmPair, *, binary: bool) -> float | None:
    """Variance of the treated over that of the comparators; None for a 0/1 column or a comparator variance of 0."""
    one, zero = now.treated.variance, now.comparator.variance
    return None if binary or one is None or not zero else one / zero


def largest_gap(treated: Sequence[int], comparator: Sequence[int]) -> float | None:
    """Kolmogorov and Smirnov's distance: the largest difference of the arms' shares up to a value; None without one.

    Args:
        treated, comparator: People of each arm at each value, or in each step of a grid, values ascending.
    """
    one, zero = sum(treated), sum(comparator)
    if not one or not zero:
        return None
    reached = zip(accumulate(treated), accumulate(comparator), strict=True)
    return max((abs(a / one - b / zero) for a, b in reached), default=0.0)


def balance_row(
    covariate: str,
    when: When,
    now: ArmPair,
    before: ArmPair,
    *,
    binary: bool,
    denominator: Denominator = "pooled",
) -> BalanceRow:
    """Means, standardised difference and variance ratio of one covariate.

    Args:
        now: The sums of the people compared: all candidates (``when`` before) or the matched (after).
        before: The sums of all candidates; their spread is the unit.
        binary: Whether the column holds 0 and 1 only.
    """
    unit = spread(before, binary=binary, denominator=denominator)
    difference, ratio = standardised_difference(now, unit), variance_ratio(now, binary=binary)
    return BalanceRow(covariate, when, now.treated.mean, now.comparator.mean, difference, ratio)


def largest_after(rows: Iterable[BalanceRow]) -> float | None:
    """Largest absolute standardised difference after matching; None without rows.

    Infinite where means differ without a spread to measure them in, or an arm has no mean: not known is not small.
    """
    after = [row for row in rows if row.when == "after"]
    return max((inf if row.smd is None else abs(row.smd) for row in after), default=None)


def balance_table(
    before: Mapping[str, ArmPair],
    after: Mapping[str, ArmPair],
    binary: Sequence[str],
    denominator: Denominator = "pooled",
) -> list[BalanceRow]:
    """Two rows, before and after, for each covariate in the order of ``before``."""
    stages: tuple[tuple[When, Mapping[str, ArmPair]], ...] = (("before", before), ("after", after))
    return [
        balance_row(name, when, now[name], before[name], binary=name in binary, denominator=denominator)
        for name in before
        for when, now in stages
    ]
