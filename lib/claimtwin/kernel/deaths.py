"""Deaths of a block's members: one day each, after which nobody is covered, followed, or billed for.

Source: docs/decisions/033-deaths.md.
"""

import numpy as np

from claimtwin.kernel.columns import NO_DAY, Days, Flags, Index

ALIVE = np.int32(2**29)
"""In place of the day of death of somebody who is not known to have died."""


def first_deaths(n_members: int, member: Index, day: Days) -> Days | None:
    """Day of death of each member, ``ALIVE`` where none is known; null where nobody's is.

    Args:
        n_members: Members of the block.
        member, day: What enrolment says, rows in any order; ``NO_DAY`` where a row tells no death.

    Where rows of a member disagree, the earliest day counts: nobody is followed past a day on which the feed has
    them dead.
    """
    told = day != NO_DAY
    if not told.any():
        return None
    deaths = np.full(n_members, ALIVE, np.int32)
    np.minimum.at(deaths, member[told], day[told])
    return deaths


def is_alive(deaths: Days | None, member: Index, day: Days) -> Flags:
    """Whether each member lives on its day; the day of death is lived."""
    if deaths is None:
        return np.ones(len(member), np.bool_)
    alive: Flags = day <= deaths[member]
    return alive


def until_death(deaths: Days | None, member: Index, stop: Days) -> Days:
    """The half-open end of each row's stretch of days, or the day after its member's death where that is earlier."""
    return stop if deaths is None else np.minimum(stop, deaths[member] + np.int32(1))
