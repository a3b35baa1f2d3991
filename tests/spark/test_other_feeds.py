"""Tuva's input layer and OMOP tables against the same files read with the csv module alone."""

import csv
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from claimtwin.config.deployment import Ingest
from claimtwin.errors import ConfigError, InputError
from claimtwin.io.adapters.desynpuf import read_desynpuf
from claimtwin.io.adapters.omop import read_omop
from claimtwin.io.adapters.tuva import read_tuva

from tests.support.feeds import accepted_rows
from tests.support.shared import shared_data

pytestmark = pytest.mark.whole_way  # reads whole feeds


def rows_of(folder, name):
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def accepted(feeds, table):
    return accepted_rows(next(feed for feed in feeds if feed.table == table), Ingest())


@pytest.fixture(scope="module")
def tuva(spark):
    folder = shared_data("tuva-synthetic-10")
    return folder, read_tuva(spark, Ingest(), str(folder))


def test_every_tuva_row_is_accepted_with_its_own_values(tuva):
    folder, feeds = tuva
    lines, found = rows_of(folder, "medical_claim"), accepted(feeds, "medical_claim")
    assert len(found) == len(lines) == 2075
    by_line = {(r["claim_id"], r["claim_line_number"]): r for r in found}
    for line in lines:
        got = by_line[line["claim_id"], int(line["claim_line_number"])]
        first = line["claim_line_start_date"] or line["claim_start_date"]
        assert str(got["claim_start_date"]) == first
        assert got["diagnosis_code_type"] == ("icd-10-cm" if line["diagnosis_code_type"] else None)
        assert [got[f"diagnosis_code_{k}"] or "" for k in range(1, 13)] == [
            line[f"diagnosis_code_{k}"].replace(".", "") for k in range(1, 13)
        ]


def test_tuva_people_live_where_they_say_and_belong_to_their_group(tuva):
    folder, feeds = tuva
    people = accepted(feeds, "eligibility")
    assert len(people) == len(rows_of(folder, "eligibility")) == 31
    assert {row["employer_id"] for row in people} == {"4012022"}
    with (shared_data("geography") / "us_census_regions_divisions.csv").open(encoding="utf-8") as lines:
        letters = {row["State"]: row["State Code"] for row in csv.DictReader(lines)}
    said = Counter(letters[row["state"]] for row in rows_of(folder, "eligibility"))
    assert Counter(row["state"] for row in people) == said
    assert all(row["medical_coverage"] and row["pharmacy_coverage"] for row in people)


def test_tuva_fills_have_no_supply_and_are_kept(tuva):
    folder, feeds = tuva
    fills = accepted(feeds, "pharmacy_claim")
    assert len(fills) == len(rows_of(folder, "pharmacy_claim")) == 291
    assert {row["days_supply"] for row in fills} == {None}
    assert Counter(row["ndc_code"] for row in fills)["60505025301"] == 39


def test_a_missing_table_and_a_column_map_are_refused(spark, tmp_path):
    with pytest.raises(ConfigError):
        read_tuva(spark, Ingest(columns={"eligibility": {"person_id": "x"}}), str(tmp_path))
    with pytest.raises(InputError, match="no table eligibility; no table medical_claim"):
        read_tuva(spark, Ingest(), str(tmp_path))
    with pytest.raises(InputError, match="no table person"):
        read_omop(spark, Ingest(), str(tmp_path))


def day(number):
    return date(1970, 1, 1) + timedelta(days=int(float(number)))


def test_omop_drugs_are_fills_unless_they_are_services(omop, omop_rows):
    folder, _ = omop
    names = {row["concept_id"]: row["vocabulary_id"] for row in rows_of(folder, "concept")}
    drugs = [d for d in rows_of(folder, "drug_exposure") if names[d["drug_source_concept_id"]] == "NDC"]
    found = omop_rows["pharmacy_claim"]
    told = Counter((r["person_id"], r["dispensing_date"], r["ndc_code"], r["days_supply"]) for r in found)
    assert len(found) == 1896
    assert told == Counter(
        (d["person_id"], day(d["drug_exposure_start_date"]), d["drug_source_value"], int(float(d["days_supply"])))
        for d in drugs
    )


def test_omop_lines_carry_the_diagnoses_of_their_visit(omop, omop_rows):
    folder, _ = omop
    names = {row["concept_id"]: row["vocabulary_id"] for row in rows_of(folder, "concept")}
    diagnoses, services, visits = defaultdict(set), Counter(), set()
    for table, code, value in (
        ("condition_occurrence", "condition_source_concept_id", "condition_source_value"),
        ("procedure_occurrence", "procedure_source_concept_id", "procedure_source_value"),
        ("drug_exposure", "drug_source_concept_id", "drug_source_value"),
    ):
        for row in rows_of(folder, table):
            visit, kind = row["visit_occurrence_id"], names[row[code]]
            if kind == "ICD9CM":
                diagnoses[visit].add(row[value])
            elif kind != "NDC":
                services[visit, row[value] if kind in ("CPT4", "HCPCS") else None] += 1
                visits.add(visit)
    for visit in set(diagnoses) - visits:
        services[visit, None] += 1
    found = omop_rows["medical_claim"]
    assert Counter((row["claim_id"], row["hcpcs_code"]) for row in found) == services
    assert {row["diagnosis_code_type"] for row in found} == {"icd-9-cm", None}
    for row in found:
        codes = [row[f"diagnosis_code_{k}"] for k in range(1, 13) if row[f"diagnosis_code_{k}"]]
        own = diagnoses[row["claim_id"]]
        assert len(codes) == len(set(codes)) == min(len(own), 12)
        assert set(codes) <= own


