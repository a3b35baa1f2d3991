"""Daily doses over a window, by the four published denominators and the two that notebooks use beside them."""

from dataclasses import dataclass

import numpy as np

from claimtwin.kernel.columns import Days, Index, keys, starts_run
from claimtwin.kernel.fills import MICRO, MILLI, UNKNOWN, Fills, divided, mme_a_day
from claimtwin.kernel.spans import merge_spans


@dataclass(frozen=True)
class DailyDoses:
    """One row per window asked; MME in thousandths, a day where not said otherwise, ``UNKNOWN`` over no day.

    Attributes:
        fills: Fills dispensed in the window whose MME and supply are both known; all else is over these.
        unknown: Fills in the window left out because one of the two is not known.
        mme: Sum over the fills, all days together.
        by_supply: Sum over the sum of days' supply, overlaps counted as often as they happen.
        by_covered: Sum over the days with a supply, each day once.
        by_window: Sum over all days of the window.
        highest_day: The largest sum of daily doses on one day.
        by_span: Sum over the days from the first fill to the end of the last supply.
        mean_of_fills: Plain mean of the daily doses of the fills.
    """

    fills: Index
    unknown: Index
    mme: Index
    by_supply: Index
    by_covered: Index
    by_window: Index
    highest_day: Index
    by_span: Index
    mean_of_fills: Index


def daily_doses(fills: Fills, member: Index, index: Days, first: int, last: int) -> DailyDoses:
    """Doses of each asked member, of fills dispensed on days ``first`` to ``last`` about its index, both included.

    A supply that outlasts the window stays whole. Members may be asked in any order, and twice.

    Source: the four denominators of Dasgupta and others, Clinical Journal of Pain 2021 (PMC8270512).
    """
    asked, row = fills_asked(fills, member, index, first, last)
    daily = mme_a_day(fills)[row]
    known = daily >= 0
    asked_known, row, daily = asked[known], row[known], daily[known]
    many, size = np.bincount(asked_known, minlength=len(member)), len(member)
    start, stop = fills.day[row], (fills.day[row] + fills.supply[row]).astype(np.int32)
    mme = summed(asked_known, fills.mme[row], size)
    spans = merge_spans(asked_known, start, stop)
    around = merge_spans(asked_known, start, stop, gap_days=int(last - first) + 1)
    return DailyDoses(
        fills=many,
        unknown=np.bincount(asked[~known], minlength=size),
        mme=mme,
        by_supply=_per(mme, summed(asked_known, fills.supply[row], size)),
        by_covered=_per(mme, summed(spans.member, spans.stop - spans.start, size)),
        by_window=divided(mme, last - first + 1),
        highest_day=highest_day(asked_known, start, stop, daily, size),
        by_span=_per(mme, summed(around.member, around.stop - around.start, size)),
        mean_of_fills=_per(summed(asked_known, daily, size), many * MILLI),
    )


def fills_asked(fills: Fills, member: Index, index: Days, first: int, last: int) -> tuple[Index, Index]:
    """Every fill in each asked window: the position asked, ascending, and the row of the fill."""
    key = keys(fills.member, fills.day)
    low = np.searchsorted(key, keys(member, index + np.int32(first)), "left")
    many = np.searchsorted(key, keys(member, index + np.int32(last)), "right") - low
    many = np.maximum(many, 0)
    asked = np.repeat(np.arange(len(member)), many)
    nth = np.arange(len(asked)) - np.repeat(np.cumsum(many) - many, many)
    return asked, np.repeat(low, many) + nth


def highest_day(asked: Index, start: Days, stop: Days, daily: Index, size: int) -> Index:
    """Largest sum of daily doses on any day, in thousandths; doses come in millionths, intervals half-open."""
    who, _, level = _levels(asked, start, stop, daily)
    highest = np.full(size, UNKNOWN, np.int64)
    first = np.flatnonzero(starts_run(who))
    if len(first):
        highest[who[first]] = divided(np.maximum.reduceat(level, first), MILLI)
    return highest


def days_at_dose(asked: Index, start: Days, stop: Days, daily: Index, size: int, *, least: int) -> Index:
    """Days on which the sum of daily doses is ``least`` MME or more; doses come in millionths, intervals half-open."""
    who, day, level = _levels(asked, start, stop, daily)
    until = np.append(day[1:], 0)[: len(day)]
    high = level >= least * MICRO
    return summed(who[high], (until - day)[high], size)


def _levels(asked: Index, start: Days, stop: Days, daily: Index) -> tuple[Index, Days, Index]:
    """Sum of daily doses from each change until the next; nought at the last change of each window asked."""
    who, day = np.concatenate([asked, asked]), np.concatenate([start, stop])
    change = np.concatenate([daily, -daily])
    order = np.lexsort((change, day, who))  # what ends on a day is off before what begins on it comes on
    return who[order], day[order], np.cumsum(change[order])


def summed(group: Index, amount: Index | Days, size: int) -> Index:
    """Exact sum of whole amounts by group number, 0 to ``size`` - 1."""
    total = np.zeros(size, np.int64)
    np.add.at(total, group, amount)
    return total


def _per(amount: Index, days: Index) -> Index:
    """Amount a day, rounded half up; ``UNKNOWN`` over no day."""
    answer: Index = np.where(days > 0, divided(amount, np.maximum(days, 1)), UNKNOWN)
    return answer
