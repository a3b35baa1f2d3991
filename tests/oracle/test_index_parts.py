"""Services with a diagnosis beside them, and days drawn for people without an event, against plain Python."""

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from claimtwin.config.events import Criterion
from claimtwin.kernel.events import meets
from claimtwin.kernel.hashing import tie_key
from claimtwin.kernel.index_events import draw_days
from claimtwin.kernel.together import with_diagnosis
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.nasty import EMPTY, REGIONS, columns_of
from tests.support.examples import many_histories

seeds = st.integers(0, 2**32)


def lines(seed):
    """Member, day, claim, whether the service, whether the diagnosis: few of each, so that they meet."""
    dice = Random(seed)
    return [
        (dice.randrange(3), dice.randrange(-3, 3), dice.choice([0, 1, 2**32 - 1]), dice.random() < 0.5,
         dice.random() < 0.3)
        for _ in range(dice.randint(0, 14))
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["line", "claim", "day"])
@many_histories
@given(seed=seeds)
def test_a_service_has_a_diagnosis_beside_it(where, seed):
    rows = lines(seed)

    def beside(row, other):
        same = {"line": row is other, "claim": row[2] == other[2], "day": row[1] == other[1]}
        return row[0] == other[0] and same[where] and other[4]

    member, day, claim, service, diagnosis = (np.array([row[k] for row in rows]) for k in range(5))
    got = with_diagnosis(member.astype(np.int64), day.astype(np.int32), claim.astype(np.int64),
                         service.astype(bool), diagnosis.astype(bool), where)  # fmt: skip
    assert got.tolist() == [row[3] and any(beside(row, other) for other in rows) for row in rows]


@many_histories
@given(st.dictionaries(st.integers(-400, 400), st.integers(1, 5), min_size=1), st.lists(st.integers(0, 2**63 - 1)))
def test_a_day_is_the_one_at_the_drawn_place_in_the_line_of_users(users, draws):
    line = [day for day in sorted(users) for _ in range(users[day])]
    days, people = np.array(sorted(users), np.int32), np.array([users[day] for day in sorted(users)], np.int64)
    got = draw_days(np.array(draws, np.int64), days, people)
    assert got.tolist() == [line[draw % len(line)] for draw in draws]


def test_drawn_days_are_distributed_as_those_of_the_users_and_have_nothing_to_do_with_ties():
    people = [f"person{k}" for k in range(20_000)]
    draws = tie_key(7, people, purpose="index date")
    days = draw_days(draws, np.array([10, 20, 30], np.int32), np.array([1, 2, 5], np.int64))
    share = Counter(days.tolist())
    assert all(abs(share[day] / 20_000 - part) < 0.015 for day, part in ((10, 1 / 8), (20, 2 / 8), (30, 5 / 8)))
    ties = tie_key(7, people)
    assert abs(np.corrcoef(draws.astype(float), ties.astype(float))[0, 1]) < 0.03
    assert (tie_key(8, people[:50], purpose="index date") != draws[:50]).all()
    assert (tie_key(7, people[50:100], purpose="index date") == draws[50:100]).all()


@many_histories
@given(st.lists(st.integers(-6, 2), max_size=5), st.integers(2, 3), st.integers(1, 6), st.integers(-6, 0))
def test_events_lie_far_enough_apart(days, least, apart, first):
    """One member with events close about index; the pair that lies farthest apart decides."""
    rule = Criterion(name="c", procedures=["99999"], window=(first, max(first, -1)), least=least, apart_days=apart)
    events = np.zeros(len(days), np.int64), np.array(days, np.int32)
    claims = replace(columns_of(EMPTY), procedures={"99999": events})
    who, index, body = np.zeros(1, np.int64), np.zeros(1, np.int32), np.full(1, -1, np.int16)
    inside = {day for day in days if first <= day <= max(first, -1)}
    expected = len(inside) >= least and any(b - a >= apart for a in inside for b in inside)
    assert meets(claims, rule, who, index, body, REGIONS).tolist() == [expected]
