"""Calipers in each block's own standard deviations: each block's match by hand, its certificate, odd blocks."""

from dataclasses import replace
from statistics import stdev

import numpy as np
import pytest
from claimtwin.errors import InputError
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.matching import Rules, Units, choose_twins
from claimtwin.kernel.matching.spread import InSd, join_parts, rules_in_block, split_blocks, spread

from tests.oracle.greedy import match_by_hand, most_pairs
from tests.support.people import people_of

ORDERS = ("largest", "smallest", "data", "random", "closest", "farthest")


def study_of(seed: int) -> tuple[Units, Rules]:
    """Blocks whose spreads differ by far, of one person, of equal scores; scores and ages that tie."""
    dice = np.random.default_rng(seed)
    n = int(dice.integers(2, 40))
    block = dice.choice([0, 2, 3, 7], n, p=[0.4, 0.4, 0.15, 0.05])
    wide = np.array([0.1, 0, 3.0, 0, 0, 0, 0, 1.0])[block]
    score, age = np.round(dice.normal(0, wide), 3), np.round(dice.normal(40, 10 * wide))
    near = age[:, None] if seed % 3 else None
    units = Units.of(dice.random(n) < 0.4, score, dice.permutation(n), block, near=near)
    width = (0.5, 2.0, -0.3)[seed // 3 % 3]
    rules = Rules(
        order=ORDERS[seed % len(ORDERS)], ratio=1 + seed // 6 % 2, caliper=0.6, widths=(width,) if seed % 3 else ()
    )
    return units, rules


def spread_by_hand(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def by_hand(units: Units, rules: Rules, in_sd: InSd) -> set[tuple[int, int, int]]:
    """The greedy match of each block by itself, with widths multiplied by what the standard library says."""
    found = set()
    for code in sorted(set(units.block.tolist())):
        rows = np.flatnonzero(units.block == code)
        own = units.take(rows)
        caliper = rules.caliper * (spread_by_hand(own.score.tolist()) if in_sd.score else 1)
        scales = [spread_by_hand(own.near[:, k].tolist()) if flag else 1 for k, flag in enumerate(in_sd.near)]
        widths = tuple(width * scale for width, scale in zip(rules.widths, scales, strict=True))
        pairs = match_by_hand(people_of(own), replace(rules, caliper=caliper, widths=widths))
        found |= {(int(rows[t]), int(rows[c]), rank) for t, c, rank in pairs}
    return found


def matched(units: Units, rules: Rules, in_sd: InSd):
    parts = list(split_blocks(units, rules, in_sd))
    return parts, [choose_twins(part.units, part.rules) for part in parts]


def test_each_block_is_matched_as_by_hand_in_its_own_spread_and_proven():
    seen = dict.fromkeys(["pairs", "other than with one caliper"], 0)
    for seed in range(600):
        units, rules = study_of(seed)
        in_sd = InSd(score=seed % 4 != 1, near=(seed % 2 == 0,) * len(rules.widths))
        parts, found = matched(units, rules, in_sd)
        pairs = join_parts(parts, found)
        couples = set(zip(pairs.treated.tolist(), pairs.control.tolist(), pairs.rank.tolist(), strict=True))
        assert couples == by_hand(units, rules, in_sd), seed
        assert (np.diff(units.block[pairs.treated]) >= 0).all()
        for part, own in zip(parts, found, strict=True):
            assert (count_envious(part.units, part.rules, own), count_broken(part.units, part.rules, own)) == (0, 0)
        everybody = rules_in_block(units, rules, in_sd)
        seen["pairs"] += len(couples)
        seen["other than with one caliper"] += couples != match_by_hand(people_of(units), everybody)
    assert seen["pairs"] > 2000 and seen["other than with one caliper"] > 200


def test_a_pair_within_the_global_caliper_but_not_its_blocks_is_found_broken():
    """Block 0 is narrow and block 1 is wide; the pairs of one caliper for all break the narrow one's own."""
    score = [0.0, 0.03, 0.1, 0.2, -5.0, -2.0, 3.0, 6.0]
    units, rules = Units.of([1, 0, 1, 0] * 2, score, block=[0] * 4 + [1] * 4), Rules(caliper=0.5)
    part = next(split_blocks(units, rules, InSd(score=True)))
    assert part.rows.tolist() == [0, 1, 2, 3] and part.rules.caliper == pytest.approx(0.5 * stdev(score[:4]))
    with_one = choose_twins(part.units, rules_in_block(units, rules, InSd(score=True)))
    assert count_broken(part.units, part.rules, with_one) > 0
    empty = with_one.take(np.zeros(0, np.int64))
    assert (count_broken(part.units, part.rules, empty), count_envious(part.units, part.rules, empty)) == (0, 1)


def test_a_block_without_spread_has_a_caliper_of_nought_that_equal_values_keep():
    """0.1 three times has a mean other than 0.1, so that a formula alone would find a spread of some 1e-17."""
    assert np.std([0.1] * 3, ddof=1) > 0
    assert (spread(np.full(3, 0.1)), spread(np.array([7.0])), spread(np.zeros(0))) == (0.0, 0.0, 0.0)
    units = Units.of([1, 0, 0, 1], [0.1, 0.1, 0.1, 5.0], block=[0, 0, 0, 1], near=[[0.1], [0.1], [0.1], [9.0]])
    for width in (0.5, -0.5):
        parts, found = matched(units, Rules(caliper=0.2, widths=(width,)), InSd(True, (True,)))
        assert [(part.rules.caliper, abs(part.rules.widths[0])) for part in parts] == [(0.0, 0.0), (0.0, 0.0)]
        assert join_parts(parts, found).treated.tolist() == [0]


def test_of_two_people_only_a_caliper_of_the_root_of_two_makes_a_pair():
    units = Units.of([1, 0], [0.0, 1.0])
    for caliper, pairs in ((1.41, 0), (1.42, 1)):
        parts, found = matched(units, Rules(caliper=caliper), InSd(score=True))
        assert len(join_parts(parts, found)) == pairs


def test_the_spread_is_the_same_in_any_order_of_rows():
    dice = np.random.default_rng(5)
    values = dice.lognormal(0, 4, 1001)
    assert len({spread(dice.permutation(values)) for _ in range(50)}) == 1
    assert len({float(np.std(dice.permutation(values), ddof=1)) for _ in range(50)}) > 1
    assert spread(values) == pytest.approx(stdev(values.tolist()))


def test_most_pairs_in_each_block():
    for seed in range(60):
        units, rules = study_of(3 * seed)
        parts, found = matched(units, replace(rules, order="maximum", ratio=1, widths=()), InSd(score=True))
        for part, own in zip(parts, found, strict=True):
            assert len(own) == most_pairs(people_of(part.units), part.rules)


def test_infinite_scores_have_no_spread_and_are_counted():
    units = Units.of([1, 0, 0], [0.0, float("inf"), 1.0])
    with pytest.raises(InputError, match="1 values of a block are infinite"):
        list(split_blocks(units, Rules(caliper=0.2), InSd(score=True)))


def test_nobody_has_no_block():
    parts = list(split_blocks(Units.of([]), Rules(caliper=0.2), InSd(score=True)))
    assert len(join_parts(parts, [choose_twins(part.units, part.rules) for part in parts])) == 0
