"""Deaths out of each form of feed: which day counts where several are told, and what is refused."""

from collections import Counter
from datetime import date

import pytest
from claimtwin.config.deployment import Ingest
from claimtwin.errors import InputError
from claimtwin.io.adapters.omop import _deaths
from claimtwin.io.adapters.tuva import read_tuva
from claimtwin.schema.tables import spark_schema
from claimtwin.spark.blocks import with_later_columns
from claimtwin.spark.deaths import count_after_deaths, count_deaths

from tests.support.claims import as_frames
from tests.support.feeds import judged_feed

NEEDED = (
    "person_id,payer,plan,enrollment_start_date,enrollment_end_date,birth_date,gender,state,death_date,death_flag\n"
)
SPANS = (
    ("both_own_first", "01/01/2020", "05/05/2020", "1"), ("both_other_first", "01/01/2020", "07/07/2020", "1"),
    ("own", "01/01/2020", "05/05/2020", "0"), ("other", "01/01/2020", "", "1"), ("flag_alone", "01/01/2020", "", "1"),
    ("own_no_day", "01/01/2020", "soon", "1"), ("other_no_day", "01/01/2020", "", "1"),
    ("dead_before", "01/01/2021", "05/05/2020", "1"), ("alive", "01/01/2020", "", "0"),
)  # fmt: skip
PATIENTS = (
    ("both_own_first", "06/06/2020"), ("both_other_first", "06/06/2020"), ("both_other_first", "08/08/2020"),
    ("other", "06/06/2020"), ("other", ""), ("other_no_day", "never"), ("alive", ""), ("somebody", "01/01/1999"),
)  # fmt: skip
OTHERS = {
    "medical_claim": "claim_id,claim_line_number,data_source,person_id,claim_start_date,claim_end_date,hcpcs_code,"
    "diagnosis_code_type,diagnosis_code_1,allowed_amount\n",
    "pharmacy_claim": "claim_id,claim_line_number,data_source,person_id,dispensing_date,ndc_code,quantity,days_supply,"
    "allowed_amount\n",
}
SETTINGS = Ingest(date_format="MM/dd/yyyy")


@pytest.fixture
def tuva(tmp_path):
    spans = (f"{who},x,y,{first},12/31/2021,01/01/1950,male,Ohio,{death},{flag}\n" for who, first, death, flag in SPANS)
    for name, text in {**OTHERS, "eligibility": NEEDED + "".join(spans)}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_a_death_of_tuva_is_the_earlier_of_the_span_and_the_patient(spark, tuva):
    (tuva / "patient.csv").write_text("person_id,death_date\n" + "".join(f"{who},{day}\n" for who, day in PATIENTS))
    judged = judged_feed(read_tuva(spark, SETTINGS, str(tuva))[0], SETTINGS)
    ids = [rule for rule, _ in judged.rules]
    found = {
        row["value_person_id"]: [ids[k] for k in row["broken"]] or row["value_death_date"]
        for row in judged.rows.toArrow().to_pylist()
    }
    assert found == {
        "both_own_first": date(2020, 5, 5), "both_other_first": date(2020, 6, 6), "own": date(2020, 5, 5),
        "other": date(2020, 6, 6), "flag_alone": None, "own_no_day": ["date_form"], "other_no_day": ["date_form"],
        "dead_before": ["death_order"], "alive": None,
    }  # fmt: skip


def test_a_table_of_patients_without_deaths_is_refused(spark, tuva):
    (tuva / "patient.csv").write_text("person_id\nown\n")
    with pytest.raises(InputError, match="patient: columns are missing: death_date"):
        read_tuva(spark, SETTINGS, str(tuva))


def test_of_several_deaths_of_omop_the_earliest_counts_in_any_form(spark):
    rows = [("1", "2009-05-04"), ("1.0", "14000.0"), ("2", "2009-05-04 00:00:00"), ("3", ""), ("3", None),
            ("4", "unknown"), ("5", "unknown"), ("5", "2010-01-02")]  # fmt: skip
    found = _deaths(spark.createDataFrame(rows, "person_id string, death_date string")).toArrow().to_pylist()
    assert {row["person_id"]: row["death_date"] for row in found} == {
        "1": "2008-05-01", "2": "2009-05-04", "4": "unknown", "5": "2010-01-02"
    }  # fmt: skip


def test_deaths_and_claims_after_them_are_counted(spark):
    spans = [("a", date(2020, 2, 1)), ("a", date(2020, 1, 5)), ("a", None), ("b", date(2020, 1, 5)), ("c", None)]
    fills = [("a", 5), ("a", 6), ("b", 5), ("b", 31), ("c", 9), ("nobody", 9)]
    rows = {
        "eligibility": [{"person_id": who, "death_date": day} for who, day in spans],
        "pharmacy_claim": [{"person_id": who, "dispensing_date": date(2020, 1, day)} for who, day in fills],
        "medical_claim": [{"person_id": "a", "claim_start_date": date(2020, 1, 6)}], "program_enrollment": [],
    }  # fmt: skip
    frames = as_frames(spark, rows, 1)
    assert count_deaths(frames["eligibility"]).toArrow().to_pylist() == [{"people": 3, "died": 2, "two_deaths": 1}]
    late = count_after_deaths(frames, ("medical_claim", "pharmacy_claim")).toArrow().to_pylist()
    assert Counter((row["table"], row["lines"], row["late"]) for row in late) == Counter(
        [("medical_claim", 1, 1), ("pharmacy_claim", 6, 2)]
    )


def test_a_table_ingested_before_the_column_came_is_read_as_without_deaths(spark):
    whole = spark_schema("eligibility")
    old = spark.createDataFrame([], whole).drop("death_date", "person_id")
    read = with_later_columns("eligibility", old)
    assert {field.name: field.dataType for field in read.schema} == {
        field.name: field.dataType for field in whole if field.name != "person_id"
    }
