"""Small cells: nobody can work a withheld count out, not even by trying all flows that print the same."""

from dataclasses import replace
from functools import cache
from itertools import combinations_with_replacement, pairwise

import pytest
from claimtwin.stats.arms import ArmOutcome
from claimtwin.stats.balance import BalanceRow
from claimtwin.stats.effects import Effect
from claimtwin.stats.withhold import (
    SMALL_CELL,
    is_small,
    withhold,
    withhold_beside,
    withhold_flow,
    withhold_means,
    withhold_split,
    withhold_two_by_two,
)
from hypothesis import given
from hypothesis import strategies as st


def test_counts_of_one_to_ten_are_withheld() -> None:
    assert [withhold(n, 11) for n in (0, 1, 10, 11)] == [0, None, None, 11]
    assert withhold(1, 1) == 1


@pytest.mark.parametrize(
    ("remaining", "shown"),
    [
        ([100, 60, 30], [100, 60, 30]),
        ([100, 95, 30], [None, 95, 30]),
        ([100, 95, 89, 30], [100, None, 89, 30]),
        ([100, 100, 0], [100, 100, 0]),
        ([100, 50, 7], [100, 50, None]),
        ([60, 55, 50, 45], [60, None, None, 45]),
        ([9], [None]),
        ([], []),
    ],
)
def test_a_flow_shows_no_small_exclusion(remaining: list[int], shown: list[int | None]) -> None:
    assert withhold_flow(remaining, 11) == shown


CELL, TOP = 4, 20


@cache
def flows_by_what_is_shown() -> dict[tuple[int | None, ...], list[tuple[int, ...]]]:
    """Every flow of four steps up to 20 people, filed under what a reader would see of it with cells below 4."""
    seen: dict[tuple[int | None, ...], list[tuple[int, ...]]] = {}
    for rising in combinations_with_replacement(range(TOP + 1), 4):
        flow = rising[::-1]
        seen.setdefault(tuple(withhold_flow(flow, CELL)), []).append(flow)
    return seen


def test_an_attacker_who_knows_the_rule_finds_no_small_count() -> None:
    """He lists all flows that print the same; a count or exclusion of 1 to 3 must never be the only one left."""
    for flows in flows_by_what_is_shown().values():
        if any(flow[0] == TOP for flow in flows):
            continue  # he would also have to try flows of more people than we listed
        for step in range(4):
            assert_unsure({flow[step] for flow in flows})
        for early in range(4):
            for late in range(early + 1, 4):
                assert_unsure({flow[early] - flow[late] for flow in flows})


def assert_unsure(possible: set[int]) -> None:
    assert len(possible) > 1 or not is_small(next(iter(possible)), CELL)


@given(st.lists(st.integers(0, 120), max_size=9), st.integers(2, 15))
def test_shown_steps_differ_by_nothing_or_by_enough(counts: list[int], cell: int) -> None:
    remaining = sorted(counts, reverse=True)
    shown = withhold_flow(remaining, cell)
    known = [count for count in shown if count is not None]
    assert all(a == b or a - b >= cell for a, b in pairwise(known))
    assert all(count is None or count == true for count, true in zip(shown, remaining, strict=True))
    assert not any(is_small(count, cell) for count in known)
    if remaining and not is_small(remaining[-1], cell):
        assert shown[-1] == remaining[-1]


@given(st.lists(st.integers(0, 120), max_size=9))
def test_a_cell_of_one_withholds_nothing(counts: list[int]) -> None:
    remaining = sorted(counts, reverse=True)
    assert withhold_flow(remaining, 1) == remaining


def test_a_count_beside_another_gives_no_difference_away() -> None:
    assert withhold_beside(108, [100], 11) is None
    assert withhold_beside(100, [100], 11) == 100
    assert withhold_beside(111, [100, None], 11) == 111


def test_a_split_hides_the_part_that_would_give_the_other_away() -> None:
    assert withhold_split(100, 95, 11) == (100, None, None)
    assert withhold_split(100, 5, 11) == (100, None, None)
    assert withhold_split(100, 100, 11) == (100, 100, 0)
    assert withhold_split(100, 60, 11) == (100, 60, 40)
    assert withhold_split(7, 7, 11) == (None, None, None)


ARM = ArmOutcome(400, 60, 15.0, 12.0, 18.0, 90, 22.5, 0.6)
EFFECT = Effect("any", "odds_ratio", False, "nonrobust", 0.5, 0.4, 0.6, 0.001, 800)


def test_a_table_without_small_cells_is_shown() -> None:
    assert withhold_two_by_two(ARM, ARM, [EFFECT], 11) == (ARM, ARM, (EFFECT,))
    nobody = replace(ARM, people=0)
    assert withhold_two_by_two(nobody, ARM, [EFFECT], 11) == (nobody, ARM, (EFFECT,))


@pytest.mark.parametrize("people", [1, 10, 390, 399])
def test_few_with_or_without_the_outcome_hide_the_arm_and_the_effects(people: int) -> None:
    few = replace(ARM, people=people)
    treated, comparator, effects = withhold_two_by_two(few, ARM, [EFFECT], 11)
    assert treated == ArmOutcome(400, None, None, None, None, None, None, None)
    assert comparator == ARM
    assert effects == (replace(EFFECT, estimate=None, low=None, high=None, p_value=None, note=SMALL_CELL),)


def test_a_small_arm_hides_its_size_too() -> None:
    treated, _, effects = withhold_two_by_two(replace(ARM, n=9, people=0), ARM, [EFFECT], 11)
    assert treated.n is None
    assert effects[0].estimate is None


def test_the_mean_of_a_flag_is_a_count_and_withheld_like_one() -> None:
    rare = BalanceRow("surgery", "after", 0.02, 0.05, -0.161616, None)
    age = BalanceRow("age", "after", 0.02, 0.05, -0.161616, 1.1)
    shown = withhold_means([rare, age], {"after": (400, 400)}, ["surgery"], 11)
    assert shown == [BalanceRow("surgery", "after", None, None, -0.16, None), age]
    assert withhold_means([rare], {"after": (4000, 4000)}, ["surgery"], 11) == [rare]
