"""The criteria of a study, each judged for every candidate and kept as one bit."""

from dataclasses import dataclass

import numpy as np

from claimtwin.config.protocol import Enrollment, Protocol, Washout
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import NO_DAY, Days, Events, Flags, Index, ends_run
from claimtwin.kernel.events import meets
from claimtwin.kernel.follow_up import benefit_spans
from claimtwin.kernel.index_events import REGION_NAMES, Entries, in_window
from claimtwin.kernel.spans import covers


@dataclass(frozen=True)
class People:
    """One row per entry: the enrolment row that tells its attributes (-1 for none) and age in completed years.

    ``age`` is -1 where the birth date is unknown or after the index.
    """

    row: Index
    age: Index


def criteria_of(protocol: Protocol) -> tuple[str, ...]:
    """Names of the study's criteria, in the order of the attrition table; bit k is the k-th."""
    age = protocol.population.age_min is not None or protocol.population.age_max is not None
    optional = (
        ("age", age),
        ("enrolled_before", protocol.enrollment is not None),
        ("enrolled_after", protocol.enrollment is not None and not protocol.censored),
        ("washout", protocol.washout is not None),
    )
    own = (rule.name for rule in protocol.criteria)
    return ("index_in_window", *(name for name, asked in optional if asked), *own, "demographics_known", "one_arm")


def people_at_index(claims: Claims, entries: Entries) -> People:
    """Attributes of each entry from the enrolment span that holds its index, of several the one that began last.

    Where none holds it, from the span that began last before it; where none began by then, from the first.
    Ties: of spans that began on one day the last in the table's key order.
    """
    cover = claims.coverage
    entry, row = _spans_of(cover.member, entries.member)
    began = cover.start[row] <= entries.day[entry]
    holds = began & (cover.stop[row] > entries.day[entry])
    order = np.lexsort((np.where(began, row, -row), holds, began, entry))
    best = order[ends_run(entry[order])]
    chosen = np.full(len(entries.member), -1, np.int64)
    chosen[entry[best]] = row[best]
    birth = np.full(len(chosen), NO_DAY)
    birth[entry[best]] = cover.birth[row[best]]
    return People(chosen, completed_years(birth, entries.day))


def _spans_of(owner: Index, asked: Index) -> tuple[Index, Index]:
    """Every row of the asked members: the position asked and the row; ``owner`` ascending."""
    first = np.searchsorted(owner, asked, "left")
    many = np.searchsorted(owner, asked, "right") - first
    entry = np.repeat(np.arange(len(asked)), many)
    nth = np.arange(len(entry)) - np.repeat(np.cumsum(many) - many, many)
    return entry, first[entry] + nth


def completed_years(birth: Days, day: Days) -> Index:
    """Age in completed years on ``day``; born on 29 February, a year is completed on 1 March. -1 if unknown."""
    known = (birth != NO_DAY) & (birth <= day)
    born, then = _calendar(np.where(known, birth, 0)), _calendar(np.where(known, day, 0))
    before = (then[1] < born[1]) | ((then[1] == born[1]) & (then[2] < born[2]))
    return np.where(known, then[0] - born[0] - before, -1).astype(np.int64)


def _calendar(day: Days) -> tuple[Index, Index, Index]:
    """Year, month and day of the month of each day."""
    dates = day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    return year, months.astype(np.int64) % 12, (dates - months).astype(np.int64)


def judge(claims: Claims, protocol: Protocol, entries: Entries, people: People) -> dict[str, Flags]:
    """Every criterion but ``one_arm`` for every entry of one arm."""
    answers = {"index_in_window": in_window(entries.day, protocol), "demographics_known": people.age >= 0}
    low, high = protocol.population.age_min, protocol.population.age_max
    answers["age"] = (people.age >= (low or 0)) & (people.age <= (high if high is not None else 2**31))
    if protocol.enrollment is not None:
        answers["enrolled_before"] = enrolled(claims, entries, protocol.enrollment, -protocol.enrollment.pre_days, 0)
        last = 0 if protocol.censored else protocol.enrollment.post_days
        answers["enrolled_after"] = enrolled(claims, entries, protocol.enrollment, 0, last)
    if protocol.washout is not None:
        answers["washout"] = naive(claims, entries, protocol.washout)
    for rule in protocol.criteria:
        answers[rule.name] = meets(claims, rule, entries.member, entries.day, entries.body, REGION_NAMES)
    return answers


def enrolled(claims: Claims, entries: Entries, rule: Enrollment, first: int, last: int) -> Flags:
    """Whether each asked benefit covers every day from ``first`` to ``last`` around the index, both included."""
    answer = np.ones(len(entries.member), np.bool_)
    for spans in benefit_spans(claims, rule):
        start, stop = entries.day + np.int32(first), entries.day + np.int32(last + 1)
        answer &= covers(spans, entries.member, start, stop)
    return answer


def naive(claims: Claims, entries: Entries, rule: Washout) -> Flags:
    """Whether no listed drug was dispensed in the washout window, the index day apart unless included."""
    fills = Events.of(*claims.drugs[rule.codes])
    last = 0 if rule.include_index_day else -1
    clean: Flags = fills.count(entries.member, entries.day, -rule.days, last) == 0
    return clean
