"""Events of a block by the name that a protocol gives them, and how often they meet a window about a day."""

import numpy as np

from claimtwin.config.events import FAMILIES, REGION_OF_INDEX, Counted, Criterion, Event, Exposure
from claimtwin.config.outcomes import Around
from claimtwin.kernel.claims import Claims, Small
from claimtwin.kernel.columns import Days, Events, Flags, Index, keys


def events_of(claims: Claims, event: Event) -> Events:
    """All events of one kind in the block: every dispensing of a drug, of all else one a member and day."""
    kind, codes = event.key
    if kind == "drug":
        return Events.of(*claims.drugs[codes])
    if kind == "diagnosis":
        return Events.of(*claims.diagnoses[codes]).distinct_days()
    if kind == "procedures":
        return Events.of(*claims.procedures[codes]).distinct_days()
    services = claims.services
    rows = services.families[:, FAMILIES.index(codes)]
    return Events.of(services.member[rows], services.day[rows]).distinct_days()


def outcome_events(claims: Claims, event: Event, around: Around | None) -> Events:
    """Events of an outcome, without those that do not count because they lie about another event.

    Source: docs/decisions/041-timing.md.
    """
    events = events_of(claims, event)
    if around is None:
        return events
    first, last = around.window
    near = events_of(claims, around).count(events.member(), events.day(), -last, -first)
    return Events(events.key[near == 0])


def meets(claims: Claims, rule: Criterion, member: Index, index: Days, body: Small, regions: tuple[str, ...]) -> Flags:
    """Whether each asked member meets a criterion in its window about ``index``, both ends included.

    ``body`` is the place of the member's region in ``regions``, -1 for none; it matters where the rule asks for
    diagnoses of the region of the index, of which somebody without a region has none.
    """
    if rule.diagnosis != REGION_OF_INDEX:
        return _passes(events_of(claims, rule), rule, member, index)
    answer = _in_bounds(rule, np.zeros(len(member), np.int64))
    for number in np.unique(body[body >= 0]).tolist():
        rows = np.flatnonzero(body == number)
        events = Events.of(*claims.diagnoses[f"body_regions.{regions[number]}"]).distinct_days()
        answer[rows] = _passes(events, rule, member[rows], index[rows])
    return answer


def is_exposed(claims: Claims, rule: Exposure, member: Index, event_day: Days) -> Flags:
    """Whether each member's events in the window, days after its event, are as many as the arm asks for."""
    return _in_bounds(rule, events_of(claims, rule).count(member, event_day, *rule.window))


def days_between(events: Events, member: Index, index: Days, first: int, last: int) -> Index:
    """Days from the first to the last event of each member in the window, 0 for fewer than two."""
    low = np.searchsorted(events.key, keys(member, index + np.int32(first)), "left")
    high = np.searchsorted(events.key, keys(member, index + np.int32(last)), "right")
    days, span = events.day().astype(np.int64), np.zeros(len(member), np.int64)
    some = np.flatnonzero(high > low)
    span[some] = days[high[some] - 1] - days[low[some]]
    return span


def _passes(events: Events, rule: Criterion, member: Index, index: Days) -> Flags:
    passed = _in_bounds(rule, events.count(member, index, *rule.window))
    if rule.apart_days:
        passed &= days_between(events, member, index, *rule.window) >= rule.apart_days
    return passed


def _in_bounds(rule: Counted, count: Index) -> Flags:
    least, most = rule.bounds
    passed: Flags = (count >= least) if most is None else (count >= least) & (count <= most)
    return passed
