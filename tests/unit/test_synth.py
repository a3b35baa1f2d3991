"""The feed of a planted population: the same members however it is cut, real codes for the day, faults counted."""

import csv
from collections import Counter
from importlib import resources

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from claimtwin.codes.rules import classify_diagnoses, group_names
from claimtwin.errors import ConfigError
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth import NO_DIRT, Fills, SynthSpec, checked_spec, opioid_codes, truth_of
from claimtwin.synth.catalogue import BODIES, CONDITIONS
from claimtwin.synth.dirt import FAULTS
from claimtwin.synth.draws import Draws
from claimtwin.synth.feed import generate
from claimtwin.synth.fills import count_opioids, mean_after_first
from claimtwin.synth.people import draw_people
from claimtwin.synth.spec import REFUSED

SPEC = SynthSpec(members=1500)
CLEAN = SynthSpec(members=1500, dirt=NO_DIRT)
ALL_DIRT = SynthSpec(members=600, dirt=NO_DIRT.model_copy(update=dict.fromkeys(REFUSED, 0.2)))


@pytest.fixture(scope="module")
def feed() -> dict[str, pa.Table]:
    return generate(CLEAN, 0, CLEAN.members)


def test_ranges_put_together_are_the_whole_range() -> None:
    whole = generate(ALL_DIRT, 0, 300)
    parts = [generate(ALL_DIRT, first, stop) for first, stop in ((0, 1), (1, 77), (77, 77), (77, 300))]
    for name in CONTRACTS:
        assert pa.concat_tables([part[name] for part in parts]).equals(whole[name])


def test_a_member_is_the_same_in_a_population_of_any_size() -> None:
    small, huge = SynthSpec(members=10_000), SynthSpec(members=100_000_000)
    assert generate(small, 4000, 4100) == generate(huge, 4000, 4100)
    assert generate(huge, 99_999_990, 100_000_000)["eligibility"].num_rows >= 10


def test_every_column_is_a_text_of_the_contract_and_keys_are_unique(feed: dict[str, pa.Table]) -> None:
    for name, contract in CONTRACTS.items():
        assert tuple(feed[name].column_names) == contract.names
        assert set(feed[name].schema.types) == {pa.string()}
        keys = feed[name].select(list(contract.key)).to_pylist()
        assert len({tuple(key.values()) for key in keys}) == len(keys) > 0


def test_ids_look_as_documented(feed: dict[str, pa.Table]) -> None:
    assert pc.match_substring_regex(feed["eligibility"]["person_id"], r"^P\d{9}$").to_pylist().count(False) == 0
    employers = set(feed["eligibility"]["employer_id"].to_pylist())
    assert employers == {f"E{number:03d}" for number in range(1, 13)}


def test_all_census_regions_plans_and_shapes_of_enrolment_occur(feed: dict[str, pa.Table]) -> None:
    spans = feed["eligibility"].to_pylist()
    assert {"NY", "IL", "TX", "CA"} <= {span["state"] for span in spans}
    assert {span["gender"] for span in spans} == {"female", "male"}
    carved = {span["employer_id"] for span in spans if span["pharmacy_coverage"] == "false"}
    assert carved == {"E009"}
    assert {span["employer_id"] for span in spans if span["pharmacy_coverage"] == "true"} == {
        f"E{number:03d}" for number in range(1, 13)
    } - carved
    per_person = Counter(span["person_id"] for span in spans)
    assert set(per_person.values()) == {1, 2}
    assert sum(span["enrollment_end_date"] is None for span in spans) > 100


def test_nobody_has_a_claim_on_a_day_without_enrolment(feed: dict[str, pa.Table]) -> None:
    spans: dict[str, list[tuple[str, str, str]]] = {}
    for row in feed["eligibility"].to_pylist():
        end = row["enrollment_end_date"] or "9999-12-31"
        spans.setdefault(row["person_id"], []).append((row["enrollment_start_date"], end, row["pharmacy_coverage"]))
    for name, column in (("medical_claim", "claim_start_date"), ("pharmacy_claim", "dispensing_date")):
        for row in feed[name].select(["person_id", column]).to_pylist():
            held = [pharmacy for start, end, pharmacy in spans[row["person_id"]] if start <= row[column] <= end]
            assert held and (name == "medical_claim" or "true" in held)


