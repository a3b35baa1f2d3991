"""Fills and daily doses against those worked out by hand, on histories in which everything collides."""

from random import Random

import numpy as np
from claimtwin.kernel.fills import REPAIRS, find_fills
from claimtwin.kernel.mme import daily_doses
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import fills_by_hand as by_hand
from tests.oracle.histories import MEMBERS, dispensings, history, products_of, rules_of
from tests.support.examples import many_histories

seeds = st.integers(0, 2**32)
PRODUCTS = products_of()


def to_rows(fills):
    columns = (fills.member, fills.day, fills.product, fills.quantity, fills.supply, fills.repair, fills.mme)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(*row[:5], REPAIRS[row[5]], row[6]) for row in rows]


@many_histories
@given(seeds)
def test_fills_equal_those_worked_out_by_hand(seed):
    rows, rules = history(seed), rules_of(seed)
    assert sorted(to_rows(find_fills(dispensings(rows), PRODUCTS, rules))) == by_hand.fills(rows, rules)


@many_histories
@given(seeds, st.lists(st.tuples(st.integers(0, MEMBERS), st.integers(-10, 40)), max_size=4), st.integers(0, 30))
def test_daily_doses_equal_those_added_up_by_day(seed, asked, length):
    rows, rules = history(seed), rules_of(seed)
    member = np.array([who for who, _ in asked], np.int64)
    index = np.array([day for _, day in asked], np.int32)
    got = daily_doses(find_fills(dispensings(rows), PRODUCTS, rules), member, index, -2, length)
    found = by_hand.fills(rows, rules)
    expected = [by_hand.doses(found, who, day, -2, length) for who, day in asked]
    assert [{name: int(column[k]) for name, column in vars(got).items()} for k in range(len(asked))] == expected


@many_histories
@given(seeds)
def test_the_order_of_the_dispensings_does_not_matter(seed):
    rows, rules = history(seed), rules_of(seed)
    mixed = Random(seed).sample(rows, len(rows))
    one, other = (to_rows(find_fills(dispensings(some), PRODUCTS, rules)) for some in (rows, mixed))
    assert one == other
