"""Matching against a serial search through all controls, and against MatchIt's recorded pairs."""

import csv
from collections import defaultdict

import numpy as np
from claimtwin.kernel.matching import match_largest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.shared import shared_data

units = st.lists(st.integers(0, 12), max_size=14)


def serial(treated, control, caliper):
    """Each treated in turn looks at every free control."""
    free = set(range(len(control)))
    pairs = []
    for t in sorted(range(len(treated)), key=lambda k: (-treated[k][0], treated[k][1])):
        near = [
            (abs(treated[t][0] - control[c][0]), control[c][0], control[c][1], c)
            for c in free
            if caliper is None or abs(treated[t][0] - control[c][0]) <= caliper
        ]
        if near:
            pairs.append((t, min(near)[3]))
            free.remove(min(near)[3])
    return pairs


def matched(treated, control, caliper):
    score = [np.array([u[0] for u in side], np.float64) for side in (treated, control)]
    tie = [np.array([u[1] for u in side], np.int64) for side in (treated, control)]
    got = match_largest(score[0], tie[0], score[1], tie[1], caliper=caliper)
    return list(zip(got.treated.tolist(), got.control.tolist(), strict=True))


@settings(max_examples=500, deadline=None)
@given(units, units, st.one_of(st.none(), st.integers(0, 6)), st.randoms(use_true_random=False))
def test_the_sweep_equals_a_serial_search(treated, control, caliper, dice):
    """Small whole scores make ties frequent; the tie keys are shuffled against the row order."""
    sides = []
    for scores in (treated, control):
        keys = list(range(len(scores)))
        dice.shuffle(keys)
        sides.append(list(zip(scores, keys, strict=True)))
    assert matched(*sides, caliper) == serial(*sides, caliper)


def test_minus_nought_is_nought():
    """Of controls with equal scores the smaller tie key is taken first, whatever the sign of nought."""
    assert matched([(0.0, 1)], [(-0.0, 2), (0.0, 1)], None) == [(0, 1)]
    assert matched([(-0.0, 1)], [(-0.0, 1), (0.0, 2)], 0.0) == [(0, 0)]


def read(folder, name):
    with (folder / f"{name}.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def is_ours(study):
    plain = not study["antiexact"] and not study["caliper_x1"] and study["replace"] == "FALSE"
    same = study["distance"] == "score" and study["order"] == "largest" and study["ratio"] == "1"
    return plain and same and study["score_digits"] == "6"


def test_pairs_equal_those_of_matchit():
    """Every recorded study that our kernel can express: score, largest first, 1:1, no replacement, no equal scores."""
    folder = shared_data("matchit-oracle")
    members, recorded = defaultdict(list), defaultdict(set)
    for unit in read(folder, "units"):
        members[unit["config_id"]].append(unit)
    for pair in read(folder, "pairs"):
        recorded[pair["config_id"]].add((int(pair["treated_id"]), int(pair["control_id"])))
    studies = [study for study in read(folder, "configs") if is_ours(study)]
    assert len(studies) >= 5
    for study in studies:
        assert pairs_in_blocks(study, members[study["config_id"]]) == recorded[study["config_id"]]


def pairs_in_blocks(study, members):
    blocks = defaultdict(lambda: ([], []))
    keys = [key for key in study["exact"].split("+") if key]
    for unit in members:
        side = 0 if unit["treat"] == "1" else 1
        blocks[tuple(unit[key] for key in keys)][side].append((float(unit["score"]), int(unit["id"])))
    caliper = float(study["caliper_score"]) if study["caliper_score"] else None
    if caliper is not None and study["caliper_score_unit"] == "sd":
        caliper *= float(np.std([float(unit["score"]) for unit in members], ddof=1))
    found = set()
    for treated, control in blocks.values():
        found |= {(treated[t][1], control[c][1]) for t, c in matched(treated, control, caliper)}
    return found
