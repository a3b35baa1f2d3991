"""Code groups and values counted on a cluster, against counting by hand; whole numbers in any order."""

import numpy as np
import pytest
from claimtwin.codes.groups import group_numbers, group_of
from claimtwin.config.score import DataDriven
from claimtwin.spark.design import DesignColumn, matrix_of
from claimtwin.spark.held_groups import sum_held
from claimtwin.spark.summaries import PLACES, count_values
from claimtwin.stats.balance import largest_gap
from claimtwin.study.terms import choose_groups

DIAGNOSES = group_numbers(["M54", "I10", "E11", "Z00", "J45"], "diagnosis").tolist()
DRUGS = group_numbers(["000710155", "000710156"], "drug").tolist()
SHARES = dict(zip(DIAGNOSES + DRUGS, (0.5, 0.3, 0.3, 0.999, 0.02, 0.1, 0.2), strict=True))


def people(n=400):
    dice = np.random.default_rng(6)
    rows = []
    for k in range(n):
        held = sorted(group for group, share in SHARES.items() if dice.random() < share)
        rows.append((f"p{k:03d}", bool(dice.random() < 0.4), bytearray(np.array(held, np.int64).tobytes()),
                     int(dice.integers(-20, 60)), float(np.round(dice.normal(5, 2), 2))))  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def cohort(spark):
    rows = people()
    frame = spark.createDataFrame(rows, "person_id string, treated boolean, groups binary, points int, money double")
    treated, others = ([row[0] for row in rows if row[1] == side] for side in (True, False))
    pairs = spark.createDataFrame(
        [("a", k, one, two, 1, 1) for k, (one, two) in enumerate(zip(treated[:60], others, strict=False))],
        "block string, rank bigint, treated_person string, comparator_person string, nth bigint, twins bigint",
    )
    matched = set(treated[:60] + others[:60])
    return rows, frame.repartition(3), pairs, matched


def holds(row, group):
    return group in np.frombuffer(bytes(row[2]), np.int64)


def test_the_commonest_groups_are_chosen_and_the_rare_are_not(cohort):
    rows, frame, _, _ = cohort
    found = choose_groups(frame, DataDriven(top=2, kinds=["diagnosis", "drug"], least=30))
    count = {group: sum(holds(row, group) for row in rows) for group in SHARES}
    common = [g for g in DIAGNOSES if 30 <= count[g] <= len(rows) - 30]
    expected = sorted(common, key=lambda g: (-count[g], g))[:2] + sorted(DRUGS, key=lambda g: -count[g])
    assert [column.group for column in found] == expected
    assert [column.name for column in found] == ["=".join(group_of(group)) for group in expected]
    values = matrix_of(frame.orderBy("person_id").toArrow(), [DesignColumn("points"), *found])
    by_hand = [[row[3], *(holds(row, group) for group in expected)] for row in rows]
    np.testing.assert_array_equal(values, np.array(by_hand, float))


def test_sides_are_counted_in_one_scan(cohort):
    rows, frame, pairs, matched = cohort
    groups = [DRUGS[1], DIAGNOSES[0], DIAGNOSES[4]]
    parts = sum_held(frame, pairs, groups).toArrow()["counts"].to_pylist()
    total = np.sum(parts, axis=0).reshape(4, 4)
    sides = np.array([2 * (row[0] in matched) + row[1] for row in rows])
    assert total[0].tolist() == np.bincount(sides, minlength=4).tolist()
    for place, group in enumerate(groups, 1):
        own = np.array([holds(row, group) for row in rows])
        assert total[place].tolist() == np.bincount(sides[own], minlength=4).tolist()


def test_distances_of_distributions_come_from_counts(cohort):
    rows, frame, pairs, matched = cohort
    parts = count_values(frame, pairs, ["points", "money"]).toArrow()["counts"].to_pylist()
    total = np.sum(parts, axis=0).reshape(2, 4, PLACES).astype(int)
    arms = [np.array([row[3] for row in rows if row[1] == side and row[0] in matched]) for side in (True, False)]
    values = np.unique(np.concatenate(arms))
    shares = [np.searchsorted(np.sort(arm), values, "right") / len(arm) for arm in arms]
    exact = np.abs(shares[0] - shares[1]).max()
    assert largest_gap(total[0, 3].tolist(), total[0, 2].tolist()) == pytest.approx(exact, abs=1e-12)
    assert total[1].sum() == len(rows)
