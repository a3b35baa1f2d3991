"""Every order and option against a match by hand; as many pairs as augmenting paths find."""

from dataclasses import replace

import numpy as np
import pytest
from claimtwin.errors import ConfigError, InputError
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.matching import (
    Rules,
    Units,
    choose_twins,
    closest,
    line,
    match_largest,
    match_units,
    seek,
    sorted_blocks,
    sorting,
    sweep,
)
from claimtwin.kernel.matching.weights import couple_weights, person_weights

from tests.oracle.greedy import match_by_hand, most_pairs
from tests.oracle.nasty_match import ORDERS, nasty_study
from tests.support.people import people_of

STUDIES = 3000


def triples(pairs):
    listed = list(zip(pairs.treated.tolist(), pairs.control.tolist(), pairs.rank.tolist(), strict=True))
    assert len(set(listed)) == len(listed)
    return set(listed)


def test_the_match_is_the_one_made_by_hand():
    """Every order meets every other option; at least a tenth of the studies of each order have several pairs."""
    seen = dict.fromkeys(ORDERS, 0)
    for seed in range(STUDIES):
        units, rules = nasty_study(seed)
        found = choose_twins(units, rules)
        assert triples(found) == match_by_hand(people_of(units), rules), (seed, rules)
        assert count_broken(units, rules, found) == 0
        seen[rules.order] += len(found) > 1
    assert min(seen.values()) > STUDIES / len(ORDERS) / 10


def test_rounding_of_distances_moves_nobody_past_a_nearer_control():
    """Scores of which some differ by less than their distances to others can show."""
    scores = [0.0, 1e-18, 2e-18, 1e-17, 0.1, 0.3, 1.0, 1.0 + 2**-52, 1e16, 1e16 + 2]
    for seed in range(1000):
        dice = np.random.default_rng(seed)
        n = int(dice.integers(2, 12))
        units = Units.of(dice.random(n) < 0.4, dice.choice(scores, n), dice.permutation(n))
        rules = Rules(
            order=("largest", "smallest", "data", "random")[seed % 4],
            ratio=1 + seed % 3 % 2,
            caliper=(None, 0.3, 1.0)[seed % 3],
        )
        found = choose_twins(units, rules)
        assert triples(found) == match_by_hand(people_of(units), rules), (seed, rules)
        assert count_envious(units, rules, found) == 0
        every = replace(rules, replace=True)
        assert triples(choose_twins(units, every)) == match_by_hand(people_of(units), every)


@pytest.mark.parametrize("rows", [1, 2])
def test_it_does_not_matter_how_many_rows_are_looked_at_together(monkeypatch, rows):
    """Chunks end within these small studies, the stack is pruned all the time, and few scores are sorted packed."""
    for module in (sweep, seek, closest):
        monkeypatch.setattr(module, "CHUNK", rows)
    for module in (sorting, line):
        monkeypatch.setattr(module, "FEW", rows)
    for seed in range(500):
        units, rules = nasty_study(seed)
        assert triples(choose_twins(units, rules)) == match_by_hand(people_of(units), rules), (seed, rules)


def test_blocks_that_are_sorted_once_serve_match_and_certificate():
    for seed in range(200):
        units, rules = nasty_study(seed, competing=True)
        blocks = list(sorted_blocks(units, rules))
        found = choose_twins(units, rules, blocks)
        assert triples(found) == triples(choose_twins(units, rules))
        assert count_envious(units, rules, found, blocks) == 0


