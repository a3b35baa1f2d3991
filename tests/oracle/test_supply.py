"""Days with supply, runs, shares of days and shared days against a calendar filled in by hand."""

from random import Random

import numpy as np
from claimtwin.config.histories import SupplyRules
from claimtwin.kernel.spans import merge_spans
from claimtwin.kernel.supply import both, covered_days, lay_out, supply_runs
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import supply_by_hand as by_hand
from tests.support.examples import many_histories

seeds = st.integers(0, 2**32)
MEMBERS = 3


def rules_of(dice):
    return SupplyRules(
        same_drug=dice.choice(["carry_forward", "carry_forward", "concurrent", "truncate"]),
        carry_days=dice.choice([None, 0, dice.randint(1, 6)]),
        gap_days=dice.choice([0, 1, dice.randint(0, 12)]),
        hospital_days=dice.choice(["used", "kept"]),
        early_days=dice.choice([0, 0, dice.randint(1, 5)]),
    )


def fills_of(dice):
    day = lambda: dice.choice([0, 5, 6, dice.randint(-10, 40)])  # noqa: E731
    return [
        (dice.randrange(MEMBERS), dice.randrange(2), day(), dice.choice([1, 5, dice.randint(1, 9)]))
        for _ in range(dice.randint(0, 12))
    ]


def stays_of(dice):
    found = [(dice.randrange(MEMBERS), dice.randint(-8, 40)) for _ in range(dice.randint(0, 4))]
    return [(who, start, start + dice.randint(1, 9)) for who, start in found]


def columns(rows, kinds):
    return [np.array([row[k] for row in rows], kind) for k, kind in enumerate(kinds)]


def spans_of(rows):
    return merge_spans(*columns(rows, (np.int64, np.int32, np.int32)))


def laid_out(fills, rules, stays):
    member, drug, day, supply = columns(fills, (np.int64, np.int64, np.int32, np.int64))
    return lay_out(member, drug, day, supply, rules, spans_of(stays)), supply


@many_histories
@given(seeds)
def test_fills_cover_the_days_of_the_calendar(seed):
    dice = Random(seed)
    fills, rules, stays = fills_of(dice), rules_of(dice), stays_of(dice)
    got, _ = laid_out(fills, rules, stays)
    rows = zip(got.start.tolist(), got.stop.tolist(), got.early.tolist(), strict=True)
    expected = [((days[0], days[-1] + 1) if days else None, left) for _, days, left in
                by_hand.days_of_fills(fills, rules, stays)]  # fmt: skip
    assert [((start, stop) if stop > start else None, left) for start, stop, left in rows] == expected
    assert [fills[k] for k in got.row] == sorted(fills)


@many_histories
@given(seeds)
def test_runs_are_those_of_the_calendar(seed):
    dice = Random(seed)
    fills, rules, stays = fills_of(dice), rules_of(dice), stays_of(dice)
    got, supply = laid_out(fills, rules, stays)
    runs = supply_runs(got, rules, supply)
    rows = list(zip(*(column.tolist() for column in vars(runs).values()), strict=True))
    assert rows == by_hand.runs(by_hand.days_of_fills(fills, rules, stays), rules, stays)


@many_histories
@given(seeds, st.lists(st.tuples(st.integers(0, MEMBERS), st.integers(-12, 45)), max_size=5), st.integers(-9, 9))
def test_covered_days_are_counted_one_by_one(seed, asked, first):
    spans, last = stays_of(Random(seed)), first + seed % 12
    member, index = columns(asked, (np.int64, np.int32))
    got = covered_days(spans_of(spans), member, index, first, last)
    days = [set(range(day + first, day + last + 1)) for _, day in asked]
    mine = [by_hand.in_hospital(spans, who) for who, _ in asked]
    assert got.tolist() == [len(a & b) for a, b in zip(days, mine, strict=True)]


@many_histories
@given(seeds)
def test_shared_days_lie_in_both(seed):
    dice = Random(seed)
    one, other = stays_of(dice), stays_of(dice)
    got = both(spans_of(one), spans_of(other))
    rows = list(zip(got.member.tolist(), got.start.tolist(), got.stop.tolist(), strict=True))
    for who in range(MEMBERS):
        assert by_hand.in_hospital(rows, who) == by_hand.in_hospital(one, who) & by_hand.in_hospital(other, who)
    assert rows == sorted(rows)