def test_low_back_pain_is_coded_as_it_was_on_the_day(feed: dict[str, pa.Table]) -> None:
    claims = feed["medical_claim"].select(["claim_start_date", "diagnosis_code_1"]).to_pylist()
    old = [row["claim_start_date"] for row in claims if row["diagnosis_code_1"] == "M545"]
    new = [row["claim_start_date"] for row in claims if row["diagnosis_code_1"] in ("M5450", "M5459")]
    assert max(old) < "2021-10-01" <= min(new)


def test_diagnoses_mean_to_the_study_what_they_mean_here() -> None:
    text = (resources.files("claimtwin.synth") / "diagnoses.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    eras = (("icd9", "icd-9-cm"), ("icd10", "icd-10-cm"), ("from_2021_10", "icd-10-cm"), ("from_2024_10", "icd-10-cm"))
    for column, system in eras:
        codes = [row[column] for row in rows]
        bodies = classify_diagnoses(codes, "body_regions", system).tolist()
        groups = classify_diagnoses(codes, "comorbidities", system).tolist()
        names = (*group_names("body_regions"), None), (*group_names("comorbidities"), None)
        for row, body, group in zip(rows, bodies, groups, strict=True):
            assert names[0][body] == (row["theme"] if row["theme"] in BODIES else None)
            assert names[1][group] == (row["theme"] if row["theme"] in CONDITIONS else None)


def test_opioid_codes_are_eleven_made_up_digits_and_both_kinds_of_drug_are_dispensed(feed: dict[str, pa.Table]) -> None:
    codes = opioid_codes()
    assert len(set(codes)) == len(codes) and all(len(code) == 11 and code.startswith("99999") for code in codes)
    dispensed = set(feed["pharmacy_claim"]["ndc_code"].to_pylist())
    assert len(dispensed & set(codes)) > 3
    assert len(dispensed - set(codes)) > 3


def test_faulty_rows_stand_beside_the_good_ones_and_are_counted() -> None:
    counts = truth_of(ALL_DIRT).dirt
    good, all_rows = (generate(spec, 0, ALL_DIRT.members) for spec in (CLEAN, ALL_DIRT))
    for name in CONTRACTS:
        clean = Counter(tuple(row.values()) for row in good[name].to_pylist())
        found = Counter(tuple(row.values()) for row in all_rows[name].to_pylist())
        assert not clean - found
        added = found - clean
        repeated = sum(n for row, n in added.items() if row in clean)
        assert sum(added.values()) == sum(counts[name].values())
        assert repeated == counts[name]["duplicate"] > 0
        assert sum(row[CONTRACTS[name].names.index("person_id")] is None for row in added) > 0


@pytest.mark.parametrize("kind", REFUSED)
def test_each_kind_of_dirt_has_its_own_switch(kind: str) -> None:
    spec = SynthSpec(members=300, dirt=NO_DIRT.model_copy(update={kind: 0.5}))
    counts = truth_of(spec).dirt
    for name in CONTRACTS:
        assert {k for k, n in counts[name].items() if n} == ({kind} & {*FAULTS[name], "duplicate"})


def test_fills_hit_the_published_means_and_spreads() -> None:
    # Published: 7.89 % and 13.64 % begin; 16.73 and 22.36 fills per 100; spreads 0.867 and 0.783 per person.
    people, fills = draw_people(CLEAN, 0, 150_000), Fills()
    counts = count_opioids(Draws(CLEAN.seed), people, fills)
    for arm, share, bands in (
        (1, 0.0789, ((14.28, 19.31), (0.71, 1.03))),
        (2, 0.13635, ((20.02, 24.70), (0.68, 0.89))),
    ):
        filled = counts[(people.arm == arm) & people.begins]
        mean, square = share * filled.mean(), share * (filled.astype(float) ** 2).mean()
        assert bands[0][0] < 100 * mean < bands[0][1]
        assert bands[1][0] < np.sqrt(square - mean**2) < bands[1][1]
    assert [1 + more for more in mean_after_first(fills)] == pytest.approx([2.12, 1.64], abs=0.001)
    assert counts[~people.begins].max() == 0 and counts[people.begins].min() == 1


def test_a_bad_specification_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as told:
        checked_spec({"members": 0, "memberz": 5, "dirt": {"bad_ndc": 1.5}, "cause": {"severity": -1}})
    for name in ("synth: members", "synth: memberz", "synth: dirt.bad_ndc", "synth: cause.severity"):
        assert name in str(told.value)


def test_a_population_without_an_arm_has_no_truth() -> None:
    with pytest.raises(ConfigError, match="Nobody in one of the arms"):
        truth_of(SynthSpec(members=50, pool=0.0))