def test_maximum_finds_as_many_pairs_as_there_can_be():
    larger = 0
    for seed in range(STUDIES // 3):
        units, rules = nasty_study(seed, competing=True)
        units = Units.of(units.treated, units.score, units.tie, units.block)
        rules = Rules(order="maximum", caliper=0.3 if rules.caliper is None else rules.caliper)
        found = match_units(units, rules)
        assert len(found) == most_pairs(people_of(units), rules)
        assert count_broken(units, rules, found) == 0
        larger += len(found) > len(match_units(units, replace(rules, order="largest")))
    assert larger > 3


def test_the_order_of_rows_changes_nothing():
    """Pairs come in the same order, too, as long as tie keys are unique."""
    for seed in range(600):
        units, rules = nasty_study(seed)
        units = Units.of(**{**vars(units), "tie": np.argsort(units.tie, kind="stable")})
        order = np.random.default_rng(seed).permutation(len(units))
        found, mixed = match_units(units, rules), match_units(units.take(order), rules)
        assert order[mixed.treated].tolist() == found.treated.tolist()
        assert order[mixed.control].tolist() == found.control.tolist()
        assert mixed.rank.tolist() == found.rank.tolist()


def test_pairs_come_by_block_turn_and_rank():
    for seed in range(600):
        units, rules = nasty_study(seed)
        found = match_units(units, rules)
        score = units.score[found.treated] + 0.0
        turn = {"smallest": score, "data": 0 * found.rank, "random": 0 * found.rank}.get(rules.order, -score)
        keys = [found.rank, found.treated, units.tie[found.treated], turn, units.block[found.treated]]
        if rules.order != "random":
            assert np.lexsort(keys).tolist() == list(range(len(found)))


def test_who_falls_below_the_floor_loses_all_twins():
    lost = 0
    for seed in range(600):
        units, rules = nasty_study(seed)
        rules = replace(rules, ratio=3, floor=2)
        kept, all_of_them = match_units(units, rules), triples(choose_twins(units, rules))
        twins = {t: sum(pair[0] == t for pair in all_of_them) for t, _, _ in all_of_them}
        assert triples(kept) == {pair for pair in all_of_them if twins[pair[0]] >= 2}
        lost += len(kept) < len(all_of_them)
    assert lost > 100


def test_weights_sum_to_the_people():
    for seed in range(600):
        units, rules = nasty_study(seed)
        found = match_units(units, rules)
        weight, treated = person_weights(units.treated, found), units.treated
        assert couple_weights(found).sum() == pytest.approx(len(set(found.treated.tolist())))
        assert weight[treated].sum() == len(set(found.treated.tolist()))
        assert weight[~treated].sum() == pytest.approx(len(set(found.control.tolist())))
        assert set(np.flatnonzero(weight)) == {*found.treated.tolist(), *found.control.tolist()}


def test_controls_share_their_treated_and_reused_ones_weigh_more():
    """Treated 0 has twins 2 and 3, treated 1 only 3: by hand 0.5 and 1.5, which sum to 2 as they are."""
    units = Units.of([1, 1, 0, 0], [0.0, 9.0, -0.3, 8.9])
    found = match_units(units, Rules(ratio=2, replace=True, caliper=9.0))
    assert triples(found) == {(0, 2, 1), (0, 3, 2), (1, 3, 1)}
    assert person_weights(units.treated, found).tolist() == [1.0, 1.0, 0.5, 1.5]


def test_minus_nought_is_nought():
    """Of controls with equal scores the smaller tie key is taken first, whatever the sign of nought."""

    def first(treated, controls, ties):
        sides = [np.array(side) for side in ([treated], [1], controls, ties)]
        return match_largest(*sides, caliper=0.0).control.tolist()

    assert first(0.0, [-0.0, 0.0], [2, 1]) == [1]
    assert first(-0.0, [-0.0, 0.0], [1, 2]) == [0]


def test_an_infinite_score_meets_only_its_like():
    """Without a caliper, too: at an infinite distance nobody is near."""
    inf = np.inf
    found = match_units(Units.of([1, 1, 1, 0, 0, 0], [inf, -inf, 0.0, inf, 5.0, 6.0]), Rules())
    assert triples(found) == {(0, 3, 1), (2, 4, 1)}
    assert found.distance.tolist() == [0.0, 5.0]


def test_no_pair_at_all_is_a_result():
    for arms in ([], [1, 1], [0], [1, 0]):
        score = [float(10 * k) for k in range(len(arms))]
        assert len(match_units(Units.of(arms, score), Rules(caliper=1.0))) == 0


@pytest.mark.parametrize(
    ("column", "values"),
    [("score", [0.5, np.nan]), ("score", [0.5]), ("near", [[1.0], [np.inf]]), ("space", [[1.0], [np.nan]])]
    + [("treated", [1, 2])],
)
def test_units_that_cannot_be_matched_are_refused(column, values):
    with pytest.raises(InputError, match=r"^1 ") as refused:
        Units.of(**{"treated": [1, 0], column: values})
    assert refused.value.where == f"units, column {column}"


@pytest.mark.parametrize(
    "choices",
    [
        {"order": "nearest"}, {"ratio": 0}, {"floor": 2}, {"max_reuse": 2}, {"max_reuse": 0, "replace": True},
        {"caliper": -0.1}, {"caliper": float("nan")}, {"widths": (float("inf"),)}, {"order": "maximum"},
        {"order": "maximum", "caliper": 1.0, "ratio": 2},
    ],
)  # fmt: skip
def test_contradictions_are_refused(choices):
    with pytest.raises(ConfigError):
        Rules(**choices)


def test_rules_that_do_not_fit_the_units_are_refused():
    units = Units.of([1, 0], near=[[1.0], [2.0]])
    for rules in (Rules(), Rules(widths=(1.0, 1.0)), Rules(order="maximum", caliper=1.0, widths=(1.0,))):
        with pytest.raises(ConfigError):
            match_units(units, rules)
