"""The months of a feed: which are missing or thin, how complete each is by now, and through which all are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_LAG = 24
COMPLETE = 0.95
STRAY = 0.05
NEAR = 6
"""Months on either side that a month is held against."""
FEWEST_EXPECTED = 30
FEWEST_PAID = 5
HALF = 0.5
Lines = Mapping[tuple[int, int], int]
Numbers = NDArray[np.int64]
Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Months:
    """Service months of one table, consecutive; months are numbers, 12 x year + month - 1.

    Attributes:
        months: From the first that belongs to the feed to the last; a month without lines is there too.
        lag: Lines by month and months until payment, 0 to 24 (the last: 24 or more).
        share: Expected share of each month's lines that has been paid by the last paid month, 0 to 1.
        empty: Months without a line.
        thin: Months with fewer than half the lines that the months about them have, once all are paid.
        unpaid: Months of payment without a line, or with fewer than half of those expected.
        outside: Lines of months before the first, after the last, or paid in a month that has not ended.
        last: The last month of payment, or of service where payment is not told.
        through: The last month of which it and all before are complete enough, not empty and not thin; null where
            there is none, or a month of payment is missing.
    """

    months: tuple[int, ...]
    lag: Numbers
    share: tuple[float, ...]
    empty: tuple[int, ...]
    thin: tuple[int, ...]
    unpaid: tuple[int, ...]
    outside: int
    last: int
    through: int | None

    @property
    def lines(self) -> tuple[int, ...]:
        """Lines of each month."""
        return tuple(self.lag.sum(axis=1).tolist())


def completeness(lines: Lines, *, least: float = COMPLETE) -> Months:
    """Completion factors by lag, from months old enough to tell, and the months that do not fit.

    The step from lag k to k + 1 is the lines paid by then over those paid before, summed over the service months
    that are at least k + 1 months old; a month's share is the inverse of all steps that it has not lived through.
    After 24 months a month is taken for complete. The feed begins with the first month that has a twentieth of the
    lines of a usual one and is not thin; the last month of payment is told the same way, and one that is thin has not
    ended: it is left out.

    Args:
        lines: Lines by service month and paid month, numbers of months; paid before service counts as lag 0.
        least: Share from which a month counts as complete.

    Source: the chain-ladder method of completion factors, as in Mack, ASTIN Bulletin 1993;23(2):213-225.
    """
    total = sum(lines.values())
    last = max(_usual(_summed(lines, 1)), default=0)
    while True:
        known = {key: n for key, n in lines.items() if max(key) <= last}
        found = _from_first(known, last, total, least)
        if last not in found.unpaid or len(found.months) < 2:
            return found
        last -= 1


def volumes(lines: Mapping[int, int]) -> Months:
    """The same of a table without payment dates: nothing tells a share, and thin last months may be on their way."""
    last = max(lines, default=0)
    while True:
        known = {(month, month): n for month, n in lines.items() if month <= last}
        found = _from_first(known, last, sum(lines.values()), COMPLETE)
        if last not in (*found.thin, *found.empty):
            return Months(found.months, found.lag, (), found.empty, found.thin, (), found.outside, last, None)
        last -= 1


def _from_first(lines: Lines, last: int, total: int, least: float) -> Months:
    """The months from the first that is neither stray nor thin."""
    first = min(_usual(_summed(lines, 0)), default=0)
    while True:
        found = _judge({key: n for key, n in lines.items() if key[0] >= first}, first, last, total, least)
        if first not in (*found.thin, *found.empty):
            return found
        first += 1


def _summed(lines: Lines, place: int) -> dict[int, int]:
    """Lines by month of service (place 0) or of payment (1)."""
    found: dict[int, int] = {}
    for key, count in lines.items():
        found[key[place]] = found.get(key[place], 0) + count
    return found


def _usual(by_month: Mapping[int, int]) -> list[int]:
    """Months with a twentieth of the lines of a usual one: the month, by size, that the middle line lies in."""
    sizes = np.array(sorted(by_month.values()), np.int64)
    if not sizes.sum():
        return []
    usual = sizes[np.searchsorted(np.cumsum(sizes), sizes.sum() / 2)]
    return [month for month, count in by_month.items() if count >= STRAY * usual]


def _judge(lines: Lines, first: int, last: int, total: int, least: float) -> Months:
    end = max((service for service, _ in lines), default=first - 1)
    months, by_lag = np.arange(first, end + 1), _by_lag(lines, first, end)
    share = _shares(by_lag, last - months)
    counts = by_lag.sum(axis=1)
    thin, empty = _thin(counts, share), counts == 0
    unpaid = _unpaid(lines, months, counts / np.maximum(share, 1e-9), _payment(by_lag, last - months), last)
    good = (share >= least) & ~thin & ~empty
    ready = len(good) if good.all() else int(np.argmin(good))
    through = int(months[ready - 1]) if ready and not unpaid else None
    return Months(
        tuple(months.tolist()), by_lag, tuple(share.tolist()), tuple(months[empty].tolist()),
        tuple(months[thin].tolist()), unpaid, total - int(counts.sum()), last, through,
    )  # fmt: skip


def _by_lag(lines: Lines, first: int, end: int) -> Numbers:
    found = np.zeros((end + 1 - first, LONGEST_LAG + 1), np.int64)
    for (service, paid), count in lines.items():
        found[service - first, min(max(paid - service, 0), LONGEST_LAG)] += count
    return found


def _steps(by_lag: Numbers, age: Numbers) -> Shares:
    """Growth of the lines paid from each lag to the next, over the months that have lived through both."""
    paid_by, steps = np.cumsum(by_lag, axis=1), np.ones(LONGEST_LAG)
    for lag in range(LONGEST_LAG):
        before, after = paid_by[age > lag, lag].sum(), paid_by[age > lag, lag + 1].sum()
        steps[lag] = after / before if before else 1.0
    return steps


def _payment(by_lag: Numbers, age: Numbers) -> Shares:
    """Share of a month's lines that has been paid by each lag; 1 by the longest."""
    return np.array([float(1 / np.prod(_steps(by_lag, age)[lag:])) for lag in range(LONGEST_LAG + 1)])


