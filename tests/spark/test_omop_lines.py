"""A small OMOP feed with everything that can be wrong in it: nothing is lost, and each day keeps its own diagnoses."""

from pathlib import Path

import pytest
from claimtwin.config.deployment import Ingest
from claimtwin.io.adapters.omop import NEEDED, read_omop
from pyspark.sql import SparkSession

from tests.support.feeds import accepted_rows, rejected_rows

pytestmark = pytest.mark.whole_way  # reads a whole feed

BACK = [f"M54.{k:02d}" for k in range(1, 14)]
"""Thirteen diagnoses of one day: one more than a line holds."""


def condition(number: int, day: str, visit: int | str, code: str, concept: int) -> dict[str, object]:
    return {"condition_occurrence_id": number, "person_id": 1, "condition_start_date": day,
            "visit_occurrence_id": visit, "condition_source_value": code, "condition_source_concept_id": concept,
            "condition_concept_id": 9}  # fmt: skip


def drug(number: int, code: str, concept: int) -> dict[str, object]:
    return {"drug_exposure_id": number, "person_id": 1, "drug_exposure_start_date": "2020-03-10", "quantity": 30,
            "days_supply": 10, "drug_source_value": code, "drug_source_concept_id": concept,
            "drug_concept_id": 5}  # fmt: skip


ROWS: dict[str, list[dict[str, object]]] = {
    "person": [{"person_id": 1, "gender_concept_id": 8507, "year_of_birth": 1980}],
    "observation_period": [{"person_id": 1, "observation_period_start_date": "2020-01-01",
                            "observation_period_end_date": "2020-12-31"}],
    "visit_occurrence": [{"visit_occurrence_id": 7, "visit_concept_id": 9201}],
    "concept": [{"concept_id": 100, "vocabulary_id": "ICD10CM"}, {"concept_id": 101, "vocabulary_id": "ICD9CM"},
                {"concept_id": 200, "vocabulary_id": "CPT4"}, {"concept_id": 300, "vocabulary_id": "NDC"},
                {"concept_id": 400, "vocabulary_id": "SNOMED"}],
    "condition_occurrence": [
        *(condition(k, "2020-03-10", 7, code, 100) for k, code in enumerate(BACK, 1)),
        condition(20, "2020-03-01", 7, "M25.50", 100),
        condition(21, "2020-03-10", 7, "724.2", 101),
        condition(22, "2020-05-01", "", "S13.4", 100),
        condition(30, "2020-05-01", 8, "T40.2X1A", 0),
        condition(31, "2020-05-01", 8, "22298006", 400),
        condition(32, "no day", 8, "M54.5", 100),
    ],
    "procedure_occurrence": [
        {"procedure_occurrence_id": 1, "person_id": 1, "procedure_date": "2020-03-10", "visit_occurrence_id": 7,
         "procedure_source_value": "97110", "procedure_source_concept_id": 200, "procedure_concept_id": 2},
        {"procedure_occurrence_id": 2, "person_id": 1, "procedure_date": "2020-03-12", "visit_occurrence_id": 7,
         "procedure_source_value": "97110", "procedure_source_concept_id": 200, "procedure_concept_id": 2},
    ],
    "drug_exposure": [drug(1, "00001000100", 300), drug(2, "x", 0)],
}  # fmt: skip
BROKEN = {"condition_occurrence": "40,1,2020-06-01,7,M54.5,100,1,one,field,too,many",
          "drug_exposure": "3,1,2020-04-01,30,10,,00001000100,300,5,EXTRA,FIELDS"}  # fmt: skip


@pytest.fixture(scope="module")
def judged(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list, list]]:
    folder = tmp_path_factory.mktemp("omop")
    for name, columns in NEEDED.items():
        lines = [",".join(columns), *(",".join(str(row.get(c, "")) for c in columns) for row in ROWS[name])]
        lines += [BROKEN[name]] if name in BROKEN else []
        Path(folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    feeds = {feed.table: feed for feed in read_omop(spark, Ingest(), str(folder))}
    return {name: (accepted_rows(feeds[name], Ingest()), rejected_rows(feeds[name], Ingest()))
            for name in ("medical_claim", "pharmacy_claim")}  # fmt: skip


def codes(row: dict) -> list[str]:
    return [row[f"diagnosis_code_{k}"] for k in range(1, 13) if row[f"diagnosis_code_{k}"]]


def test_each_day_and_coding_system_of_a_visit_keeps_its_diagnoses(judged) -> None:
    accepted, _ = judged["medical_claim"]
    lines = [(r["claim_id"], r["claim_line_number"], str(r["claim_start_date"]), r["hcpcs_code"],
              r["diagnosis_code_type"], codes(r)) for r in accepted]  # fmt: skip
    plain = [code.replace(".", "") for code in BACK]
    assert sorted(lines) == [
        ("7", 1, "2020-03-01", None, "icd-10-cm", ["M2550"]),
        ("7", 2, "2020-03-10", None, "icd-10-cm", plain[12:]),
        ("7", 3, "2020-03-10", None, "icd-9-cm", ["7242"]),
        ("7", 4, "2020-03-10", "97110", "icd-10-cm", plain[:12]),
        ("7", 5, "2020-03-12", "97110", None, []),
        ("condition_occurrence-22", 1, "2020-05-01", None, "icd-10-cm", ["S134"]),
    ]
    assert {r["place_of_service_code"] for r in accepted if r["claim_id"] == "7"} == {"21"}


def test_what_has_no_usable_code_or_day_or_line_is_refused_with_its_source(judged) -> None:
    _, rejected = judged["medical_claim"]
    told = {row["event_id"]: (row["rule_ids"], row["source_value"], row["source_concept_id"]) for row in rejected}
    assert {number: rules for number, (rules, _, _) in told.items()} == {
        "30": ["domain"], "31": ["domain"], "32": ["date_form"], "40": ["corrupt_line"],
    }  # fmt: skip
    assert told["31"][1:] == ("22298006", "400")
    assert {row["diagnosis_code_type"] for row in rejected} >= {"no vocabulary", "SNOMED"}


def test_a_broken_line_of_drugs_is_refused_once_and_a_refused_one_keeps_all_its_columns(judged) -> None:
    accepted, rejected = judged["pharmacy_claim"]
    assert [row["claim_id"] for row in accepted] == ["1"]
    assert sorted((row["drug_exposure_id"], row["rule_ids"]) for row in rejected) == [
        ("2", ["ndc_form"]), ("3", ["corrupt_line"]),
    ]  # fmt: skip
    assert {row["drug_concept_id"] for row in rejected} == {"5"}
