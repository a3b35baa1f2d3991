"""DE-SynPUF files against counts made by hand from the same files with the csv module alone."""

import csv
from datetime import date
from decimal import Decimal

import pytest
from claimtwin.config.deployment import Ingest
from claimtwin.errors import ConfigError, InputError
from claimtwin.io.adapters.desynpuf import read_desynpuf

from tests.support.feeds import accepted_rows, rejected_rows
from tests.support.shared import shared_data

MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read(folder, pattern):
    """All lines of the files that match, as dicts."""
    found = []
    for path in sorted(folder.glob(pattern)):
        with path.open(newline="", encoding="utf-8") as lines:
            found += list(csv.DictReader(lines))
    return found


def table(spark, tmp_path, name):
    return spark.read.format("delta").load(str(tmp_path / "tables" / name)).toArrow().to_pylist()


def lines_of(claim, places):
    """Numbers of the lines that tell something, or the first."""

    def tells(k):
        money = claim.get(f"LINE_ALOWD_CHRG_AMT_{k}") or "0"
        return claim[f"HCPCS_CD_{k}"] or claim.get(f"LINE_ICD9_DGNS_CD_{k}") or float(money) != 0

    return [k for k in range(1, places + 1) if tells(k)] or [1]


def expected_spans(person):
    """Plan, last day and benefits of each stretch of one beneficiary's year."""
    year = int(person["BENE_YEAR"])
    medical, drugs = int(person["BENE_SMI_CVRAGE_TOT_MONS"]), int(person["PLAN_CVRG_MOS_NUM"])

    def last(months):
        days = MONTH_DAYS[months - 1] + (months == 2 and year % 4 == 0)
        death = person["BENE_DEATH_DT"]
        end = date(year, months, days)
        return min(end, date(int(death[:4]), int(death[4:6]), int(death[6:]))) if death else end

    if medical == drugs:
        return [("part_b_d", last(medical), True, True) if medical else ("none", last(12), False, False)]
    spans = [("part_b", last(medical), True, False)] if medical else []
    return spans + ([("part_d", last(drugs), False, True)] if drugs else [])


@pytest.fixture
def sample(desynpuf):
    return desynpuf.source, desynpuf.folder, desynpuf.counts, desynpuf.said


def test_counts_are_those_made_by_hand(sample):
    source, _, counts, said = sample
    carrier, outpatient, inpatient, drugs = (
        read(source, f"{name}.csv") for name in ("carrier", "outpatient", "inpatient", "pde")
    )
    lines = sum(len(lines_of(claim, 5)) for claim in carrier + outpatient + inpatient)
    spans = sum(len(expected_spans(person)) for person in read(source, "bene.csv"))
    for name, rows in (("medical_claim", lines), ("pharmacy_claim", len(drugs)), ("eligibility", spans)):
        assert (counts[name].rows_in, counts[name].accepted, counts[name].rejected) == (rows, rows, 0)
    read_rows = (
        f"read {len(carrier):,} carrier, {len(outpatient):,} outpatient, {len(inpatient):,} inpatient rows; "
        f"{lines:,} rows handed on"
    )
    assert f"medical_claim: {read_rows}" in said


def test_every_span_is_the_one_made_by_hand(spark, sample):
    source, folder, _, _ = sample
    expected = [(p["DESYNPUF_ID"], *span) for p in read(source, "bene.csv") for span in expected_spans(p)]
    columns = ("person_id", "plan", "enrollment_end_date", "medical_coverage", "pharmacy_coverage")
    found = [tuple(row[name] for name in columns) for row in table(spark, folder, "eligibility")]
    assert sorted(found) == sorted(expected)


def test_people_keep_birth_sex_and_state(spark, sample):
    source, folder, _, _ = sample
    people = {p["DESYNPUF_ID"]: p for p in read(source, "bene.csv")}
    found = {row["person_id"]: row for row in table(spark, folder, "eligibility")}
    assert found.keys() == people.keys()
    died = {p["DESYNPUF_ID"]: p["BENE_DEATH_DT"] for p in read(source, "bene.csv") if p["BENE_DEATH_DT"]}
    told = [row for row in table(spark, folder, "eligibility") if row["death_date"]]
    assert {row["person_id"]: row["death_date"].strftime("%Y%m%d") for row in told} == died
    for person, row in found.items():
        assert row["birth_date"].strftime("%Y%m%d") == people[person]["BENE_BIRTH_DT"]
        assert row["gender"] == {"1": "male", "2": "female"}[people[person]["BENE_SEX_IDENT_CD"]]
    ours = {people[p]["SP_STATE_CODE"]: row["state"] for p, row in found.items()}
    assert [ours[code] for code in ("05", "10", "33", "45", "54")] == ["CA", "FL", "NY", "TX", None]