def _shares(by_lag: Numbers, age: Numbers) -> Shares:
    shares: Shares = _payment(by_lag, age)[np.clip(age, 0, LONGEST_LAG)]
    return shares


def _thin(counts: Numbers, share: Shares) -> NDArray[np.bool_]:
    """Months with some lines, but fewer than half the median of those about them, where that is enough to tell."""
    told, whole = share >= HALF, counts / np.maximum(share, 1e-9)
    found = np.zeros(len(counts), np.bool_)
    for k in np.flatnonzero(told & (counts > 0)):
        near = np.r_[max(k - NEAR, 0) : k, k + 1 : min(k + 1 + NEAR, len(counts))]
        expected = np.median(whole[near][told[near]]) if told[near].any() else 0.0
        found[k] = expected >= FEWEST_EXPECTED and whole[k] < HALF * expected
    return found


def _unpaid(lines: Lines, months: Numbers, whole: Shares, payment: Shares, last: int) -> tuple[int, ...]:
    """Months of payment with none, or fewer than half, of the lines that all service months let expect there."""
    if not len(months):
        return ()
    paid = np.arange(int(months[0]), last + 1)
    by_paid = np.zeros(len(paid), np.int64)
    for (_, month), count in lines.items():
        by_paid[max(month - int(months[0]), 0)] += count
    lag = paid[None, :] - months[:, None]
    step = np.where((lag >= 0) & (lag <= LONGEST_LAG), np.diff(payment, prepend=0.0)[np.clip(lag, 0, LONGEST_LAG)], 0.0)
    expected = whole @ step
    gone = (by_paid == 0) & (expected >= FEWEST_PAID)
    few = (expected >= FEWEST_EXPECTED) & (by_paid < HALF * expected)
    return tuple(paid[gone | few].tolist())
