"""A block cut into ranges at any scores gives the pairs of one sweep, in the same order, and proves it."""

import os
from dataclasses import replace

import numpy as np
import pytest
from claimtwin.errors import InputError
from claimtwin.kernel.matching import Rules, Units, match_units
from claimtwin.kernel.matching.ranges import NOBODY_WAITS, Stretch, cut, repair, sweep_range
from claimtwin.kernel.range_certificate import count_envious_in_step
from hypothesis import given, settings
from hypothesis import strategies as st

SCORES = st.lists(st.integers(-12, 12).map(lambda k: k / 8) | st.floats(-2, 2, allow_nan=False), max_size=40)


def sorted_arm(score, names):
    order = np.argsort(score, kind="stable")
    return score[order], names[order]


def stretch_of(treated, score):
    rows = np.arange(len(score))
    return Stretch(*sorted_arm(score[treated], rows[treated]), *sorted_arm(score[~treated], rows[~treated]))


def ranges_of(whole, cuts, order):
    edges = [-np.inf, *sorted(set(cuts)), np.inf]
    found = [whole.between(low, high) for low, high in zip(edges, edges[1:], strict=False)]
    found = [people for people in found if len(people)]
    return found[::-1] if order == "largest" else found


def match_in_ranges(ranges, rules, size):
    """Couples in their order, from ranges swept apart and repaired in turn, and how many are envious."""
    waiting, couples, envious, spared = NOBODY_WAITS, [], 0, 0
    nobody = NOBODY_WAITS
    for people in ranges:
        alone = sweep_range(people, NOBODY_WAITS, rules)
        parts = list(cut(people, rules, size))
        fixed = repair(iter(parts), waiting, rules)
        envious += count_envious_in_step(alone, people, rules)
        for part, step in zip(parts, fixed.steps, strict=False):
            envious += count_envious_in_step(step, part, rules)
            couples += couples_of(step.decided)
        couples += couples_of(alone.decided)[fixed.replaced :]
        spared += fixed.waiting is None
        waiting = alone.waiting if fixed.waiting is None else fixed.waiting
    last = sweep_range(nobody, waiting, rules)
    assert len(last.waiting) == 0
    return couples + couples_of(last.decided), envious + count_envious_in_step(last, nobody, rules), spared


def couples_of(decided):
    return list(zip(decided.treated.tolist(), decided.control.tolist(), decided.distance.tolist(), strict=True))


def match_at_once(treated, score, rules):
    pairs = match_units(Units.of(treated, score), rules)
    return list(zip(pairs.treated.tolist(), pairs.control.tolist(), pairs.distance.tolist(), strict=True))


@settings(max_examples=int(os.environ.get("CLAIMTWIN_EXAMPLES", "500")), deadline=None, derandomize=True)
@given(
    SCORES, st.randoms(use_true_random=False), st.sampled_from(["largest", "smallest"]),
    st.sampled_from([None, 0.0, 0.125, 0.25, 1.0]), st.lists(st.integers(-12, 12).map(lambda k: k / 8), max_size=6),
    st.integers(1, 12),
)  # fmt: skip
def test_any_cuts_give_the_pairs_of_one_sweep(scores, dice, order, caliper, cuts, size):
    score = np.array(scores) + 0.0
    treated = np.array([dice.random() < 0.5 for _ in scores], np.bool_)
    rules = Rules(order=order, caliper=caliper)
    found, envious, _ = match_in_ranges(ranges_of(stretch_of(treated, score), cuts, order), rules, size)
    assert [couple for couple in found if couple[1] >= 0] == match_at_once(treated, score, rules)
    assert sorted(couple[0] for couple in found) == np.flatnonzero(treated).tolist()
    assert envious == 0


@pytest.mark.parametrize("order", ["largest", "smallest"])
@pytest.mark.parametrize(("share", "settled"), [(0.02, 5), (0.5, 2), (0.8, 5)])
def test_a_long_block_is_repaired_in_its_first_parts_only(order, share, settled):
    """As many treated as controls is the longest memory that there is: some ranges are swept again to their end."""
    dice = np.random.default_rng(5)
    score, treated = np.round(dice.normal(0, 1.5, 20_000), 4), dice.random(20_000) < share
    rules = Rules(order=order, caliper=0.05)
    ranges = ranges_of(stretch_of(treated, score), np.quantile(score, [0.2, 0.4, 0.6, 0.8]).tolist(), order)
    found, envious, spared = match_in_ranges(ranges, rules, 200)
    assert [couple for couple in found if couple[1] >= 0] == match_at_once(treated, score, rules)
    assert envious == 0 and spared >= settled
    assert max(len(sweep_range(people, NOBODY_WAITS, rules).waiting) for people in ranges) < 1000


def test_a_couple_exchanged_or_a_choice_made_too_early_is_counted():
    """Two treated exchange their twins; then a treated is decided for a control above with nearer ones to come."""
    score, treated = np.array([3.0, 2.0, 2.9, 2.1]), np.array([True, True, False, False])
    rules = Rules(caliper=1.0)
    step = sweep_range(NOBODY_WAITS, stretch_of(treated, score), rules)
    assert len(step.twin) == 2 and count_envious_in_step(step, NOBODY_WAITS, rules) == 0
    assert count_envious_in_step(replace(step, twin=step.twin[::-1]), NOBODY_WAITS, rules) > 0
    alone = stretch_of(np.array([True, False]), np.array([2.0, 2.4]))
    waits = sweep_range(alone, NOBODY_WAITS, rules)
    assert (len(waits.treated), waits.waiting.treated.tolist()) == (0, [0])
    early = replace(waits, treated=np.array([0]), twin=np.array([0]))
    assert count_envious_in_step(early, alone, rules) == 1


def test_scores_without_a_place_are_refused():
    with pytest.raises(InputError, match="1 scores are infinite"):
        stretch_of(np.array([True, False]), np.array([np.inf, 0.0]))
