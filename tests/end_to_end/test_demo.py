"""The whole way on made-up claims: what was planted is found, what was spoilt is refused, nothing is lost."""

import csv
import json
from collections import defaultdict
from datetime import timedelta

import pytest
from claimtwin.report.answer import judged
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.frames import synth_frames
from claimtwin.synth.people import draw_people
from claimtwin.synth.spec import checked_spec
from deltalake import DeltaTable


def test_the_planted_truth_lies_in_the_interval_and_the_crude_one_does_not_mislead(demo):
    truth, row = demo.result.results["truth"], judged(demo.result.results)
    assert not row["adjusted"]
    assert row["low"] <= truth["odds_ratio"] <= row["high"]


def test_the_truth_among_the_matched_is_that_of_the_pairs_of_the_study(demo):
    """The generator matches in one process; the study on Spark finds the same pairs."""
    told = json.loads((demo.folder / "truth.json").read_text())
    rows = rows_of(demo, "jpr_s412081/matches", ["treated_person", "comparator_person"])
    numbers = sorted(int(row["treated_person"][1:]) for row in rows if row["comparator_person"])
    people = draw_people(checked_spec({"members": 4000, "employers": 12, "seed": 3}), 0, 4000)
    for risk, name in ((people.risk_with, "risk_treated"), (people.risk_without, "risk_comparator")):
        assert told["scales"]["matched"][name] == pytest.approx(100 * risk[numbers].mean() / CERTAIN, rel=1e-9)


def test_balance_gets_better(demo):
    worst = {
        when: max(abs(row["smd"]) for row in demo.result.results["balance"] if row["when"] == when)
        for when in ("before", "after")
    }
    assert worst["before"] > 0.2
    assert worst["after"] < worst["before"] / 2
    matching = demo.result.results["matching"]
    sizes = [(row["treated"], row["comparator"]) for row in matching["effective"]]
    assert sizes == [(matching["treated"], matching["comparators"]), (matching["pairs"], matching["pairs"])]


def test_exactly_the_spoilt_rows_are_refused(demo):
    planted = json.loads((demo.folder / "truth.json").read_text())["dirt"]
    for name, kinds in planted.items():
        rejected, accepted = demo.table(f"rejected_{name}").count(), demo.table(name).count()
        assert rejected == sum(kinds.values()), name
        assert accepted + rejected == demo.spark.read.format("delta").load(f"{demo.folder}/feed/{name}").count()


def test_outcomes_equal_counting_by_hand(demo):
    """Reads the tables with another program and counts fills of days 1 to 365 pair by pair."""
    opioids = set(opioid_codes())
    fills = defaultdict(list)
    for row in rows_of(demo, "pharmacy_claim", ["person_id", "dispensing_date", "ndc_code"]):
        if row["ndc_code"] in opioids:
            fills[row["person_id"]].append(row["dispensing_date"])
    index = {
        (row["person_id"], row["treated"]): row["index_date"]
        for row in rows_of(demo, "jpr_s412081/candidates", ["person_id", "treated", "index_date"])
    }
    pairs = [
        row
        for row in rows_of(demo, "jpr_s412081/matches", ["treated_person", "comparator_person"])
        if row["comparator_person"]
    ]
    shown = {(row["outcome"], row["arm"]): row for row in demo.result.results["outcomes"]}
    for arm, treated in (("treated", True), ("comparator", False)):
        counts = [count_after(fills, index, pair[f"{arm}_person"], treated) for pair in pairs]
        assert shown["any_opioid", arm]["people"] == sum(count > 0 for count in counts)
        assert shown["opioid_fills", arm]["total"] == sum(counts)
        assert shown["any_opioid", arm]["n"] == len(pairs)


def test_lines_and_people_of_a_code_list_equal_counting_by_hand(demo):
    """Of fills of the opioid list in the feed's tables; shown rounded down to a multiple of 11."""
    people = [
        row["person_id"]
        for row in rows_of(demo, "pharmacy_claim", ["person_id", "ndc_code"])
        if row["ndc_code"] in opioid_codes()
    ]
    lines = (demo.result.folder / "tables" / "code_lists.csv").read_text().splitlines()
    shown = next(row for row in csv.DictReader(lines) if row["list"] == "opioid")
    assert (int(shown["lines"]), int(shown["people"])) == (len(people) // 11 * 11, len(set(people)) // 11 * 11)
    assert not any(code in line for code in opioid_codes() for line in demo.said)


def count_after(fills, index, person, treated):
    start = index[person, treated]
    return sum(start < day <= start + timedelta(365) for day in fills[person])


def rows_of(demo, name, columns):
    return DeltaTable(f"{demo.env.tables}/{name}").to_pyarrow_table(columns=columns).to_pylist()


def test_the_same_seed_gives_the_same_rows_whatever_the_partitions(demo):
    spec = checked_spec({"members": 4000, "employers": 12, "seed": 3})
    frames = synth_frames(demo.spark, spec, partitions=7)
    for name in ("eligibility", "program_enrollment"):
        written = demo.spark.read.format("delta").load(f"{demo.folder}/feed/{name}")
        assert sorted(map(str, frames[name].collect())) == sorted(map(str, written.collect()))


def test_all_results_are_on_disk_and_nobody_is_named_in_them(demo):
    folder = demo.result.folder
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"results.json", "manifest.json", "report.html", "tables/balance.csv", "figures/love_plot.svg"} <= files
    people = {row["person_id"] for row in rows_of(demo, "jpr_s412081/candidates", ["person_id"])}
    for name in files:
        if name.endswith((".json", ".html", ".csv")):
            text = (folder / name).read_text()
            assert not any(person in text for person in list(people)[:200]), name


def test_counts_of_1_to_10_are_not_shown(demo):
    counts = [row["remaining"] for row in demo.result.results["attrition"]]
    counts += [block[name] for block in demo.result.results["matching"]["blocks"] for name in ("treated", "pairs")]
    counts += demo.result.results["overlap"]["treated"] + demo.result.results["overlap"]["comparator"]
    assert None in counts, "the study is small enough for something to be withheld"
    assert not any(count is not None and 1 <= count <= 10 for count in counts)


def test_the_manifest_names_what_was_read(demo):
    manifest = json.loads((demo.result.folder / "manifest.json").read_text())
    assert manifest["result_hash"] == demo.result.hash
    named = {row["table"].rsplit("/", 1)[-1]: row["version"] for row in manifest["tables"]}
    stages = {"candidates", "score_model", "scores", "matches", "outcomes"}
    assert named.keys() == {"member_blocks", "code_counts"} | stages
    for name in ("candidates", "matches"):
        assert DeltaTable(f"{demo.env.tables}/jpr_s412081/{name}").version() == named[name]
