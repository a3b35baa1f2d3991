"""All of a block's candidates, and their outcomes, against the rules applied by hand."""

from datetime import date, timedelta

import numpy as np
from claimtwin.config import events
from claimtwin.kernel.candidates import build_candidates
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.outcomes import count_outcomes, outcome_columns
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import by_hand
from tests.oracle.nasty import EMPTY, FAMILIES, MEMBERS, REGIONS, case_of, columns_of, number
from tests.support.examples import at_least

seeds = st.integers(0, 2**32)


def to_rows(found, names):
    """The kernel's columns as the rows that a person writes."""
    return [
        {
            "member": int(found.member[k]),
            "treated": bool(found.treated[k]),
            "index": date(1970, 1, 1) + timedelta(days=int(found.entries.day[k])),
            "body": None if found.entries.body[k] < 0 else REGIONS[found.entries.body[k]],
            "criteria": {name: bool(found.met[k] >> bit & 1) for bit, name in enumerate(names)},
            "span": None if found.people.row[k] < 0 else int(found.people.row[k]),
            "age": None if found.people.age[k] < 0 else int(found.people.age[k]),
            "visits": found.visits[k].tolist(),
            "cents": int(found.cents[k]),
            "comorbidities": int(found.comorbidities[k]),
        }
        for k in range(len(found.member))
    ]


@at_least(500)
@given(seeds)
def test_candidates_equal_those_found_by_hand(seed):
    block, study = case_of(seed)
    found = build_candidates(columns_of(block), study)
    expected = by_hand.candidates(block, study, MEMBERS)
    assert to_rows(found, criteria_of(study)) == expected
    assert all(tuple(row["criteria"]) == criteria_of(study) for row in expected)
    assert found.met.max(initial=0) < 2 ** len(criteria_of(study))


@at_least(250)
@given(
    seeds,
    st.lists(st.tuples(st.integers(0, MEMBERS - 1), st.integers(-5, 45)), max_size=6),
    st.none() | st.integers(-10, 60),
)
def test_outcomes_equal_those_counted_by_hand(seed, asked, until):
    """Members are asked in any order and more than once, about days with and without events, data ending or not."""
    block, study = case_of(seed)
    first = study.study.index_window[0]
    indices = [(member, first + timedelta(days=k)) for member, k in asked]
    member = np.array([who for who, _ in indices], np.int64)
    days = np.array([number(day) for _, day in indices], np.int32)
    end = None if until is None else first + timedelta(days=until)
    got = count_outcomes(columns_of(block), study, member, days, None if end is None else number(end))
    assert got.shape == (len(asked), len(outcome_columns(study)))
    assert got.tolist() == [by_hand.outcome_counts(block, study, who, day, end) for who, day in indices]


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_an_empty_block_has_no_candidates(seed):
    found = build_candidates(columns_of(EMPTY), case_of(seed)[1])
    assert len(found.member) == 0
    assert found.visits.shape == (0, len(FAMILIES))


def test_the_oracle_and_the_kernel_name_the_same_care():
    assert events.FAMILIES == FAMILIES
