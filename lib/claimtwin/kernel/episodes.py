"""Episodes of musculoskeletal care by body region, and what happened in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.histories import EpisodeRules
from claimtwin.kernel.claims import Small
from claimtwin.kernel.columns import Days, Flags, Index, keys, starts_run
from claimtwin.kernel.mme import summed
from claimtwin.kernel.spans import Spans, merge_spans
from claimtwin.kernel.supply import run_of

NEVER = -1
COUNTED = ("therapy", "chiropractic", "imaging", "injection", "surgery")


@dataclass(frozen=True)
class CareLines:
    """One row a service line, in any order.

    ``stop`` is the day after the service; ``region`` that of the line, -1 for none; ``setting`` tells that the line
    is of a kind that can make an episode; ``kinds`` has a column for each of ``COUNTED``.
    """

    member: Index
    day: Days
    stop: Days
    region: Small
    setting: Flags
    kinds: NDArray[np.bool_]


@dataclass(frozen=True)
class Episodes:
    """One row an episode, sorted by member, region, start; half-open days.

    Attributes:
        lines: Lines that make the episode.
        visits: Days on which such a line begins.
        counts: Days with care of each of ``COUNTED``, in the region or in none, a column each.
        courses: Courses of therapy among these days.
        course_days: Days from the first to the last visit of each course, added up.
        quiet_days: Days without such care since the episode of the region before; ``NEVER`` where there is none.
        is_new: No episode before, or at least ``clean_days`` without care.
        multi_region: An episode of another region has days in common with it.
        leads: Of those it has the most lines; of as many the earliest start, then the first region.
    """

    member: Index
    region: Small
    start: Days
    stop: Days
    lines: Index
    visits: Index
    counts: NDArray[np.int64]
    courses: Index
    course_days: Index
    quiet_days: Index
    is_new: Flags
    multi_region: Flags
    leads: Flags


@dataclass(frozen=True)
class Courses:
    """One row a course of therapy, sorted by episode, then start; half-open days.

    ``episode`` is the row of its episode, ``visits`` the days with therapy in it.
    """

    episode: Index
    start: Days
    stop: Days
    visits: Index


def find_episodes(care: CareLines, rules: EpisodeRules, regions: int) -> Episodes:
    """Episodes of each member and region, as in ``find_care``."""
    return find_care(care, rules, regions)[0]


def find_care(care: CareLines, rules: EpisodeRules, regions: int) -> tuple[Episodes, Courses]:
    """Episodes of each member and region, and the courses of therapy in them.

    A line begins a new episode where it starts more than ``gap_days`` after the last day of all before it.

    Args:
        care: The service lines.
        rules: Gaps, and how far care around an episode still belongs to it.
        regions: Number of body regions.

    Ties: none; the result depends on the set of lines only.
    Source: docs/decisions/012-episodes.md.
    """
    makes = np.flatnonzero(care.setting & (care.region >= 0))
    owner = care.member[makes] * regions + care.region[makes]
    spans = merge_spans(owner, care.day[makes], care.stop[makes], gap_days=rules.gap_days - 1)
    size = len(spans.member)
    at = _holding(spans, owner, care.day[makes], 0)
    visit_days = _distinct(at, care.day[makes])
    counted, courses = _care_within(care, spans, rules, regions)
    lines = np.bincount(at, minlength=size)
    quiet = np.full(size, NEVER, np.int64)
    follows = np.flatnonzero(~starts_run(spans.member))
    quiet[follows] = spans.start[follows].astype(np.int64) - spans.stop[follows - 1]
    multi, leads = _among_regions(spans, lines, regions)
    episodes = Episodes(
        member=spans.member // regions,
        region=(spans.member % regions).astype(np.int16),
        start=spans.start,
        stop=spans.stop,
        lines=lines,
        visits=np.bincount(visit_days[0], minlength=size),
        counts=counted,
        courses=np.bincount(courses.episode, minlength=size),
        course_days=summed(courses.episode, courses.stop - courses.start, size),
        quiet_days=quiet,
        is_new=(quiet == NEVER) | (quiet >= rules.clean_days),
        multi_region=multi,
        leads=leads,
    )
    return episodes, courses


def _holding(spans: Spans, owner: Index, day: Days, around: int) -> Index:
    """Span of the owner that holds the day, with ``around`` days before and after it; -1 for none.

    Where two hold it, the later one.
    """
    key = keys(spans.member, spans.start - np.int32(around))
    place = np.searchsorted(key, keys(owner, day), "right") - 1
    spot = np.maximum(place, 0)
    if not len(spans.member):
        return np.full(len(owner), NEVER, np.int64)
    inside = (place >= 0) & (spans.member[spot] == owner) & (day < spans.stop[spot].astype(np.int64) + around)
    return np.where(inside, spot, NEVER).astype(np.int64)


def _distinct(group: Index, day: Days) -> tuple[Index, Days]:
    """Distinct (group, day) in order."""
    order = np.lexsort((day, group))
    group, day = group[order], day[order]
    first = starts_run(group) | starts_run(day)
    return group[first], day[first]


def _care_within(care: CareLines, spans: Spans, rules: EpisodeRules, regions: int) -> tuple[NDArray[np.int64], Courses]:
    """Days with each kind of care in each episode, and its courses of therapy."""
    size = len(spans.member)
    held = [np.zeros(0, np.int64)]
    rows = [np.zeros(0, np.int64)]
    for region in range(regions):
        near = np.flatnonzero(care.kinds.any(axis=1) & np.isin(care.region, (region, -1)))
        at = _holding(spans, care.member[near] * regions + region, care.day[near], rules.attach_days)
        held.append(at[at >= 0])
        rows.append(near[at >= 0])
    at, line = np.concatenate(held), np.concatenate(rows)
    days = [_distinct(at[care.kinds[line, k]], care.day[line[care.kinds[line, k]]]) for k in range(len(COUNTED))]
    counts = np.stack([np.bincount(group, minlength=size) for group, _ in days], axis=1)
    visited, day = days[COUNTED.index("therapy")]
    runs = merge_spans(visited, day, day + np.int32(1), gap_days=rules.therapy_gap_days - 1)
    visits = np.bincount(run_of(runs, visited, day), minlength=len(runs.member))
    return counts, Courses(runs.member, runs.start, runs.stop, visits)


def _among_regions(spans: Spans, lines: Index, regions: int) -> tuple[Flags, Flags]:
    """Whether an episode meets one of another region, and whether it comes first among those that it meets."""
    size = len(spans.member)
    rank = np.empty(size, np.int64)
    rank[np.lexsort((spans.member % regions, spans.start, -lines))] = np.arange(size)
    multi, leads = np.zeros(size, np.bool_), np.ones(size, np.bool_)
    for shift in range(1, regions):
        other = spans.member - spans.member % regions + (spans.member + shift) % regions
        low = np.searchsorted(keys(spans.member, spans.stop), keys(other, spans.start), "right")
        high = np.searchsorted(keys(spans.member, spans.start), keys(other, spans.stop), "left")
        many = np.maximum(high - low, 0)
        mine = np.repeat(np.arange(size), many)
        theirs = np.repeat(low, many) + np.arange(len(mine)) - np.repeat(np.cumsum(many) - many, many)
        multi[mine] = True
        leads[mine[rank[theirs] < rank[mine]]] = False
    return multi, leads
