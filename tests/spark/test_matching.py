"""Matching in Spark gives the kernel's pairs in every block, and a broken match is caught by name."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from claimtwin.config.load import load_configuration
from claimtwin.config.matching import Matching
from claimtwin.errors import InputError
from claimtwin.kernel.matching import Rules, Units, choose_twins, match_units
from claimtwin.kernel.matching.shape import pooled_whitening
from claimtwin.spark import pairing
from claimtwin.spark.invariants import INVARIANTS, count_broken
from claimtwin.spark.packing import Places, pack_batches, pack_people, unpack_people
from claimtwin.spark.pairing import (
    MATCHES,
    NO_COMPARATOR,
    NONE_FREE,
    PLAIN,
    _match_place,
    build_pair_members,
    keep_pairs,
    match_blocks,
)
from claimtwin.spark.ranges import match_all
from claimtwin.study.match_stage import find_places, match_study
from pyspark.sql import SparkSession

NARROW = Rules(caliper=0.1)
SCORES = "person_id string, treated boolean, block string, tie_key bigint, logit double"
PROTOCOL = load_configuration("desynpuf_pt_vs_chiropractic", "desynpuf")[0]
ALL_MET = 2**16 - 1


def units(n: int = 400) -> list[tuple[object, ...]]:
    dice = np.random.default_rng(11)
    treated, block = dice.random(n) < 0.3, dice.choice(["east", "west"], n)
    logit = np.round(dice.normal(0, 1, n), 2)
    columns = zip(treated.tolist(), block.tolist(), dice.permutation(n).tolist(), logit.tolist(), strict=True)
    return [(f"p{k:04d}", *column) for k, column in enumerate(columns)]


def matched(scores, rules=NARROW, **more) -> list[tuple[object, ...]]:
    """All rows of a match, in an order of their own; equal lists are equal tables."""
    rows = match_all(scores, rules, **more).toArrow().to_pylist()
    assert {row.pop("envious") for row in rows} <= {0, None}
    return sorted((tuple(row.values()) for row in rows), key=str)


def by_kernel(rows, rules=NARROW, **columns) -> dict[str, list[tuple[str, str, float]]]:
    """Pairs of each block in their order, from one match over everybody with the block as an exact column."""
    rows = sorted(rows)
    person, treated, block, tie, logit = (np.array(column) for column in zip(*(row[:5] for row in rows), strict=True))
    names, code = np.unique(block, return_inverse=True)
    match = match_units(Units.of(treated, logit, tie, code, **columns), rules)
    couples = zip(match.treated, match.control, match.distance, strict=True)
    found = {str(name): [] for name in names}
    for t, c, distance in couples:
        found[str(block[t])].append((str(person[t]), str(person[c]), float(distance)))
    return found


def pairs_of(found) -> dict[str, list[tuple[str, str, float]]]:
    pairs = {str(row[0]): [] for row in found}
    for block, _, treated, twin, distance, *_ in sorted((row for row in found if row[3]), key=lambda row: row[:2]):
        pairs[block].append((treated, twin, distance))
    return pairs


PLACES = Places(frozenset(["west"]), {"east": [-1.0, -0.25, 0.5, 0.51, 1.25]})


@pytest.mark.parametrize("partitions", [1, 7, 64])
def test_the_match_is_that_of_one_kernel_in_any_partitions_cut_or_not(spark, partitions, monkeypatch):
    monkeypatch.setattr("claimtwin.spark.ranges.PART", 16)
    scores = pack_people(spark.createDataFrame(units(), SCORES).repartition(partitions))
    whole = matched(scores, distance=PLAIN, places=Places())
    assert pairs_of(whole) == by_kernel(units())
    assert matched(scores, distance=PLAIN, places=PLACES) == whole
    assert len(whole) == sum(1 for row in units() if row[1])
    for block, pairs in pairs_of(whole).items():
        assert sorted(row[1] for row in whole if row[0] == block and row[3]) == list(range(len(pairs)))


def test_smallest_first_in_ranges_found_by_the_study(spark):
    """The bound of 50 people makes both blocks too large for a task, so that the study cuts them itself."""
    scores = pack_people(spark.createDataFrame(units()[::-1], SCORES).repartition(3))
    rules = Rules(order="smallest", caliper=0.1)
    places = find_places(scores, rules, PLAIN, 50)
    assert {name: len(cuts) > 8 for name, cuts in places.cuts.items()} == {"east": True, "west": True}
    assert pairs_of(matched(scores, rules, distance=PLAIN, places=places)) == by_kernel(units(), rules)


def test_mahalanobis_inside_a_score_caliper_and_a_covariate_caliper(spark):
    """Distances come from sums of decimals here and from numpy there, so they agree closely and pairs fully."""
    dice = np.random.default_rng(2)
    x = np.column_stack([dice.normal(50, 12, 400).round(), dice.exponential(3, 400).round(), dice.integers(0, 9, 400)])
    rows = [(*row, *map(float, x[k])) for k, row in enumerate(units())]
    names = ("age", "office_visits", "imaging_visits")
    scores = spark.createDataFrame(rows, f"{SCORES}, {', '.join(f'{name} double' for name in names)}").repartition(5)
    scores = pack_people(scores, names)
    asked = Matching(distance="mahalanobis", distance_covariates=list(names), covariate_calipers={"age": 10})
    found = pairs_of(matched_as(scores, asked, 0.4))
    treated = np.array([row[1] for row in rows])
    space, rules = x @ pooled_whitening(x, treated), Rules(caliper=0.4, widths=(10.0,))
    expected = by_kernel(rows, rules, near=x[:, :1], space=space)
    assert {b: [p[:2] for p in pairs] for b, pairs in found.items()} == {
        b: [p[:2] for p in pairs] for b, pairs in expected.items()
    }
    assert [p[2] for p in found["east"]] == pytest.approx([p[2] for p in expected["east"]], rel=1e-9)
    assert len(found["east"]) > 20 and found != by_kernel(rows, Rules(caliper=0.4))


def matched_as(scores, asked: Matching, caliper: float | None) -> list[tuple[object, ...]]:
    frame = match_study(scores, asked, caliper, seed=7, split_above=10_000)
    return [tuple(row.values()) for row in frame.toArrow().to_pylist()]


def test_a_caliper_of_each_blocks_own_spread(spark):
    """West's scores are made ten times as narrow; places and partitions move nobody, and invariants measure anew."""
    rows = [(*row[:4], row[4] / 10 if row[2] == "west" else row[4]) for row in units()]
    asked = Matching(caliper_sd=0.1, caliper_sd_of="block")
    expected = {}
    for block in ("east", "west"):
        own = [row for row in rows if row[2] == block]
        expected |= by_kernel(own, Rules(caliper=0.1 * float(np.std(sorted(row[4] for row in own), ddof=1))))
    frame = spark.createDataFrame(rows, SCORES)
    found = matched_as(pack_people(frame.repartition(7)), asked, None)
    assert pairs_of(found) == expected and len(expected["west"]) > 20
    assert expected != by_kernel(rows, Rules(caliper=0.1 * float(np.std([row[4] for row in rows], ddof=1))))
    protocol = PROTOCOL.model_copy(update={"matching": asked})
    pairs = [row for row in found if row[3]]
    assert checked(spark, pairs, rows, caliper=None, protocol=protocol)["outside_caliper"] == 0
    narrower = PROTOCOL.model_copy(update={"matching": asked.model_copy(update={"caliper_sd": 0.05})})
    assert checked(spark, pairs, rows, caliper=None, protocol=narrower)["outside_caliper"] > 0
    with pytest.raises(InputError, match="cannot be cut"):
        match_study(pack_people(frame), asked, None, 7, split_above=150)


