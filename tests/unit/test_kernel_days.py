"""Days at the ends of the calendar, and ages about leap days."""

from datetime import date

import numpy as np
import pytest
from claimtwin.kernel.columns import NO_DAY, Events, sum_between
from claimtwin.kernel.eligibility import completed_years
from claimtwin.kernel.spans import covers, merge_spans

FIRST, LAST = date(1, 1, 1).toordinal() - 719163, date(9999, 12, 31).toordinal() - 719163
OPEN_END = 2**29 + 1
LONGEST = 36_525


def days(*values):
    return np.array(values, np.int32)


def index(*values):
    return np.array(values, np.int64)


def test_windows_reach_over_the_ends_of_the_calendar_without_touching_another_member():
    """Three members with an event on the first and the last day that a date can have, and one without a date."""
    who, when = index(0, 0, 1, 1, 2), days(FIRST, LAST, FIRST, LAST, NO_DAY)
    events = Events.of(who, when)
    asked = index(0, 1, 1, 2, 3)
    counted = events.count(asked, days(FIRST, FIRST, LAST, LAST, FIRST), -LONGEST, LONGEST)
    assert counted.tolist() == [1, 1, 1, 0, 0]
    summed = sum_between(
        who[:4], when[:4], index(1, 20, 300, 4000), asked, days(LAST, FIRST, LAST, 0, 0), first=-LONGEST, last=LONGEST
    )
    assert summed.tolist() == [20, 300, 4000, 0, 0]


def test_an_event_on_either_end_of_the_window_counts():
    events = Events.of(index(0, 0, 0, 0), days(-10, -1, -1, 5))
    assert [int(events.count(index(0), days(0), *window)[0]) for window in ((-10, -1), (-9, -2), (-1, 4), (0, 5))] == [
        3, 0, 2, 1,
    ]  # fmt: skip
    assert events.distinct_days().count(index(0), days(0), -10, -1).tolist() == [2]


def test_an_open_end_with_a_long_gap_joins_no_other_member():
    spans = merge_spans(index(0, 1), days(LAST, FIRST), days(OPEN_END, FIRST + 1), gap_days=LONGEST)
    assert spans.member.tolist() == [0, 1]
    assert spans.stop.tolist() == [OPEN_END, FIRST + 1]
    held = covers(spans, index(0, 1, 0, 2), days(LAST, FIRST, LAST - 1, FIRST), days(LAST + LONGEST, *[LAST + 1] * 3))
    assert held.tolist() == [True, False, False, False]


def test_nothing_covers_and_nothing_is_covered():
    none = merge_spans(index(), days(), days())
    assert covers(none, index(0), days(0), days(1)).tolist() == [False]
    assert covers(none, index(), days(), days()).tolist() == []


AGES = [
    (date(2000, 2, 29), date(2018, 2, 28), 17),
    (date(2000, 2, 29), date(2018, 3, 1), 18),
    (date(2000, 2, 29), date(2020, 2, 28), 19),
    (date(2000, 2, 29), date(2020, 2, 29), 20),
    (date(2000, 3, 1), date(2018, 2, 28), 17),
    (date(1930, 12, 31), date(1969, 12, 31), 39),
    (date(1930, 12, 31), date(1969, 12, 30), 38),
    (date(1, 1, 1), date(9999, 12, 31), 9998),
    (date(2020, 5, 5), date(2020, 5, 5), 0),
    (date(2020, 5, 6), date(2020, 5, 5), -1),
]


@pytest.mark.parametrize(("birth", "day", "age"), AGES)
def test_a_year_of_life_is_completed_on_the_birthday(birth, day, age):
    numbers = [days(d.toordinal() - 719163) for d in (birth, day)]
    assert completed_years(*numbers).tolist() == [age]


def test_an_unknown_birth_has_no_age():
    assert completed_years(days(NO_DAY, NO_DAY), days(FIRST, 0)).tolist() == [-1, -1]
