"""From fills to days with supply: overlaps of one drug settled, hospital days set aside, runs and shared days."""

from dataclasses import dataclass

import numpy as np

from claimtwin.config.histories import SupplyRules
from claimtwin.kernel.columns import Days, Flags, Index, keys, starts_run
from claimtwin.kernel.mme import summed
from claimtwin.kernel.spans import Spans, merge_spans


@dataclass(frozen=True)
class Supplies:
    """One row a fill with a known supply, sorted by member, drug, day, then supply.

    ``row`` is its row among the fills given; ``start`` and ``stop`` the half-open stretch that its supply covers
    once overlaps are settled, empty where a later fill cut all of it off; ``early`` the days of supply that were
    still left of the drug on the day it was filled.
    """

    row: Index
    member: Index
    drug: Index
    day: Days
    start: Days
    stop: Days
    early: Index


@dataclass(frozen=True)
class Runs:
    """One row a run of supply, sorted by member, then start; half-open days.

    ``fills`` begin in the run (those cut off altogether included), ``early`` of them while more than ``early_days`` of
    the drug's supply were left; ``drugs`` counts different drugs, ``covered`` the days with supply, ``supply`` days'
    supply as filled.
    """

    member: Index
    start: Days
    stop: Days
    fills: Index
    early: Index
    drugs: Index
    supply: Index
    covered: Index


def lay_out(
    member: Index, drug: Index, day: Days, supply: Index, rules: SupplyRules, stays: Spans | None = None
) -> Supplies:
    """Settle which days each fill covers; fills of unknown supply cover none and are left out.

    Args:
        member, drug, day, supply: One row a fill, in any order; ``supply`` below 1 is unknown.
        rules: What becomes of an overlap of one drug.
        stays: Stays in hospital, merged; with ``hospital_days: kept`` their days use no supply, and lie within what
            is covered where supply is left on both sides of them.

    Ties: of fills of one drug on one day the shorter comes first.
    Source: docs/decisions/011-supply.md.
    """
    known = np.flatnonzero(supply > 0)
    order = known[np.lexsort((supply[known], day[known], drug[known], member[known]))]
    who, what, when, long = member[order], drug[order], day[order].astype(np.int64), supply[order]
    kept = stays if stays is not None and rules.hospital_days == "kept" else None
    own = when if kept is None else _out_of_hospital(kept, who, when)
    opens = starts_run(who) | starts_run(what)
    start, early = _in_turn(opens, own, long, rules)
    stop = start + long
    if rules.same_drug == "truncate":
        following = np.append(own[1:], 0) if len(own) else own
        last = np.append(opens[1:], True)[: len(own)]
        stop = np.where(last, stop, np.minimum(stop, following))
    if kept is not None:
        stop = np.where(stop > start, _back_to_days(kept, who, stop - 1) + 1, 0)
        start = _back_to_days(kept, who, start)
        stop = np.maximum(stop, start)
    return Supplies(order, who, what, day[order], start.astype(np.int32), stop.astype(np.int32), early)


def supply_runs(laid: Supplies, rules: SupplyRules, supply: Index) -> Runs:
    """Runs of supply of each member over all drugs, a gap of at most ``rules.gap_days`` within them.

    Args:
        laid: The fills as laid out.
        rules: The longest gap within a run, and how much supply may be left before a fill is early.
        supply: Days' supply of each fill, by ``laid.row``.
    """
    runs = merge_spans(laid.member, laid.start, laid.stop, gap_days=rules.gap_days)
    days = merge_spans(laid.member, laid.start, laid.stop)
    run, size = run_of(runs, laid.member, laid.start), len(runs.member)
    pairs = np.unique(np.stack([run, laid.drug]), axis=1)[0]
    return Runs(
        member=runs.member,
        start=runs.start,
        stop=runs.stop,
        fills=np.bincount(run, minlength=size),
        early=np.bincount(run[laid.early > rules.early_days], minlength=size),
        drugs=np.bincount(pairs, minlength=size),
        supply=summed(run, supply[laid.row], size),
        covered=summed(run_of(runs, days.member, days.start), days.stop - days.start, size),
    )