def test_procedures_dates_and_drug_codes_are_those_of_the_files(spark, sample):
    source, folder, _, _ = sample
    by_hand = sorted(
        (c["DESYNPUF_ID"], c["CLM_FROM_DT"], c[f"HCPCS_CD_{k}"])
        for name in ("carrier", "outpatient")
        for c in read(source, f"{name}.csv")
        for k in range(1, 6)
        if c[f"HCPCS_CD_{k}"]
    )
    found = [r for r in table(spark, folder, "medical_claim") if r["hcpcs_code"]]
    assert by_hand == sorted((r["person_id"], r["claim_start_date"].strftime("%Y%m%d"), r["hcpcs_code"]) for r in found)
    drugs = sorted((d["DESYNPUF_ID"], d["SRVC_DT"], d["PROD_SRVC_ID"]) for d in read(source, "pde.csv"))
    fills = table(spark, folder, "pharmacy_claim")
    assert drugs == sorted((r["person_id"], r["dispensing_date"].strftime("%Y%m%d"), r["ndc_code"]) for r in fills)


def test_no_money_and_no_diagnosis_is_lost(spark, sample):
    source, folder, _, _ = sample
    carrier, stays = read(source, "carrier.csv"), read(source, "outpatient.csv") + read(source, "inpatient.csv")
    money = sum(Decimal(c[f"LINE_ALOWD_CHRG_AMT_{k}"] or 0) for c in carrier for k in range(1, 6))
    money += sum(Decimal(c["CLM_PMT_AMT"] or 0) for c in stays)
    rows = table(spark, folder, "medical_claim")
    assert sum(row["allowed_amount"] or 0 for row in rows) == money
    names = [f"ICD9_DGNS_CD_{k}" for k in range(1, 6)] + [f"LINE_ICD9_DGNS_CD_{k}" for k in range(1, 6)]
    stated = {(c["CLM_ID"], c[name]) for c in carrier + stays for name in names if c.get(name)}
    kept = {
        (row["claim_id"].split("-")[0], row[f"diagnosis_code_{k}"])
        for row in rows
        for k in range(1, 13)
        if row[f"diagnosis_code_{k}"]
    }
    assert kept == stated


def test_published_names_are_read_and_employers_assigned_by_person(spark):
    feeds = read_desynpuf(spark, Ingest(assign_employers=12), str(shared_data("etl-cms-desynpuf-mini")))
    rows = {feed.table: feed.frame.toArrow().to_pylist() for feed in feeds}
    assert {name: len(found) for name, found in rows.items()} == {
        "eligibility": 6, "medical_claim": 10, "pharmacy_claim": 2, "program_enrollment": 0
    }  # fmt: skip
    spans, lines = rows["eligibility"], rows["medical_claim"]
    assert {(r["state"], r["plan"], r["enrollment_start_date"]) for r in spans} == {
        (state, "part_b_d", f"{year}0101") for state in ("IN", "CA") for year in (2008, 2009, 2010)
    }
    employers = {(r["person_id"], r["employer_id"]) for r in spans + lines}
    assert len(employers) == 2
    assert all(employer.startswith("employer_00") for _, employer in employers)
    line = next(r for r in lines if r["hcpcs_code"] == "90775")
    assert [line[f"diagnosis_code_{k}"] for k in range(1, 6)] == ["V0481", "V0751", "4011", "25000", None]
    assert (line["claim_line_number"], float(line["allowed_amount"]), line["data_source"]) == (2, 10, "carrier")
    stay = next(r for r in lines if r["claim_id"] == "744651196200598-1")
    assert (stay["data_source"], stay["place_of_service_code"], stay["hcpcs_code"]) == ("inpatient", "21", None)
    assert int(stay["claim_end_date"]) - int(stay["claim_start_date"]) == 2


