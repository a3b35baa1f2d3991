"""Measures of opioid use by the published rules, each a function of fills and days with supply.

Every function answers for members asked about, in the order asked; ``index`` is day 0. ``fills`` are those of the
pain products, ``days`` the disjoint spans of days with supply, ``benzos`` fills of benzodiazepines and
``benzo_days`` their spans.
"""

from dataclasses import dataclass

import numpy as np

from claimtwin.kernel.columns import NO_DAY, Days, Events, Flags, Index, keys
from claimtwin.kernel.fills import MILLI, UNKNOWN, Fills, mme_a_day
from claimtwin.kernel.mme import DailyDoses, daily_doses, days_at_dose, fills_asked, summed
from claimtwin.kernel.spans import Spans, merge_spans
from claimtwin.kernel.supply import both, covered_days, days_before

YEAR = 365
MONTH = 30


@dataclass(frozen=True)
class OpioidUse:
    """What the measures of one block are taken from."""

    fills: Fills
    days: Spans
    benzos: Fills
    benzo_days: Spans


def count_fills(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    """Fills on days ``first`` to ``last``, both included; per 100 people, once averaged and multiplied."""
    return Events.of(use.fills.member, use.fills.day).count(member, index, first, last)


def days_to_first_fill(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    """Day of the first fill in the window, relative to index; ``UNKNOWN`` where there is none, or it lies before."""
    key = keys(use.fills.member, use.fills.day)
    place = np.searchsorted(key, keys(member, index + np.int32(first)), "left")
    day = np.append(use.fills.day, NO_DAY)[place].astype(np.int64) - index
    found: Index = np.where(count_fills(use, member, index, first, last) > 0, day, UNKNOWN)
    return found


def new_use(use: OpioidUse, member: Index, index: Days, lookback: int, last: int) -> Flags:
    """No fill in the ``lookback`` days before index, and one on days 1 to ``last``; the index day is in neither."""
    prior = count_fills(use, member, index, -lookback, -1) > 0
    after: Flags = count_fills(use, member, index, 1, last) > 0
    return ~prior & after


def continuing_use(use: OpioidUse, member: Index, index: Days, lookback: int, last: int) -> Flags:
    """A fill in the ``lookback`` days before index and another on days 1 to ``last``: prior users who go on."""
    prior: Flags = count_fills(use, member, index, -lookback, -1) > 0
    return prior & (count_fills(use, member, index, 1, last) > 0)


def dose_change(use: OpioidUse, member: Index, index: Days, lookback: int, last: int) -> Index:
    """MME a day over days 1 to ``last`` less that over the ``lookback`` days before, in thousandths.

    Both over all days of their window, so that somebody who stopped counts with nought. Nought for who never had
    a fill: restrict to prior users.
    """
    after = daily_doses(use.fills, member, index, 1, last)
    before = daily_doses(use.fills, member, index, -lookback, -1)
    return after.by_window - before.by_window


def persistent_use(use: OpioidUse, member: Index, index: Days) -> Flags:
    """New persistent use after surgery: none on days -365 to -31, one on -30 to 14, one on 90 to 180.

    Source: Brummett and others, JAMA Surgery 2017;152(6):e170504.
    """
    naive = count_fills(use, member, index, -YEAR, -31) == 0
    around = count_fills(use, member, index, -30, 14) > 0
    persistent: Flags = naive & around & (count_fills(use, member, index, 90, 180) > 0)
    return persistent


def long_term_kazis(use: OpioidUse, member: Index, index: Days) -> Flags:
    """Started by day 60, and in the 12 months from that fill 120 days' supply, or 90 with ten fills.

    Source: Kazis and others, BMJ Open 2019;9:e028633.
    """
    begin = days_to_first_fill(use, member, index, 0, 60)
    from_start = (index + np.maximum(begin, 0)).astype(np.int32)
    supply, fills = _supply_of(use.fills, member, from_start, 0, YEAR - 1)
    long: Flags = (begin >= 0) & ((supply >= 120) | ((supply >= 90) & (fills >= 10)))
    return long


def long_term_months(use: OpioidUse, member: Index, index: Days) -> Flags:
    """At least 21 covered days in each of the three 30-day months that end with the index day.

    Source: CDC opioid prescribing support, long-term use by days covered.
    """
    answer = np.ones(len(member), np.bool_)
    for month in range(3):
        last = -MONTH * month
        answer &= covered_days(use.days, member, index, last - MONTH + 1, last) >= 21
    return answer


def chronic_episode(use: OpioidUse, member: Index, index: Days, last: int, *, gap_days: int) -> Flags:
    """An episode begins on days 1 to ``last`` that lasts 90 days, 90 days and half of all days of it covered.

    An episode is a run of supply with gaps of at most ``gap_days``.
    Source: long-term therapy as in the OPERA study, BMJ Open.
    """
    runs = merge_spans(use.days.member, use.days.start, use.days.stop, gap_days=gap_days)
    length = runs.stop.astype(np.int64) - runs.start
    covered = days_before(use.days, runs.member, runs.stop) - days_before(use.days, runs.member, runs.start)
    chronic = (length >= 90) & (covered >= 90) & (2 * covered >= length)
    begun: Flags = Events.of(runs.member[chronic], runs.start[chronic]).count(member, index, 1, last) > 0
    return begun


def high_dose(use: OpioidUse, member: Index, index: Days, first: int, last: int, *, least: int) -> Flags:
    """A day in the window with ``least`` (50, 90) MME or more from fills dispensed in it, overlaps added."""
    return _on_days(use.fills, member, index, first, last, least) > 0


def high_dose_period(use: OpioidUse, member: Index, index: Days, first: int, last: int, *, least: int) -> Flags:
    """HEDIS HDO: fills on two dates, 15 covered days, and ``least`` (90) MME a day over the treatment period.

    The period goes from the first fill in the window to the end of the last supply.
    """
    doses: DailyDoses = daily_doses(use.fills, member, index, first, last)
    many = _fill_dates(use.fills, member, index, first, last) >= 2
    covered = covered_days(use.days, member, index, first, last) >= 15
    return many & covered & (doses.by_span >= least * MILLI)


def potential_overuse(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """CMS460: in the window 90 covered days of one run with gaps of at most 7, and 90 days at 90 MME or more."""
    runs = merge_spans(use.days.member, use.days.start, use.days.stop, gap_days=7)
    covered = days_before(use.days, runs.member, runs.stop) - days_before(use.days, runs.member, runs.start)
    long = covered >= 90
    days = both(use.days, Spans(runs.member[long], runs.start[long], runs.stop[long]))
    return (covered_days(days, member, index, first, last) >= 90) & (
        _on_days(use.fills, member, index, first, last, 90) >= 90
    )


def with_benzodiazepine(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """PQA COB: opioid fills on two dates with 15 days' supply, benzodiazepine fills on two dates, 30 shared days."""
    supply, _ = _supply_of(use.fills, member, index, first, last)
    opioids = (_fill_dates(use.fills, member, index, first, last) >= 2) & (supply >= 15)
    benzos = _fill_dates(use.benzos, member, index, first, last) >= 2
    return opioids & benzos & (shared_days(use, member, index, first, last) >= 30)


def shared_days(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    """Days of the window with a supply of an opioid and of a benzodiazepine."""
    return covered_days(both(use.days, use.benzo_days), member, index, first, last)


def continued_opioids(use: OpioidUse, member: Index, index: Days, last: int, *, long: bool) -> Flags:
    """HEDIS COU: from the first fill on days 0 to ``last`` 15 covered days in 30, or (``long``) 31 in 62.

    The days need not follow each other.
    """
    begin = days_to_first_fill(use, member, index, 0, last)
    from_start = (index + np.maximum(begin, 0)).astype(np.int32)
    needed, within = (31, 62) if long else (15, 30)
    return (begin >= 0) & (covered_days(use.days, member, from_start, 0, within - 1) >= needed)


def long_first_supply(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """PQA IOP-LD: a first fill in the window, none in the 90 days before it, and over 7 days' supply in 3 days."""
    dates = Events.of(use.fills.member, use.fills.day).distinct_days()
    who, day = dates.member(), dates.day()
    begins = count_fills(use, who, day, -90, -1) == 0
    supply, _ = _supply_of(use.fills, who, day, 0, 2)
    long = begins & (supply > 7)
    found: Flags = Events.of(who[long], day[long]).count(member, index, first, last) > 0
    return found


def _fill_dates(fills: Fills, member: Index, index: Days, first: int, last: int) -> Index:
    return Events.of(fills.member, fills.day).distinct_days().count(member, index, first, last)


def _supply_of(fills: Fills, member: Index, index: Days, first: int, last: int) -> tuple[Index, Index]:
    """Days' supply in the window, overlaps counted as often as they happen, and fills."""
    asked, row = fills_asked(fills, member, index, first, last)
    supply = summed(asked, np.maximum(fills.supply[row], 0), len(member))
    return supply, np.bincount(asked, minlength=len(member))


def _on_days(fills: Fills, member: Index, index: Days, first: int, last: int, least: int) -> Index:
    """Days of the window at ``least`` MME or more, from fills dispensed in it as they were filled."""
    asked, row = fills_asked(fills, member, index, first, last)
    daily = mme_a_day(fills)[row]
    known = daily >= 0
    asked, row, daily = asked[known], row[known], daily[known]
    start = fills.day[row].astype(np.int64)
    stop = np.minimum(start + fills.supply[row], index[asked].astype(np.int64) + last + 1)
    return days_at_dose(asked, start.astype(np.int32), stop.astype(np.int32), daily, len(member), least=least)