def run_of(spans: Spans, member: Index, day: Days) -> Index:
    """Position of the span that began last by that day; the caller knows that it is the member's."""
    found: Index = np.searchsorted(keys(spans.member, spans.start), keys(member, day), "right") - 1
    return found


def covered_days(spans: Spans, member: Index, index: Days, first: int, last: int) -> Index:
    """Days within disjoint spans, of days ``first`` to ``last`` about each asked member's index, both included.

    Over the days of the window that is the proportion of days covered.
    """
    return days_before(spans, member, index + np.int32(last + 1)) - days_before(spans, member, index + np.int32(first))


def days_before(spans: Spans, member: Index, day: Days | Index) -> Index:
    """Days within the member's disjoint spans that lie before ``day``, ever."""
    lengths = np.concatenate([np.zeros(1, np.int64), np.cumsum(spans.stop.astype(np.int64) - spans.start)])
    place = np.searchsorted(keys(spans.member, spans.start), keys(member, day.astype(np.int32)), "left")
    first = np.searchsorted(spans.member, member, "left")
    begun = place > first
    stop = np.append(spans.stop, 0).astype(np.int64)[place - 1]
    total: Index = lengths[place] - lengths[first] - np.where(begun, np.maximum(stop - day, 0), 0)
    return total


def both(one: Spans, other: Spans) -> Spans:
    """Stretches of days that lie in a span of each; within either, spans of a member are disjoint."""
    who = np.concatenate([one.member, one.member, other.member, other.member])
    day = np.concatenate([one.start, one.stop, other.start, other.stop])
    sizes = (len(one.member), len(one.member), len(other.member), len(other.member))
    change = np.repeat(np.array([1, -1, 1, -1], np.int64), sizes)
    order = np.lexsort((change, day, who))
    level = np.cumsum(change[order])
    opens = np.flatnonzero((level == 2) & (change[order] == 1))
    return merge_spans(who[order][opens], day[order][opens], day[order][opens + 1])


def _in_turn(opens: Flags, day: Index, supply: Index, rules: SupplyRules) -> tuple[Index, Index]:
    """First covered day of each fill, and the days of supply left when it was filled.

    A fill moves by what is left, at most ``carry_days``; what it moves decides where the next one begins, so
    the fills are taken one by one.
    """
    most = (2**30 if rules.carry_days is None else rules.carry_days) if rules.same_drug == "carry_forward" else 0
    starts, early, reach = [], [], 0
    for new, filled, long in zip(opens.tolist(), day.tolist(), supply.tolist(), strict=True):
        left = 0 if new else max(reach - filled, 0)
        start = filled + min(left, most)
        reach = start + long if new else max(reach, start + long)
        starts.append(start)
        early.append(left)
    return np.array(starts, np.int64), np.array(early, np.int64)


def _out_of_hospital(stays: Spans, member: Index, day: Index) -> Index:
    """Day number that leaves hospital days out; a day in hospital gets that of the first day after the stay."""
    return day - days_before(stays, member, day)


def _back_to_days(stays: Spans, member: Index, number: Index) -> Index:
    """The day out of hospital that has this number."""
    length = stays.stop.astype(np.int64) - stays.start
    lengths = np.concatenate([np.zeros(1, np.int64), np.cumsum(length)])
    number_of_stay = (stays.start - days_before(stays, stays.member, stays.start)).astype(np.int32)
    place = np.searchsorted(keys(stays.member, number_of_stay), keys(member, number.astype(np.int32)), "right")
    first = np.searchsorted(stays.member, member, "left")
    day: Index = number + np.where(place > first, lengths[place] - lengths[first], 0)
    return day
