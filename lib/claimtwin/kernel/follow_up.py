"""For how long each person is followed, and what is seen of an outcome meanwhile."""

import numpy as np

from claimtwin.config.protocol import Enrollment, Outcome, Protocol
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import Days, Events, Index, keys
from claimtwin.kernel.deaths import until_death
from claimtwin.kernel.spans import Spans, merge_spans, whole_months


def last_days(claims: Claims, protocol: Protocol, member: Index, index: Days, end: int | None) -> Days | None:
    """Last day on which each asked person is followed; null where the study chose people by whole follow-up.

    Follow-up ends with the day before the first that one of the benefits does not cover (gaps of up to
    ``max_gap_days`` between two spans are covered), on the day of death, and on ``end``, the last day on which the
    data are complete. Somebody whose index is not covered is not followed: the day before it. Where people are chosen
    by cover until death (``until_death``), death alone ends it; null where the block has none.
    """
    if protocol.enrollment is None:
        return None
    if not protocol.censored:
        return claims.deaths[member] if protocol.enrollment.until_death and claims.deaths is not None else None
    last = np.full(len(member), 2**29 if end is None else end, np.int32)
    for spans in benefit_spans(claims, protocol.enrollment):
        last = np.minimum(last, covered_until(spans, member, index) - np.int32(1))
    return last.astype(np.int32)


def benefit_spans(claims: Claims, rule: Enrollment) -> list[Spans]:
    """Merged spans of each asked benefit, in the order asked; by ``rule.granularity`` of whole months.

    A death cuts them before they are merged: a gap in which somebody died leads to no later span, and the rest of the
    month of a death is not covered.
    """
    cover = claims.coverage
    start, stop = cover.start, until_death(claims.deaths, cover.member, cover.stop)
    if rule.granularity == "month":
        start, stop = whole_months(start, stop)
        stop = until_death(claims.deaths, cover.member, stop)
    held = [cover.medical if benefit == "medical" else cover.pharmacy for benefit in rule.benefits]
    return [merge_spans(cover.member[rows], start[rows], stop[rows], gap_days=rule.max_gap_days) for rows in held]


def covered_until(spans: Spans, member: Index, day: Days) -> Days:
    """First day after ``day`` that the span holding it no longer covers; ``day`` itself where none holds it."""
    place = np.searchsorted(keys(spans.member, spans.start), keys(member, day), side="right") - 1
    until = day.copy()
    known = np.flatnonzero(place >= 0)
    span = place[known]
    same = spans.member[span] == member[known]
    until[known] = np.where(same, np.maximum(spans.stop[span], day[known]), day[known])
    return until


def days_at_risk(outcome: Outcome, index: Days, last: Days | None) -> Index:
    """Days of the outcome's window on which each person is followed, 0 for who left before it began."""
    first, end = outcome.window
    whole = np.full(len(index), end - first + 1, np.int64)
    if last is None:
        return whole
    followed = last.astype(np.int64) - index - first + 1
    at_risk: Index = np.clip(followed, 0, whole)
    return at_risk


def count_followed(events: Events, outcome: Outcome, member: Index, index: Days, at_risk: Index) -> Index:
    """Events of each person on its days at risk, which begin with the first of the window."""
    start = keys(member, index + np.int32(outcome.window[0]))
    counted = np.searchsorted(events.key, start + at_risk, "left") - np.searchsorted(events.key, start, "left")
    return counted.astype(np.int64)


def time_to_first(events: Events, outcome: Outcome, member: Index, index: Days, at_risk: Index) -> tuple[Index, Index]:
    """Whether each person had the event while at risk (0 or 1), and the days from the window's first day until then.

    The day of the event counts: an event on the first day of the window comes after 1 day, so that in a window
    [1, 365] the time is the day after index. Without an event the time is all the days at risk, censored; 0 for
    who was never at risk.
    """
    start = keys(member, index + np.int32(outcome.window[0]))
    place = np.searchsorted(events.key, start, "left")
    until = np.append(events.key, np.iinfo(np.int64).max)[place] - start
    happened = until < at_risk
    time: Index = np.where(happened, until + 1, at_risk)
    return happened.astype(np.int64), time
