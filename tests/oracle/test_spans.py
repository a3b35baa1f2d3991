"""Spans against the slow and obvious: walking every day."""

import numpy as np
from claimtwin.kernel.spans import covers, merge_spans
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import at_least

rows = st.lists(st.tuples(st.integers(0, 3), st.integers(-40, 40), st.integers(0, 12)), max_size=25)


def days_of(spans, who):
    return {day for member, start, stop in spans if member == who for day in range(start, stop)}


def merged_by_the_day(spans, gap):
    out = []
    for who in range(4):
        for day in sorted(days_of(spans, who)):
            if out and out[-1][0] == who and day - out[-1][2] <= gap:
                out[-1][2] = day + 1
            else:
                out.append([who, day, day + 1])
    return [tuple(span) for span in out]


def columns(spans):
    return [np.array([s[k] for s in spans], t) for k, t in enumerate((np.int64, np.int32, np.int32))]


@at_least(300)
@given(rows, st.integers(0, 9))
def test_merging_equals_walking_every_day(rows, gap):
    spans = [(m, a, a + n) for m, a, n in rows]
    got = merge_spans(*columns(spans), gap_days=gap)
    found = zip(got.member.tolist(), got.start.tolist(), got.stop.tolist(), strict=True)
    assert list(found) == merged_by_the_day(spans, gap)


@at_least(300)
@given(rows, st.tuples(st.integers(0, 4), st.integers(-45, 45), st.integers(1, 20)))
def test_covering_means_every_day_is_in(rows, asked):
    spans = [(m, a, a + n) for m, a, n in rows]
    who, start, length = asked
    got = covers(merge_spans(*columns(spans)), *columns([(who, start, start + length)]))
    assert got.tolist() == [set(range(start, start + length)) <= days_of(spans, who)]
