"""Attrition, balance, overlap and blocks against counting by hand."""

import math

import pytest
from claimtwin.spark.design import DesignColumn
from claimtwin.spark.summaries import count_attrition, count_blocks, count_overlap, count_steps, sum_balance

CANDIDATES = [("a", True, 0b111), ("b", True, 0b110), ("c", True, 0b011), ("d", False, 0b101), ("e", False, 0b111)]


def test_attrition_in_order_and_with_each_criterion_dropped(spark):
    people = spark.createDataFrame(CANDIDATES, "person_id string, treated boolean, met bigint")
    rows = {row["treated"]: row for row in count_attrition(people, ["x", "y", "z"]).toArrow().to_pylist()}
    treated = rows[True]
    assert (treated["n"], treated["left_0"], treated["left_1"], treated["left_2"]) == (3, 2, 2, 1)
    assert (treated["without_0"], treated["without_1"], treated["without_2"]) == (2, 1, 2)
    assert (rows[False]["n"], rows[False]["left_2"], rows[False]["without_1"]) == (2, 1, 2)


def test_balance_sums_are_exact_in_any_order(spark):
    people = [(f"p{k}", k % 2 == 0, 0.1 * k, "male" if k % 3 else "female") for k in range(60)]
    frame = spark.createDataFrame(people, "person_id string, treated boolean, log_allowed double, sex string")
    pairs = spark.createDataFrame(
        [("a", k, f"p{2 * k}", f"p{2 * k + 1}", 1, 1) for k in range(10)],
        "block string, rank bigint, treated_person string, comparator_person string, nth bigint, twins bigint",
    )
    columns = [DesignColumn("log_allowed"), DesignColumn("sex", "male")]
    found = [
        sorted(map(str, sum_balance(frame.repartition(n), pairs, columns).toArrow().to_pylist())) for n in (1, 2, 7)
    ]
    assert found[0] == found[1] == found[2]
    rows = sum_balance(frame, pairs, columns).toArrow().to_pylist()
    matched = next(row for row in rows if row["treated"] and row["matched"])
    asked = [person for person in people if person[1]][:10]
    assert matched["n"] == 10
    assert float(matched["sum_0"]) == pytest.approx(math.fsum(person[2] for person in asked), abs=1e-9)
    assert float(matched["square_0"]) == pytest.approx(math.fsum(person[2] ** 2 for person in asked), abs=1e-8)
    assert matched["sum_1"] == sum(person[3] == "male" for person in asked)


def test_overlap_bins_are_twentieths_of_the_score(spark):
    scores = [(True, math.log(p / (1 - p))) for p in (0.01, 0.26, 0.999)] + [(False, 0.0)]
    rows = count_overlap(spark.createDataFrame(scores, "treated boolean, logit double")).toArrow().to_pylist()
    assert {(row["treated"], row["bin"]): row["n"] for row in rows} == {
        (True, 0): 1, (True, 5): 1, (True, 19): 1, (False, 10): 1
    }  # fmt: skip


def test_blocks_count_candidates_and_pairs(spark):
    scores = spark.createDataFrame(
        [("a", True), ("a", True), ("a", False), ("b", False)], "block string, treated boolean"
    )
    rows = [("a", "c1", 1), ("a", "c2", 2), ("a", None, None)]
    matches = spark.createDataFrame(rows, "block string, comparator_person string, nth bigint")
    rows = sorted(count_blocks(scores, matches).toArrow().to_pylist(), key=lambda row: row["block"])
    assert [tuple(row.values()) for row in rows] == [("a", 2, 1, 1, 2), ("b", 0, 1, 0, 0)]


def test_steps_of_the_logit_are_counted_by_arm(spark):
    scores = [(True, 0.0), (True, 1.0 / 1024), (False, -0.0001), (False, 25.0), (False, 300.0)]
    rows = count_steps(spark.createDataFrame(scores, "treated boolean, logit double")).toArrow().to_pylist()
    assert {(row["treated"], row["step"]): row["n"] for row in rows} == {
        (True, 0): 1, (True, 1): 1, (False, -1): 1, (False, 20480): 2
    }  # fmt: skip
