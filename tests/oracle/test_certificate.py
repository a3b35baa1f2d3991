"""The certificate of a match against its definition, on right, wrong and random pairings."""

from itertools import product

import numpy as np
import pytest
from claimtwin.errors import ConfigError
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.matching import Pairs, Rules, Units, choose_twins
from claimtwin.kernel.matching.line import count_below

from tests.oracle.envy import envious_by_hand
from tests.oracle.nasty_match import nasty_study
from tests.support.people import people_of

STUDIES = 2000


def triples(pairs):
    return set(zip(pairs.treated.tolist(), pairs.control.tolist(), pairs.rank.tolist(), strict=True))


def corrupted(pairs, free, dice):
    """The same match with two twins exchanged, with somebody unmatched, and with a free control for a twin."""
    if len(pairs) > 1:
        one, other = dice.choice(len(pairs), 2, replace=False)
        control = pairs.control.copy()
        control[[one, other]] = control[[other, one]]
        yield Pairs(pairs.treated, control, pairs.rank, pairs.distance)
    if len(pairs):
        row = dice.integers(len(pairs))
        yield pairs.take((pairs.treated != pairs.treated[row]) | (pairs.rank < pairs.rank[row]))
    if len(pairs) and len(free):
        control = pairs.control.copy()
        control[dice.integers(len(pairs))] = dice.choice(free)
        yield Pairs(pairs.treated, control, pairs.rank, pairs.distance)


def test_the_match_passes_and_every_single_fault_is_seen():
    """Envy is counted as defined, in thousands of wrong matches that break no other rule, too."""
    wrong = envious = 0
    for seed in range(STUDIES):
        units, rules = nasty_study(seed, competing=True)
        found, dice = choose_twins(units, rules), np.random.default_rng(seed)
        assert (count_envious(units, rules, found), count_broken(units, rules, found)) == (0, 0)
        free = np.setdiff1d(np.flatnonzero(~units.treated), found.control)
        for other in corrupted(found, free, dice):
            if triples(other) == triples(found):
                continue
            wrong += 1
            counted, broken = count_envious(units, rules, other), count_broken(units, rules, other)
            assert counted or broken, (seed, rules)
            if not broken:
                envious += 1
                assert counted == envious_by_hand(people_of(units), rules, triples(other)), (seed, rules)
    assert wrong > STUDIES and envious > STUDIES / 2


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("wrong arm", {"treated": [2, 1], "control": [0, 3]}),
        ("two blocks", {"control": [2, 4]}),
        ("outside the caliper", {"control": [3, 2]}),
        ("outside a covariate's caliper", {"control": [5, 3]}),
        ("equal in an anti-exact column", {"control": [6, 3]}),
        ("one control for two", {"control": [2, 2]}),
        ("rank that begins at 2", {"rank": [1, 2]}),
        ("rank above the ratio", {"treated": [0, 0, 0], "control": [2, 3, 5], "rank": [1, 2, 3]}),
    ],
)
def test_a_couple_that_no_match_may_have_is_counted(name, change):
    """Rows 0 and 1 are treated; 2 fits 0 and 3 fits 1; the others have one fault each."""
    units = Units.of(
        [1, 1, 0, 0, 0, 0, 0],
        [0.0, 1.0, 0.1, 1.1, 1.2, 0.2, 0.2],
        block=[0, 0, 0, 0, 1, 0, 0],
        differ=[[1], [1], [2], [2], [2], [2], [1]],
        near=[[0.0], [0.0], [0.0], [0.0], [0.0], [9.0], [0.0]],
    )
    rules = Rules(caliper=0.5, widths=(1.0,), ratio=2)
    columns = {"treated": [0, 1], "control": [2, 3], "rank": [1, 1]}

    def pairs(columns):
        rows = [np.array(columns[key], np.int64) for key in ("treated", "control", "rank")]
        return Pairs(*rows, np.zeros(len(rows[0])))

    assert count_broken(units, rules, pairs(columns)) == 0
    assert count_broken(units, rules, pairs(columns | change)) > 0, name


def test_a_couple_twice_is_counted():
    units, columns = Units.of([1, 0], [0.0, 0.0]), [np.array([0, 0]), np.array([1, 1]), np.array([1, 2])]
    rules = Rules(ratio=2, replace=True)
    assert count_broken(units, rules, Pairs(*columns, np.zeros(2))) == 1


def test_with_replacement_there_is_no_certificate():
    units, rules = Units.of([1, 0], [0.0, 0.0]), Rules(replace=True)
    with pytest.raises(ConfigError):
        count_envious(units, rules, choose_twins(units, rules))


def test_missing_pairs_of_maximum_are_counted():
    units, rules = Units.of([1, 1, 0, 0], [0.0, 1.0, 0.9, 1.5]), Rules(order="maximum", caliper=1.0)
    found = choose_twins(units, rules)
    assert triples(found) == {(0, 2, 1), (1, 3, 1)}
    assert count_envious(units, rules, found) == 0
    assert count_envious(units, rules, found.take([0])) == 1


def test_a_distance_is_compared_as_it_is_computed():
    """For every two tenths and every distance between tenths: rounding moves no control over the edge."""
    tenths = [k / 10 for k in range(-12, 13)]
    asked = list(product(tenths, {abs(a - b) for a, b in product(tenths, tenths)}, [False, True]))
    score, reach, equal = (np.array(column) for column in zip(*asked, strict=True))
    far = [sum(s - c > r or (at_it and s - c == r) for c in tenths) for s, r, at_it in asked]
    assert count_below(score, np.array(tenths), reach, equal=equal).tolist() == far


@pytest.mark.parametrize("order", ["largest", "smallest", "data", "random", "closest", "farthest"])
@pytest.mark.parametrize("ratio", [1, 2])
def test_a_large_match_is_certified_and_a_single_swap_is_seen(order, ratio):
    dice = np.random.default_rng(7)
    treated = np.arange(20_000) < 6_000
    score = np.round(dice.normal(treated * 0.5, 1), 4)
    units, rules = Units.of(treated, score, dice.permutation(len(score))), Rules(order, ratio, caliper=0.01)
    found = choose_twins(units, rules)
    assert len(found) > 4_000 * ratio
    assert (count_envious(units, rules, found), count_broken(units, rules, found)) == (0, 0)
    row = int(dice.integers(len(found)))
    twin = np.abs(score[found.control] - score[found.control[row]])
    twin[score[found.control] == score[found.control[row]]] = np.inf
    other = int(twin.argmin())
    swapped = found.control.copy()
    swapped[[row, other]] = swapped[[other, row]]
    assert count_envious(units, rules, Pairs(found.treated, swapped, found.rank, found.distance)) > 0