def test_omop_people_are_those_of_the_periods(omop, omop_rows):
    folder, _ = omop
    people = {row["person_id"]: row for row in rows_of(folder, "person")}
    found = omop_rows["eligibility"]
    assert len(found) == 43
    deaths = {row["person_id"]: day(row["death_date"]) for row in rows_of(folder, "death")}
    assert {row["person_id"]: row["death_date"] for row in found if row["death_date"]} == deaths
    assert len(deaths) == 4
    for row in found:
        person = people[row["person_id"]]
        assert row["birth_date"].year == int(person["year_of_birth"])
        assert row["gender"] == {"8507": "male", "8532": "female"}[person["gender_concept_id"]]


@pytest.fixture(scope="module")
def mini(spark):
    """The folder of two beneficiaries that the OHDSI project converts by hand, and what an ingest of it accepts."""
    folder = shared_data("etl-cms-desynpuf-mini")
    feeds = read_desynpuf(spark, Ingest(), str(folder))
    return folder, {name: accepted(feeds, name) for name in ("medical_claim", "pharmacy_claim")}


def test_the_same_fills_come_out_of_desynpuf_and_of_its_published_omop_form(spark, tmp_path, mini):
    """The OHDSI project publishes what its own conversion makes of two beneficiaries: both ways end in one claim."""
    source, ours = mini
    for path in source.glob("output__*.csv"):
        shutil.copy(path, tmp_path / path.name.removeprefix("output__"))
    conditions = rows_of(tmp_path, "condition_occurrence")
    drugs = rows_of(tmp_path, "drug_exposure")
    concepts = {row["condition_source_concept_id"]: "ICD9CM" for row in conditions}
    (tmp_path / "death.csv").unlink()
    concepts |= {row["drug_source_concept_id"]: "NDC" for row in drugs}
    lines = ["concept_id,vocabulary_id", *(f"{number},{name}" for number, name in concepts.items())]
    (tmp_path / "concept.csv").write_text("\n".join(lines) + "\n")
    theirs = accepted(read_omop(spark, Ingest(), str(tmp_path)), "pharmacy_claim")
    told = [
        sorted((r["person_id"], r["dispensing_date"], r["ndc_code"], r["quantity"], r["days_supply"]) for r in rows)
        for rows in (theirs, ours["pharmacy_claim"])
    ]
    assert told[0] == told[1]
    assert len(told[0]) == len(drugs) == 2


def test_the_same_diagnoses_and_procedures_stand_on_each_claim_of_both_forms(mini):
    """What the two share. Admitting diagnoses and ICD-9 procedures are in the OHDSI conversion only; one code of it has
    lost its leading zero (416 for the 0416 of the claim), and one observation names a person who is not in the files.
    """
    folder, ours = mini
    claim_of = {v["visit_occurrence_id"]: v["visit_source_value"] for v in rows_of(folder, "output__visit_occurrence")}
    diagnoses, procedures = defaultdict(set), Counter()
    for kind, table in (("condition", "condition_occurrence"), ("observation", "observation")):
        for row in rows_of(folder, f"output__{table}"):
            code = row[f"{kind}_source_value"].replace("416", "0416")
            day = row["condition_start_date" if kind == "condition" else "observation_date"]
            diagnoses[claim_of[row["visit_occurrence_id"]]].add((day, code))
    for row in rows_of(folder, "output__procedure_occurrence"):
        claim, code = claim_of[row["visit_occurrence_id"]], row["procedure_source_value"]
        if code.startswith("V"):
            diagnoses[claim].add((row["procedure_date"], code))
        else:
            procedures[claim, row["procedure_date"], code] += 1
    with next(folder.glob("*Inpatient*")).open(newline="") as lines:
        for row in csv.DictReader(lines):
            day = f"{row['CLM_FROM_DT'][:4]}-{row['CLM_FROM_DT'][4:6]}-{row['CLM_FROM_DT'][6:]}"
            diagnoses[row["CLM_ID"]].remove((day, row["ADMTNG_ICD9_DGNS_CD"]))
            procedures -= Counter({(row["CLM_ID"], day, row["ICD9_PRCDR_CD_1"]): 1})
    found, done = defaultdict(set), Counter()
    for row in ours["medical_claim"]:
        claim, day = row["claim_id"].partition("-")[0], str(row["claim_start_date"])
        found[claim] |= {(day, row[f"diagnosis_code_{k}"]) for k in range(1, 13) if row[f"diagnosis_code_{k}"]}
        done.update([(claim, day, row["hcpcs_code"])] if row["hcpcs_code"] else [])
    assert found == diagnoses
    assert done == procedures
    assert (sum(map(len, found.values())), done.total()) == (32, 8)
