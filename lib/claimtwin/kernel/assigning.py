"""Index days drawn for people without an event: since when their days are counted, and what is drawn.

Source: docs/decisions/035-drawing.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from claimtwin.config.arms import Draw
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import NO_DAY, Days, Flags, Index, starts_run
from claimtwin.kernel.events import events_of
from claimtwin.kernel.index_events import day_number, draw_days

Users = Mapping[str, tuple[Days, Index]]
"""By stratum what the users had (a day, or days since entry), ascending, and how many had each."""


def entry_days(claims: Claims, protocol: Protocol, draw: Draw) -> tuple[Index, Days]:
    """Members and the day since which their days are counted, ascending by member.

    ``enrollment``: the first day on which one of the study's benefits (without any: either) covers somebody. An event:
    the first in all the data; who has none is left out. Without ``since``: everybody ever enrolled, with the first day
    of the index window, which only tells the stratum.
    """
    if isinstance(draw.since, str):
        member, day = _first_cover(claims, protocol)
    elif draw.since is not None:
        events = events_of(claims, draw.since)
        member, day = events.member(), events.day()
    else:
        member = np.unique(claims.coverage.member)
        return member, np.full(len(member), day_number(protocol.study.index_window[0]), np.int32)
    first = np.flatnonzero(starts_run(member))
    return member[first], day[first]


def _first_cover(claims: Claims, protocol: Protocol) -> tuple[Index, Days]:
    cover = claims.coverage
    asked = protocol.enrollment.benefits if protocol.enrollment else ("medical", "pharmacy")
    held = np.zeros(len(cover.member), np.bool_)
    for benefit in asked:
        held |= cover.medical if benefit == "medical" else cover.pharmacy
    rows = np.flatnonzero(held & (cover.stop > cover.start))
    return cover.member[rows], cover.start[rows]


def days_since(entry: tuple[Index, Days], member: Index, day: Days) -> tuple[Days, Flags]:
    """Days from each asked member's entry to its day, and whether it had entered by then."""
    place = np.minimum(np.searchsorted(entry[0], member), max(len(entry[0]) - 1, 0))
    if not len(entry[0]):
        return np.zeros(len(member), np.int32), np.zeros(len(member), np.bool_)
    since = (day - entry[1][place]).astype(np.int32)
    return since, (entry[0][place] == member) & (since >= 0)


def drawn_days(
    entry: tuple[Index, Days], strata: Sequence[str], draws: Index, users: Users, n_members: int, *, lag: bool
) -> tuple[Days, Flags]:
    """The day of each member of the block, ``NO_DAY`` for who has no entry, and who was drawn none.

    Args:
        entry, strata: Members with an entry, its day, and the stratum of each.
        draws: One number a member of the block, 0 to 2**63 - 1 (``index_events.draw_days``).
        users: What the users of each stratum had.
        n_members: Members of the block.
        lag: Whether that is days since entry, and not days.

    Who is of a stratum without users is drawn none and keeps the day of entry, to be told in the attrition.
    """
    member, since = entry
    day, none = np.full(n_members, NO_DAY, np.int32), np.zeros(n_members, np.bool_)
    day[member] = since
    stratum = np.array(strata, np.str_) if len(strata) else np.zeros(0, np.str_)
    for name in np.unique(stratum).tolist():
        rows = np.flatnonzero(stratum == name)
        if name not in users:
            none[member[rows]] = True
            continue
        value = draw_days(draws[member[rows]], *users[name])
        day[member[rows]] = since[rows] + value if lag else value
    return day, none
