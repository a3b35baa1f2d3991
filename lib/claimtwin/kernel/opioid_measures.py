"""Measures of opioid use by the published rules, each a function of fills and days with supply.

Every function answers for members asked about, in the order asked; ``index`` is day 0. ``fills`` are those of the
pain products, ``days`` the disjoint spans of days with supply, ``benzos`` fills of benzodiazepines and
``benzo_days`` their spans. What a measure reads about index is ``config.measures``.
"""

from dataclasses import dataclass

import numpy as np

from claimtwin.config.measures import EPISODE_SEEN, FIRST_SUPPLY_CLEAN, YEAR
from claimtwin.kernel.columns import NO_DAY, Days, Events, Flags, Index, keys
from claimtwin.kernel.fills import MILLI, UNKNOWN, Fills, divided, mme_a_day
from claimtwin.kernel.mme import DailyDoses, daily_doses, days_at_dose, fills_asked, summed
from claimtwin.kernel.spans import Spans, merge_spans, spans_within
from claimtwin.kernel.supply import both, covered_days, days_before

MONTH = 30


@dataclass(frozen=True)
class OpioidUse:
    """What the measures of one block are taken from.

    ``stays`` are stays in hospital whose days use no supply; null where a day in hospital is one like others.
    """

    fills: Fills
    days: Spans
    benzos: Fills
    benzo_days: Spans
    stays: Spans | None = None


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


def new_use(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """No fill in the 365 days before index, and one on days ``first`` to ``last``; ``first`` is 1 or later."""
    prior = count_fills(use, member, index, -YEAR, -1) > 0
    after: Flags = count_fills(use, member, index, first, last) > 0
    return ~prior & after


def continuing_use(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """A fill in the 365 days before index and another on days ``first`` to ``last``: prior users who go on."""
    prior: Flags = count_fills(use, member, index, -YEAR, -1) > 0
    return prior & (count_fills(use, member, index, first, last) > 0)


def dose_change(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    """MME a day over days ``first`` to ``last`` less that over the 365 days before index, in thousandths.

    Both over all days of their window, so that somebody who stopped counts with nought. Nought for who never had
    a fill: restrict to prior users.
    """
    after = daily_doses(use.fills, member, index, first, last)
    before = daily_doses(use.fills, member, index, -YEAR, -1)
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


def long_term_months(use: OpioidUse, member: Index, index: Days, last: int) -> Flags:
    """At least 21 covered days in each of the three 30-day months that end with day ``last``.

    Source: CDC opioid prescribing support, long-term use by days covered.
    """
    answer = np.ones(len(member), np.bool_)
    for month in range(3):
        end = last - MONTH * month
        answer &= covered_days(use.days, member, index, end - MONTH + 1, end) >= 21
    return answer


def chronic_episode(use: OpioidUse, member: Index, index: Days, first: int, last: int, *, gap_days: int) -> Flags:
    """An episode begins on days ``first`` to ``last`` that lasts 90 days, 90 days and half of all days of it covered.

    An episode is a run of supply with gaps of at most ``gap_days``. It is judged by its days up to 180 after ``last``:
    what comes later could never be read of everybody.
    Source: long-term therapy as in the OPERA study, BMJ Open.
    """
    days = spans_within(use.days, member, index, first - gap_days - 1, last + EPISODE_SEEN)
    runs, covered = _runs(days, gap_days)
    length = runs.stop.astype(np.int64) - runs.start
    begins = runs.start.astype(np.int64) - index[runs.member]
    chronic = (length >= 90) & (covered >= 90) & (2 * covered >= length) & (begins >= first) & (begins <= last)
    return np.bincount(runs.member[chronic], minlength=len(member)) > 0


def proportion_covered(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    """Days with supply per thousand days of the window, rounded half up; nought where no day counts.

    Days of ``use.stays`` are in neither number: a supply that waits for the end of a stay covers none of them.
    """
    covered = covered_days(use.days, member, index, first, last)
    whole = np.full(len(member), last - first + 1, np.int64)
    if use.stays is not None:
        covered = covered - covered_days(both(use.days, use.stays), member, index, first, last)
        whole = whole - covered_days(use.stays, member, index, first, last)
    share: Index = np.where(whole > 0, divided(covered * MILLI, np.maximum(whole, 1)), 0)
    return share


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
    runs, covered = _runs(spans_within(use.days, member, index, first, last), 7)
    long: Flags = np.bincount(runs.member[covered >= 90], minlength=len(member)) > 0
    return long & (_on_days(use.fills, member, index, first, last, 90) >= 90)


def with_benzodiazepine(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """PQA COB: opioid fills on two dates with 15 days' supply, benzodiazepine fills on two dates, 30 shared days."""
    supply, _ = _supply_of(use.fills, member, index, first, last)
    opioids = (_fill_dates(use.fills, member, index, first, last) >= 2) & (supply >= 15)
    benzos = _fill_dates(use.benzos, member, index, first, last) >= 2
    return opioids & benzos & (shared_days(use, member, index, first, last) >= 30)


def shared_days(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    """Days of the window with a supply of an opioid and of a benzodiazepine."""
    return covered_days(both(use.days, use.benzo_days), member, index, first, last)


def continued_opioids(use: OpioidUse, member: Index, index: Days, first: int, last: int, *, long: bool) -> Flags:
    """HEDIS COU: from the first fill on days ``first`` to ``last`` 15 covered days in 30, or (``long``) 31 in 62.

    The days need not follow each other.
    """
    begin = days_to_first_fill(use, member, index, first, last)
    from_start = (index + np.maximum(begin, 0)).astype(np.int32)
    needed, within = (31, 62) if long else (15, 30)
    return (begin >= 0) & (covered_days(use.days, member, from_start, 0, within - 1) >= needed)


def long_first_supply(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Flags:
    """PQA IOP-LD: a first fill in the window, none in the 90 days before it, and over 7 days' supply in 3 days."""
    dates = Events.of(use.fills.member, use.fills.day).distinct_days()
    who, day = dates.member(), dates.day()
    begins = count_fills(use, who, day, -FIRST_SUPPLY_CLEAN, -1) == 0
    supply, _ = _supply_of(use.fills, who, day, 0, 2)
    long = begins & (supply > 7)
    found: Flags = Events.of(who[long], day[long]).count(member, index, first, last) > 0
    return found


def _runs(days: Spans, gap_days: int) -> tuple[Spans, Index]:
    """Runs of disjoint spans with gaps of at most ``gap_days``, and the days of each that are covered."""
    runs = merge_spans(days.member, days.start, days.stop, gap_days=gap_days)
    return runs, days_before(days, runs.member, runs.stop) - days_before(days, runs.member, runs.start)


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
