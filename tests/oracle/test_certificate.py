"""The certificate of a greedy match against its definition, on right, wrong and random pairings."""

from itertools import product

import numpy as np
from claimtwin.kernel.certificate import count_below, count_envious
from claimtwin.kernel.matching import Matches, match_largest
from hypothesis import given, settings
from hypothesis import strategies as st

TENTHS = st.sampled_from([-0.3, -0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.7, 0.8, 1.1])
QUARTERS = st.integers(-4, 4).map(lambda k: k / 4)
"""Differences of tenths are rounded, so that a distance and a caliper just miss; quarters make ties exact."""


@st.composite
def matches_to_be(draw):
    """Scores of either arm, and a caliper that is often just as wide as some distance."""
    grain = draw(st.sampled_from([TENTHS, QUARTERS]))
    sides = [draw(st.lists(grain, max_size=8)) for _ in range(2)]
    return *sides, draw(st.one_of(st.none(), st.builds(lambda a, b: abs(a - b), grain, grain)))


def envious_by_definition(treated, control, pairs, caliper):
    """Each treated looks at each control: is it better than mine, and would it have been there in my turn?"""
    twin, owner = dict(pairs), {c: t for t, c in pairs}

    def turn(t):
        return (-treated[t][0], treated[t][1])

    def taste(t, c):
        return (abs(treated[t][0] - control[c][0]), control[c][0], control[c][1])

    def prefers(t, c):
        if t in twin:
            return taste(t, c) < taste(t, twin[t])
        return caliper is None or taste(t, c)[0] <= caliper

    def was_free(t, c):
        return c not in owner or turn(owner[c]) > turn(t)

    return sum(any(prefers(t, c) and was_free(t, c) for c in range(len(control))) for t in range(len(treated)))


def arrays(side):
    return np.array([u[0] for u in side], np.float64), np.array([u[1] for u in side], np.int64)


def counted(treated, control, pairs, caliper):
    columns = [np.array([pair[k] for pair in pairs], np.int64) for k in (0, 1)]
    found = Matches(*columns, np.zeros(len(pairs)))
    return count_envious(*arrays(treated), *arrays(control), found, caliper=caliper)


def with_ties(sides, dice):
    return [list(zip(side, dice.sample(range(len(side)), len(side)), strict=True)) for side in sides]


@settings(max_examples=500, deadline=None)
@given(matches_to_be(), st.randoms(use_true_random=False), st.booleans())
def test_envy_is_counted_as_defined(case, dice, greedy):
    """Any pairing will do, so that most are wrong; those made by the sweep leave nobody envious."""
    *sides, caliper = case
    treated, control = with_ties(sides, dice)
    if greedy:
        found = match_largest(*arrays(treated), *arrays(control), caliper=caliper)
        pairs = list(zip(found.treated.tolist(), found.control.tolist(), strict=True))
    else:
        some = dice.randint(0, min(len(treated), len(control)))
        pairs = list(zip(dice.sample(range(len(treated)), some), dice.sample(range(len(control)), some), strict=True))
    envious = envious_by_definition(treated, control, pairs, caliper)
    assert counted(treated, control, pairs, caliper) == envious
    assert not (greedy and envious)


def test_a_distance_is_compared_as_it_is_computed():
    """For every two tenths and every distance between tenths: rounding moves no control over the edge."""
    tenths = [k / 10 for k in range(-12, 13)]
    asked = list(product(tenths, {abs(a - b) for a, b in product(tenths, tenths)}, [False, True]))
    score, reach, equal = (np.array(column) for column in zip(*asked, strict=True))
    far = [sum(s - c > r or (at_it and s - c == r) for c in tenths) for s, r, at_it in asked]
    assert count_below(score, np.array(tenths), reach, equal=equal).tolist() == far


def large_match(n, caliper):
    dice = np.random.default_rng(7)
    scores = [np.round(dice.normal(mean, 1, n), 4) for mean in (0.5, 0.0)]
    ties = [dice.permutation(n) for _ in scores]
    units = (scores[0], ties[0], scores[1], ties[1])
    return units, match_largest(*units, caliper=caliper)


def test_a_large_match_is_certified_and_a_single_swap_is_seen():
    units, found = large_match(20_000, 0.01)
    assert count_envious(*units, found, caliper=0.01) == 0
    swapped = found.control.copy()
    swapped[[100, 5_000]] = swapped[[5_000, 100]]
    assert count_envious(*units, Matches(found.treated, swapped, found.distance), caliper=0.01) > 0


def test_somebody_left_unmatched_though_a_control_was_free_is_seen():
    units, found = large_match(20_000, 0.01)
    without_last = Matches(found.treated[:-1], found.control[:-1], found.distance[:-1])
    assert count_envious(*units, without_last, caliper=0.01) >= 1