@pytest.mark.parametrize(
    "asked",
    [
        Matching(order="closest"),
        Matching(distance="mahalanobis", distance_covariates=["age"]),
        Matching(caliper_sd=None),
    ],
)
def test_a_block_that_no_task_can_hold_is_refused_with_its_size_and_what_to_do(spark, asked):
    scores = spark.createDataFrame([(*row, 1.0 * k) for k, row in enumerate(units())], f"{SCORES}, age double")
    scores = pack_people(scores, ["age"])
    caliper = None if asked.caliper_sd is None else 0.1
    largest = max(sum(row[2] == block for row in units()) for block in ("east", "west"))
    with pytest.raises(InputError) as caught:
        match_study(scores, asked, caliper, 7, split_above=150)
    assert f"A block has {largest} people" in caught.value.what
    assert all(word in caught.value.remedy for word in ("block_keys", "caliper", "split_above"))
    assert "east" not in str(caught.value) and "west" not in str(caught.value)


def pieces_of(people: pa.Table) -> pa.Table:
    return pa.Table.from_batches(list(pack_batches((), iter(people.to_batches(max_chunksize=50)))))


def test_shared_tie_keys_fall_by_id_whatever_the_rows_order():
    """All scores and tie keys are one, so that ids alone decide."""
    people = pa.table({
        "person_id": ["d", "b", "a", "c"], "treated": [True, False, True, False], "block": ["x"] * 4,
        "tie_key": [5] * 4, "logit": [0.0] * 4,
    })  # fmt: skip
    for order in ([0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0]):
        rows = _match_place(Rules(), PLAIN, 0, pieces_of(people.take(order))).to_pylist()
        assert [(row["treated_person"], row["comparator_person"]) for row in rows] == [("a", "b"), ("d", "c")]


