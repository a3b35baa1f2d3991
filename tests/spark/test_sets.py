"""Matches with several twins on tables: who is a set, what must hold of it, and how it is summed."""

import numpy as np
import pytest
from claimtwin.config.load import load_configuration
from claimtwin.config.matching import Matching
from claimtwin.kernel.matching import Rules, Units, match_units
from claimtwin.spark.design import DesignColumn
from claimtwin.spark.invariants import count_broken, invariants_of
from claimtwin.spark.packing import pack_people
from claimtwin.spark.pairing import build_pair_members, keep_pairs, match_blocks
from claimtwin.spark.summaries import count_values, sum_balance
from claimtwin.study.counts import weighted_pairs
from pyspark.sql import functions as F

PROTOCOL = load_configuration("desynpuf_pt_vs_chiropractic", "desynpuf")[0].model_copy(
    update={"matching": Matching(ratio=3, floor=2)}
)
SCORES = "person_id string, treated boolean, block string, tie_key bigint, logit double"


def test_a_match_of_three_to_one(spark):
    dice = np.random.default_rng(4)
    n = 160
    treated, block = dice.random(n) < 0.3, dice.choice(["a", "b"], n)
    logit, tie = np.round(dice.normal(0, 1, n), 2), dice.permutation(n)
    rows = [(f"p{k:03d}", bool(treated[k]), str(block[k]), int(tie[k]), float(logit[k])) for k in range(n)]
    scores = spark.createDataFrame(rows, SCORES)
    rules = Rules(ratio=3, floor=2, caliper=0.3)
    matches = match_blocks(pack_people(scores), rules).cache()

    code = np.unique(block, return_inverse=True)[1]
    wanted = match_units(Units.of(treated, logit, tie, code), rules)
    many = np.bincount(wanted.treated)[wanted.treated]
    couples = {(f"p{t:03d}", f"p{c:03d}", int(r), int(m))
               for t, c, r, m in zip(wanted.treated, wanted.control, wanted.rank, many, strict=True)}  # fmt: skip
    found = keep_pairs(matches).toArrow().to_pylist()
    assert {(r["treated_person"], r["comparator_person"], r["nth"], r["twins"]) for r in found} == couples
    assert {2, 3} == set(many.tolist())
    by_set = {(r["block"], r["rank"]): r["treated_person"] for r in found}
    assert len(by_set) == len(set(by_set.values())) == len(set(wanted.treated.tolist()))
    assert {rank for name, rank in by_set if name == "a"} == set(range(sum(name == "a" for name, _ in by_set)))

    members = build_pair_members(keep_pairs(matches)).toArrow().to_pylist()
    assert len({row["person_id"] for row in members}) == len(members) == len(by_set) + len(couples)
    assert all((row["nth"] == 0) == row["treated"] for row in members)

    people = scores.select("person_id", "treated", F.lit(2**16 - 1).cast("bigint").alias("met"))
    counted = count_broken(matches, scores, people, PROTOCOL, 0.3).toArrow().to_pylist()[0]
    names = invariants_of(PROTOCOL)
    assert counted == {"pairs": len(by_set), "twins": len(couples), **dict.fromkeys(names, 0)}
    lost = matches.where(F.col("nth").isNull() | (F.col("nth") != 2))
    broken = count_broken(lost, scores, people, PROTOCOL, 0.1).toArrow().to_pylist()[0]
    assert broken["outside_ratio"] == len(by_set) and broken["outside_caliper"] > 0

    sides = np.sum(count_values(scores, keep_pairs(matches), ["logit"], 3).toArrow()["counts"].to_pylist(), axis=0)
    by_size = sides.reshape(4, 2, -1).sum(axis=2)
    sizes = np.bincount(many, minlength=4)
    assert by_size[1:, 0].tolist() == sizes[1:].tolist()
    assert by_size[1:, 1].tolist() == (sizes[1:] // np.arange(1, 4)).tolist()
    assert by_size[0].tolist() == [(~treated).sum() - len(many), treated.sum() - len(by_set)]

    column = DesignColumn("logit")
    sums = sum_balance(scores, keep_pairs(matches), [column], by=["twins"]).toArrow().to_pylist()
    pair = weighted_pairs([row for row in sums if row["matched"]], [column], PROTOCOL)["logit"]
    arms = [(pair.treated, logit[np.unique(wanted.treated)].mean()),
            (pair.comparator, np.average(logit[wanted.control], weights=1 / many))]  # fmt: skip
    for arm, mean in arms:
        assert (arm.mean, arm.n) == pytest.approx((mean, len(by_set)))
