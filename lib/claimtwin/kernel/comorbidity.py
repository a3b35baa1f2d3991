"""Comorbidity: which groups of a list somebody has in a window, how many, and what they are worth.

Sources: Quan and others, Med. Care 2005;43:1130-1139 (groups of Charlson and Elixhauser); Quan and others, Am. J.
Epidemiol. 2011;173:676-682 (points of Charlson's groups); van Walraven and others, Med. Care 2009;47:626-633 (points
of Elixhauser's); AHRQ HCUP, Elixhauser Comorbidity Software Refined for ICD-10-CM (groups, exclusions, indices).
"""

import numpy as np

from claimtwin.kernel.claims import Conditions
from claimtwin.kernel.columns import Days, Events, Flags, Index

Window = tuple[int, int]
"""First and last day relative to the index, both included."""


def groups_met(conditions: Conditions, member: Index, index: Days, window: Window) -> dict[int, Flags]:
    """Whether each asked member has a diagnosis of each group in the window, by number of the group.

    Args:
        conditions: One row a line and group; groups that nobody has are not in the answer.
        member, index: One row a member asked about.
        window: Days relative to each index.

    A group counts once, whatever the number of lines. One that ``unless`` names does not count where the graver one
    is there in the same window, whichever came first; the graver one decides even where it does not count itself.
    """
    first, last = window
    has: dict[int, Flags] = {}
    for group in np.unique(conditions.group).tolist():
        rows = conditions.group == group
        events = Events.of(conditions.member[rows], conditions.day[rows])
        has[group] = events.count(member, index, first, last) > 0
    counts = dict(has)
    for milder, graver in conditions.unless:
        if milder in has and graver in has:
            counts[milder] = counts[milder] & ~has[graver]
    return counts


def count_groups(conditions: Conditions, member: Index, index: Days, window: Window) -> Index:
    """Number of groups that each asked member has, a value a member; see ``groups_met``."""
    total = np.zeros(len(member), np.int64)
    for has in groups_met(conditions, member, index, window).values():
        total += has
    return total


def add_points(conditions: Conditions, member: Index, index: Days, window: Window) -> Index:
    """Points of the groups that each asked member has, added up, a value a member; may be negative."""
    total = np.zeros(len(member), np.int64)
    for group, has in groups_met(conditions, member, index, window).items():
        total += conditions.points[group] * has
    return total
