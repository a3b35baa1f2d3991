"""Who comes into which arm, and on which day."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from claimtwin.config.arms import Arm
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.claims import Claims, Small
from claimtwin.kernel.columns import NO_DAY, Days, Events, Flags, Index, keys, starts_run
from claimtwin.kernel.deaths import is_alive
from claimtwin.kernel.events import is_exposed

EPOCH = date(1970, 1, 1).toordinal()
REGION_NAMES = ("back", "neck", "shoulder", "hip", "knee")


@dataclass(frozen=True)
class Entries:
    """One row per member that comes into an arm at all, sorted by member."""

    member: Index
    day: Days
    body: Small


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH


def in_window(day: Days, protocol: Protocol) -> Flags:
    """Whether each day lies in the study's index window, both ends included."""
    first, last = (day_number(d) for d in protocol.study.index_window)
    return (day >= first) & (day <= last)


def pick_entries(claims: Claims, protocol: Protocol, arm: Arm, number: int) -> Entries:
    """Index event of each member in one arm (``number`` 0 treated, 1 comparator).

    The first event in the index window, or where there is none (or ``pick`` says so) the first in all the
    data; then ``index_in_window`` decides. An event needs a studied body region where the arm requires one;
    a region that is not studied counts as none (-1). Of these the events of a member's first ``nth`` - 1 days with
    one do not count; the index is ``landmark_days`` after the event, and the window is that of the index. An arm with
    an ``exposure`` keeps of the members whose event was so picked those that the exposure asks for. Who died before
    the index so found does not come in. The index of a placebo study is then moved back by its days.

    Ties: of several on one day the first in the table's key order.
    Source: docs/decisions/003-index-event.md.
    """
    member, day, body = _events(claims, arm, number)
    moved = np.int32(days_moved(protocol))
    if arm.source == "assigned":
        day = day + moved  # it was drawn from moved days
    studied = np.isin(body, [REGION_NAMES.index(region) for region in protocol.regions])
    rows = np.flatnonzero(studied) if arm.require_region else np.arange(len(member))
    member, day, body = member[rows], day[rows], np.where(studied[rows], body[rows], np.int16(-1))
    late = np.flatnonzero(_day_number_of_member(member, day) >= arm.nth)
    member, day, body = member[late], day[late] + np.int32(arm.landmark_days), body[late]
    chosen = _first_rows(member, day, protocol, arm)
    if arm.exposure is not None:
        event_day = day[chosen] - np.int32(arm.landmark_days)
        chosen = chosen[is_exposed(claims, arm.exposure, member[chosen], event_day)]
    chosen = chosen[is_alive(claims.deaths, member[chosen], day[chosen])]
    return Entries(member[chosen], day[chosen] - moved, body[chosen])


def days_moved(protocol: Protocol) -> int:
    """By how many days the index lies before the real one: 0 but in a placebo study."""
    return 0 if protocol.placebo is None else protocol.placebo.days_earlier


def _events(claims: Claims, arm: Arm, number: int) -> tuple[Index, Days, Small]:
    """Everything that could bring a member into an arm, in the table's key order: member, day, body region."""
    if arm.drug is not None or arm.source == "assigned":
        member, day = claims.drugs[arm.drug] if arm.drug else assigned_days(claims)
        return member, day, np.full(len(member), -1, np.int16)
    source = claims.roster if arm.source == "program" else claims.services
    counts = claims.roster.counts if arm.source == "program" else claims.services.arms[:, number]
    return source.member[counts], source.day[counts], source.body[counts]


def assigned_days(claims: Claims) -> tuple[Index, Days]:
    """Members that were ever enrolled, each with the day it was drawn; nobody where no days were drawn.

    Somebody without the event since which days are counted has none (``NO_DAY``) and does not come in.
    """
    if claims.assigned is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    member = np.unique(claims.coverage.member)
    member = member[claims.assigned[member] != NO_DAY]
    return member, claims.assigned[member]


def draw_days(draws: Index, days: Days, people: Index) -> Days:
    """A day for each draw from the distribution of days: ``people`` had theirs on each of ``days``.

    Args:
        draws: One number a member, 0 to 2**63 - 1, from a hash of seed and person: the same in every block.
        days, people: Days in ascending order and how many had them, at least one in all.

    The draw modulo the number of people is the place in the line of all of them, so that a day is drawn in
    proportion to its people (but for a skew of people / 2**63).
    Source: docs/decisions/031-assigned-index.md.
    """
    ends = np.cumsum(people)
    drawn: Days = days[np.searchsorted(ends, draws % ends[-1], "right")]
    return drawn


def _day_number_of_member(member: Index, day: Days) -> Index:
    """The how-manyeth of its member's distinct days each row lies on, from 1."""
    days = Events.of(member, day).distinct_days()
    first = np.searchsorted(days.member(), member, "left")
    number: Index = np.searchsorted(days.key, keys(member, day), "left") - first + 1
    return number


def _first_rows(member: Index, day: Days, protocol: Protocol, arm: Arm) -> Index:
    late = np.zeros(len(member), np.bool_) if arm.pick == "first_ever" else ~in_window(day, protocol)
    order = np.lexsort((np.arange(len(member)), day, late, member))
    return order[starts_run(member[order])]