def test_a_match_that_is_not_the_greedy_one_is_counted(monkeypatch):
    def exchanged(units, rules, blocks):
        pairs = choose_twins(units, rules, blocks)
        return replace(pairs, control=pairs.control[::-1], distance=pairs.distance[::-1])

    monkeypatch.setattr(pairing, "choose_twins", exchanged)
    columns = zip(*units(60), strict=True)
    people = pa.table(dict(zip(("person_id", "treated", "block", "tie_key", "logit"), columns, strict=True)))
    rows = _match_place(Rules(), PLAIN, 0, pieces_of(people))
    assert rows["envious"][0].as_py() > 0 and set(rows["envious"].to_pylist()[1:]) == {None}
    monkeypatch.undo()
    assert _match_place(Rules(), PLAIN, 0, pieces_of(people))["envious"][0].as_py() == 0


def test_people_come_out_of_their_pieces_as_they_went_in(spark):
    rows = [(*row, float(k)) for k, row in enumerate(units(50))]
    frame = spark.createDataFrame(rows, f"{SCORES}, age double")
    packed = pack_people(frame.repartition(3), ["age"])
    assert_df_equality(
        unpack_people(packed, ["age"]).select(frame.columns), frame, ignore_row_order=True, ignore_nullable=True
    )
    counted = packed.groupBy("block").agg({"n": "sum", "n_treated": "sum"}).toArrow().to_pylist()
    assert {row["block"]: (row["sum(n)"], row["sum(n_treated)"]) for row in counted} == {
        block: (sum(r[2] == block for r in rows), sum(r[2] == block and r[1] for r in rows))
        for block in ("east", "west")
    }


def test_who_has_no_twin_has_a_reason(spark):
    rows = [("t1", True, "a", 1, 0.0), ("t2", True, "b", 2, 0.0), ("c2", False, "b", 3, 9.0)]
    matches = match_blocks(pack_people(spark.createDataFrame(rows, SCORES)), Rules(caliper=0.5))
    ddl = "treated_person string, reason string"
    expected = spark.createDataFrame([("t1", NO_COMPARATOR), ("t2", NONE_FREE)], ddl)
    assert_df_equality(matches.select("treated_person", "reason"), expected, ignore_row_order=True)


def checked(spark: SparkSession, pairs, scores, met=ALL_MET, caliper=0.5, protocol=PROTOCOL) -> dict[str, int]:
    people = [(row[0], row[1], met) for row in scores]
    found = count_broken(
        spark.createDataFrame(pairs, ", ".join(f"{f.name} {t}" for f, t in zip(MATCHES, TYPES, strict=True))),
        spark.createDataFrame(scores, SCORES),
        spark.createDataFrame(people, "person_id string, treated boolean, met bigint"),
        protocol,
        caliper,
    )
    return found.toArrow().to_pylist()[0]


TYPES = ("string", "bigint", "string", "string", "double", "string", "bigint", "bigint", "bigint")
ONE = (1, 1)
GOOD = [("a", 0, "t1", "c1", 0.1, None, 0, *ONE), ("a", 1, "t2", "c2", 0.1, None, None, *ONE)]
SCORED = [("t1", True, "a", 1, 0.0), ("t2", True, "a", 2, 1.0), ("c1", False, "a", 3, 0.1), ("c2", False, "a", 4, 1.1)]


def test_a_sound_match_breaks_nothing(spark):
    assert checked(spark, GOOD, SCORED) == {"pairs": 2, "twins": 2, **dict.fromkeys(INVARIANTS, 0)}


@pytest.mark.parametrize(
    ("name", "pairs", "scores", "met"),
    [
        ("outside_block", GOOD, [*SCORED[:3], ("c2", False, "b", 4, 1.1)], ALL_MET),
        ("outside_caliper", [("a", 0, "t1", "c2", 0.1, None, 0, *ONE)], SCORED, ALL_MET),
        ("used_twice", [GOOD[0], ("a", 1, "t2", "c1", 0.1, None, None, *ONE)], SCORED, ALL_MET),
        ("wrong_arm", [("a", 0, "c1", "t1", 0.1, None, 0, *ONE)], SCORED, ALL_MET),
        ("not_eligible", GOOD, SCORED, 1),
        ("envious", [*GOOD, ("b", None, "t3", None, None, "none", 2, None, None)], SCORED, ALL_MET),
    ],
)
def test_a_broken_match_is_caught_by_name(spark, name, pairs, scores, met):
    assert checked(spark, pairs, scores, met)[name] > 0


def test_members_of_pairs(spark):
    matches = spark.createDataFrame(
        [*GOOD, ("a", None, "t3", None, None, "none", None, None, None)],
        ", ".join(f"{f.name} {t}" for f, t in zip(MATCHES, TYPES, strict=True)),
    )
    members = build_pair_members(keep_pairs(matches)).select("rank", "person_id", "treated").orderBy("rank", "treated")
    assert [tuple(row) for row in members.collect()] == [
        (0, "c1", False), (0, "t1", True), (1, "c2", False), (1, "t2", True)
    ]  # fmt: skip