SMALL = {
    "bene.csv": "BENE_YEAR,DESYNPUF_ID,BENE_BIRTH_DT,BENE_DEATH_DT,BENE_SEX_IDENT_CD,SP_STATE_CODE,"
    "BENE_SMI_CVRAGE_TOT_MONS,PLAN_CVRG_MOS_NUM\n"
    "2008,A,19400101,,1,5,2,02\n2008,B,19400101,20080115,2,54,13,1\n2008,C,19400101,soon,0,77,0,0\n",
    "carrier.csv": "DESYNPUF_ID,CLM_ID,CLM_FROM_DT,CLM_THRU_DT,ICD9_DGNS_CD_1,HCPCS_CD_1,HCPCS_CD_2,"
    "LINE_ALOWD_CHRG_AMT_1,LINE_ALOWD_CHRG_AMT_2,LINE_ICD9_DGNS_CD_1,LINE_ICD9_DGNS_CD_2\n"
    "A,1,,20080102,4019,97110,97140,10,20,7242,4019\nA,2,20080301,20080301,4019,,,0.0,0.0,,\n",
    "outpatient.csv": "DESYNPUF_ID,CLM_ID,SEGMENT,CLM_FROM_DT,CLM_THRU_DT,CLM_PMT_AMT,ICD9_DGNS_CD_1,"
    "HCPCS_CD_1,HCPCS_CD_2\n"
    "A,3,1,20080401,20080401,50,4019,99282,72114\nA,4,1,20080401,20080401,50,4019,99282\n",
    "inpatient.csv": "DESYNPUF_ID,CLM_ID,SEGMENT,CLM_FROM_DT,CLM_THRU_DT,CLM_PMT_AMT,ICD9_DGNS_CD_1,HCPCS_CD_1\n"
    "A,5,1,20080501,20080503,900,4019,\nA,5,2,20080501,20080503,100,4019,\n",
    "pde.csv": "DESYNPUF_ID,PDE_ID,SRVC_DT,PROD_SRVC_ID,QTY_DSPNSD_NUM,DAYS_SUPLY_NUM,TOT_RX_CST_AMT\n"
    "A,1,20080101,93005801,30,30,5\nA,2,20080101,OTHER,30,30,5\n",
}  # fmt: skip
SOME = ("eligibility", "medical_claim", "pharmacy_claim")


def test_what_cannot_be_mapped_is_refused_by_the_contract_and_never_dropped(spark, tmp_path):
    source = tmp_path / "feed"
    source.mkdir()
    for name, text in SMALL.items():
        (source / name).write_text(text, encoding="utf-8")
    feeds = {feed.table: feed for feed in read_desynpuf(spark, Ingest(), str(source))}
    accepted = {name: accepted_rows(feeds[name], Ingest()) for name in SOME}
    rejected = {name: rejected_rows(feeds[name], Ingest()) for name in SOME}
    assert [(len(accepted[name]), len(rejected[name])) for name in SOME] == [(2, 2), (5, 3), (1, 1)]
    kept = {(r["person_id"], r["plan"], r["enrollment_end_date"], r["state"]) for r in accepted["eligibility"]}
    assert kept == {("A", "part_b_d", date(2008, 2, 29), "CA"), ("B", "part_d", date(2008, 1, 15), None)}
    assert {r["person_id"]: r["death_date"] for r in accepted["eligibility"]} == {"A": None, "B": date(2008, 1, 15)}
    refused = {(r["person_id"], *r["rule_ids"]) for r in rejected["eligibility"]}
    assert refused == {("B", "date_form"), ("C", "date_form", "domain")}
    columns = ("claim_id", "claim_line_number", "allowed_amount")
    lines = sorted(tuple(r[name] for name in columns) for r in accepted["medical_claim"] if r["claim_id"] != "2")
    assert lines == [("3-1", 1, Decimal(50)), ("3-1", 2, None), ("5-1", 1, Decimal(900)), ("5-2", 1, Decimal(100))]
    assert [r["ndc_code"] for r in accepted["pharmacy_claim"]] == ["00093005801"]


def test_missing_files_and_columns_are_all_named(spark, tmp_path):
    text = SMALL["pde.csv"].replace("PROD_SRVC_ID", "NDC")
    (tmp_path / "pde.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_desynpuf(spark, Ingest(), str(tmp_path))
    for fault in ("no beneficiary summary file", "no carrier file", "column 'PROD_SRVC_ID' is missing"):
        assert fault in caught.value.what
    with pytest.raises(ConfigError, match="only for --format contract"):
        read_desynpuf(spark, Ingest(constants={"eligibility": {"payer": "x"}}), str(tmp_path))
