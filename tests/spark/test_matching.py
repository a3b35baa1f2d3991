"""Matching in Spark gives the kernel's pairs in every block, and a broken match is caught by name."""

import numpy as np
import pytest
from chispa import assert_df_equality
from claimtwin.config.load import load_configuration
from claimtwin.kernel.matching import match_largest
from claimtwin.spark.invariants import INVARIANTS, count_broken
from claimtwin.spark.pairing import MATCHES, NO_COMPARATOR, NONE_FREE, build_pair_members, keep_pairs, match_blocks
from pyspark.sql import SparkSession

SCORES = "person_id string, treated boolean, block string, tie_key bigint, logit double"
PROTOCOL = load_configuration("desynpuf_pt_vs_chiropractic", "desynpuf")[0]
ALL_MET = 2**16 - 1


def units(n: int = 400) -> list[tuple[object, ...]]:
    dice = np.random.default_rng(11)
    treated, block = dice.random(n) < 0.3, dice.choice(["east", "west"], n)
    logit = np.round(dice.normal(0, 1, n), 2)
    columns = zip(treated.tolist(), block.tolist(), dice.permutation(n).tolist(), logit.tolist(), strict=True)
    return [(f"p{k:04d}", *column) for k, column in enumerate(columns)]


def pairs_by_kernel(rows: list[tuple[object, ...]], caliper: float) -> set[tuple[str, str]]:
    found = set()
    for block in ("east", "west"):
        sides = [[row for row in rows if row[2] == block and row[1] == treated] for treated in (True, False)]
        columns = [(np.array([r[4] for r in side]), np.array([r[3] for r in side])) for side in sides]
        match = match_largest(*columns[0], *columns[1], caliper=caliper)
        found |= {(sides[0][t][0], sides[1][c][0]) for t, c in zip(match.treated, match.control, strict=True)}
    return found


@pytest.mark.parametrize("partitions", [1, 5])
def test_each_block_is_matched_as_the_kernel_does(spark, partitions):
    scores = spark.createDataFrame(units(), SCORES).repartition(partitions)
    matches = match_blocks(scores, 0.1).toArrow().to_pylist()
    pairs = [row for row in matches if row["comparator_person"]]
    assert {(row["treated_person"], row["comparator_person"]) for row in pairs} == pairs_by_kernel(units(), 0.1)
    assert len(matches) == sum(1 for row in units() if row[1])
    for block in ("east", "west"):
        ranks = sorted(row["rank"] for row in pairs if row["block"] == block)
        assert ranks == list(range(len(ranks)))


def test_who_has_no_twin_has_a_reason(spark):
    rows = [("t1", True, "a", 1, 0.0), ("t2", True, "b", 2, 0.0), ("c2", False, "b", 3, 9.0)]
    matches = match_blocks(spark.createDataFrame(rows, SCORES), 0.5)
    ddl = "treated_person string, reason string"
    expected = spark.createDataFrame([("t1", NO_COMPARATOR), ("t2", NONE_FREE)], ddl)
    assert_df_equality(matches.select("treated_person", "reason"), expected, ignore_row_order=True)


def checked(spark: SparkSession, pairs, scores, met=ALL_MET, caliper=0.5) -> dict[str, int]:
    people = [(row[0], row[1], met) for row in scores]
    found = count_broken(
        spark.createDataFrame(pairs, ", ".join(f"{f.name} {t}" for f, t in zip(MATCHES, TYPES, strict=True))),
        spark.createDataFrame(scores, SCORES),
        spark.createDataFrame(people, "person_id string, treated boolean, met bigint"),
        PROTOCOL,
        caliper,
    )
    return found.toArrow().to_pylist()[0]


TYPES = ("string", "bigint", "string", "string", "double", "string")
GOOD = [("a", 0, "t1", "c1", 0.1, None), ("a", 1, "t2", "c2", 0.1, None)]
SCORED = [("t1", True, "a", 1, 0.0), ("t2", True, "a", 2, 1.0), ("c1", False, "a", 3, 0.1), ("c2", False, "a", 4, 1.1)]


def test_a_sound_match_breaks_nothing(spark):
    assert checked(spark, GOOD, SCORED) == {"pairs": 2, **dict.fromkeys(INVARIANTS, 0)}


@pytest.mark.parametrize(
    ("name", "pairs", "scores", "met"),
    [
        ("outside_block", GOOD, [*SCORED[:3], ("c2", False, "b", 4, 1.1)], ALL_MET),
        ("outside_caliper", [("a", 0, "t1", "c2", 0.1, None)], SCORED, ALL_MET),
        ("used_twice", [GOOD[0], ("a", 1, "t2", "c1", 0.1, None)], SCORED, ALL_MET),
        ("wrong_arm", [("a", 0, "c1", "t1", 0.1, None)], SCORED, ALL_MET),
        ("not_eligible", GOOD, SCORED, 1),
    ],
)
def test_a_broken_match_is_caught_by_name(spark, name, pairs, scores, met):
    assert checked(spark, pairs, scores, met)[name] > 0


def test_members_of_pairs(spark):
    matches = spark.createDataFrame(
        [*GOOD, ("a", None, "t3", None, None, "none")],
        ", ".join(f"{f.name} {t}" for f, t in zip(MATCHES, TYPES, strict=True)),
    )
    members = build_pair_members(keep_pairs(matches)).select("rank", "person_id", "treated").orderBy("rank", "treated")
    assert [tuple(row) for row in members.collect()] == [
        (0, "c1", False), (0, "t1", True), (1, "c2", False), (1, "t2", True)
    ]  # fmt: skip
