"""Intervals of days that belong to members: merging them, and asking whether they cover a stretch.

Every interval is half-open, ``[start, stop)``, in days since 1970-01-01.
"""

from dataclasses import dataclass

import numpy as np

from claimtwin.kernel.columns import Days, Flags, Index, keys, starts_run


@dataclass(frozen=True)
class Spans:
    """One row per span, sorted by member, then start; spans of one member lie further apart than the gap."""

    member: Index
    start: Days
    stop: Days


def merge_spans(member: Index, start: Days, stop: Days, *, gap_days: int = 0) -> Spans:
    """Merge spans of a member that overlap, touch, or lie at most ``gap_days`` apart.

    Args:
        member: Row's member; rows in any order.
        start, stop: Half-open interval of days; a row with ``stop <= start`` is empty and ignored.
        gap_days: Longest uncovered stretch, in days, that still counts as continuous.

    Returns:
        The merged spans; a permitted gap belongs to its span.

    Ties: none, the result depends on the set of rows only.
    Source: continuous enrolment with a permitted gap, docs/decisions/002-enrolment.md.
    """
    real = np.flatnonzero(stop > start)
    order = real[np.argsort(keys(member[real], start[real]), kind="stable")]
    member, start, stop = member[order], start[order], stop[order]
    reach = _furthest_stop(member, stop)
    opens = starts_run(member)
    opens[1:] |= start[1:].astype(np.int64) > reach[:-1] + gap_days
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(member))[: len(first)] - 1
    return Spans(member[first], start[first], reach[last].astype(np.int32))


def covers(spans: Spans, member: Index, start: Days, stop: Days) -> Flags:
    """Whether one span of the member holds all of ``[start, stop)``; one answer per row asked."""
    place = np.searchsorted(keys(spans.member, spans.start), keys(member, start), side="right") - 1
    answer = np.zeros(len(member), np.bool_)
    known = np.flatnonzero(place >= 0)
    span = place[known]
    answer[known] = (spans.member[span] == member[known]) & (spans.stop[span] >= stop[known])
    return answer


def whole_months(start: Days, stop: Days) -> tuple[Days, Days]:
    """Half-open intervals widened to the calendar months that they touch; an empty one stays empty."""
    first = start.astype("datetime64[D]").astype("datetime64[M]")
    after = (stop - 1).astype("datetime64[D]").astype("datetime64[M]") + 1
    wide = [month.astype("datetime64[D]").astype(np.int32) for month in (first, after)]
    return wide[0], np.where(stop > start, wide[1], wide[0]).astype(np.int32)


def spans_within(spans: Spans, member: Index, index: Days, first: int, last: int) -> Spans:
    """Parts of disjoint spans that lie on days ``first`` to ``last`` about each asked member's index, both included.

    ``member`` of a part is the position asked, ascending; members may be asked in any order, and twice.
    """
    begin, end = index + np.int32(first), index + np.int32(last + 1)
    low = np.searchsorted(keys(spans.member, spans.stop), keys(member, begin), "right")
    many = np.maximum(np.searchsorted(keys(spans.member, spans.start), keys(member, end), "left") - low, 0)
    asked = np.repeat(np.arange(len(member)), many)
    row = np.repeat(low, many) + np.arange(len(asked)) - np.repeat(np.cumsum(many) - many, many)
    start, stop = np.maximum(spans.start[row], begin[asked]), np.minimum(spans.stop[row], end[asked])
    return Spans(asked, start.astype(np.int32), stop.astype(np.int32))


def _furthest_stop(member: Index, stop: Days) -> Index:
    """Latest stop so far within the member; rows sorted by member. The key makes each member start anew."""
    reach = np.maximum.accumulate(keys(member, stop)) if len(stop) else keys(member, stop)
    return reach - keys(member, np.zeros(len(stop), np.int32))
