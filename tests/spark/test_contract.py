"""The contract on small tables of text: what each bad row is told, and what good text becomes."""

from datetime import date
from decimal import Decimal

import pytest
from chispa import assert_df_equality
from claimtwin.config.deployment import Ingest
from claimtwin.errors import ConfigError
from claimtwin.schema.feed import Feed, check_settings, find_sources, rejected_names
from claimtwin.schema.tables import spark_schema
from claimtwin.spark.contract import count_twins, judge, keep_accepted, keep_rejected

SETTINGS = Ingest(data_through=date(2024, 12, 31))
GOOD = {
    "eligibility": {
        "person_id": "p", "employer_id": "e", "payer": "x", "plan": "y", "enrollment_start_date": "2020-01-01",
        "enrollment_end_date": "2020-12-31", "medical_coverage": "true", "pharmacy_coverage": "no",
        "birth_date": "1980-02-29", "gender": "F", "state": "ma",
    },
    "medical_claim": {
        "claim_id": "c", "claim_line_number": "1", "data_source": "d", "person_id": "p",
        "claim_start_date": "2020-03-01", "claim_end_date": "2020-03-02", "revenue_center_code": "450",
        "place_of_service_code": "9", "hcpcs_code": "g0283 ", "diagnosis_code_type": "ICD-10-CM",
        "diagnosis_code_1": "m54.50", "allowed_amount": "-10.255",
    },
    "pharmacy_claim": {
        "claim_id": "c", "claim_line_number": "1", "data_source": "d", "person_id": "p",
        "dispensing_date": "2020-03-01", "ndc_code": "00123456789", "quantity": "30", "days_supply": "",
    },
    "program_enrollment": {
        "person_id": "p", "program": "digital", "body_region": "Back", "start_date": "2020-03-01",
    },
}  # fmt: skip


def judged(spark, table, rows, settings=SETTINGS, parts=1):
    """The table's good row, changed by each of ``rows``, spread over so many partitions and judged."""
    whole = [GOOD[table] | row for row in rows]
    frame = spark.createDataFrame(whole, ", ".join(f"`{name}` string" for name in whole[0]))
    feed = Feed(table, frame.repartition(parts))
    found = find_sources(feed, settings)
    assert found.faults == []
    return judge(feed, found.sources, settings)


def refusals(one, label):
    """Rule ids of each refused row, by the text of its column ``label``."""
    rows = keep_rejected(one, "contract:test", "run").toArrow().to_pylist()
    return {row[label]: row["rule_ids"] for row in rows}


def test_enrolment_rows_are_told_every_rule_that_they_break(spark):
    cases = {
        "good": ({}, None),
        "open": ({"enrollment_end_date": "", "birth_date": None, "state": None}, None),
        "far end": ({"enrollment_end_date": "9999-12-31"}, None),
        "no payer": ({"payer": "  "}, ["required"]),
        "bad start": ({"enrollment_start_date": "2020-02-30"}, ["date_form"]),
        "bad flag": ({"medical_coverage": "maybe"}, ["boolean_form"]),
        "no flag": ({"pharmacy_coverage": None}, ["required"]),
        "end first": ({"enrollment_end_date": "2019-12-31"}, ["enrollment_order"]),
        "unborn": ({"birth_date": "2020-01-02"}, ["birth_order"]),
        "ancient": ({"birth_date": "1899-12-31"}, ["before_1900"]),
        "future": ({"enrollment_start_date": "2025-01-01", "enrollment_end_date": ""}, ["after_data"]),
        "gender": ({"gender": "x"}, ["domain"]),
        "gender code": ({"gender": "1"}, ["domain"]),
        "state": ({"state": "ZZ"}, ["domain"]),
        "much": (
            {"plan": "", "birth_date": "soon", "state": "Texas", "enrollment_end_date": "1850-01-01"},
            ["required", "before_1900", "date_form", "domain", "enrollment_order"],
        ),
    }
    rows = [{"person_id": name} | change for name, (change, _) in cases.items()]
    found = refusals(judged(spark, "eligibility", rows), "person_id")
    assert found == {name: rules for name, (_, rules) in cases.items() if rules}


def test_medical_lines_are_told_every_rule_that_they_break(spark):
    cases = {
        "good": ({}, None),
        "end unknown": ({"claim_end_date": None}, None),
        "no diagnosis": ({"diagnosis_code_1": "", "diagnosis_code_type": ""}, None),
        "whole line": ({"claim_line_number": "7.0"}, None),
        "half line": ({"claim_line_number": "7.5"}, ["integer_form"]),
        "negative line": ({"claim_line_number": "-1"}, ["not_negative"]),
        "huge line": ({"claim_line_number": "3000000000"}, ["integer_form"]),
        "end first": ({"claim_end_date": "2020-02-29"}, ["claim_order"]),
        "coding": ({"diagnosis_code_type": "snomed"}, ["domain"]),
        "no coding": ({"diagnosis_code_type": None}, ["needed"]),
        "money": ({"allowed_amount": "1,000"}, ["decimal_form"]),
        "too much money": ({"allowed_amount": "12345678901.00"}, ["decimal_form"]),
        "not a number": ({"allowed_amount": "NaN"}, ["decimal_form"]),
        "date": ({"claim_start_date": "03/01/2020"}, ["date_form"]),
        "after": ({"claim_start_date": "2025-01-01", "claim_end_date": None}, ["after_data"]),
    }
    rows = [{"claim_id": name} | change for name, (change, _) in cases.items()]
    found = refusals(judged(spark, "medical_claim", rows), "claim_id")
    assert found == {name: rules for name, (_, rules) in cases.items() if rules}


def test_fills_are_told_every_rule_that_they_break(spark):
    bad = ["0123456789", "1234-5678-9", "12345-6789-012", "OTHER", "12345678901a", "1234567890123", "1234567-890-12"]
    rows = [{"claim_id": code, "ndc_code": code} for code in bad]
    rows += [
        {"claim_id": "supply", "days_supply": "-1"},
        {"claim_id": "quantity", "quantity": "-0.5"},
        {"claim_id": "both", "quantity": "some", "days_supply": "1e2", "ndc_code": None},
    ]
    assert refusals(judged(spark, "pharmacy_claim", rows), "claim_id") == {
        **{code: ["ndc_form"] for code in bad},
        "supply": ["not_negative"],
        "quantity": ["not_negative"],
        "both": ["required", "decimal_form", "integer_form"],
    }


def test_roster_rows_may_lack_a_region_but_not_invent_one(spark):
    rows = [{"person_id": "a", "body_region": None}, {"person_id": "b", "body_region": "elbow"}]
    assert refusals(judged(spark, "program_enrollment", rows), "person_id") == {"b": ["domain"]}


def test_reasons_are_words_beside_their_rules_and_the_source_is_kept_as_text(spark):
    one = judged(spark, "pharmacy_claim", [{"ndc_code": " 12 ", "quantity": "x"}])
    row = keep_rejected(one, "contract:pharmacy_claim", "run").toArrow().to_pylist()[0]
    assert row["reasons"] == [
        "ndc_code: neither 11 or 12 digits nor hyphenated 6-4-2, 5-4-2, 4-4-2, 5-3-2 or 5-4-1",
        "quantity: not a number of its size",
    ]
    assert (row["ndc_code"], row["source"], row["run_id"]) == (" 12 ", "contract:pharmacy_claim", "run")


def test_good_text_becomes_typed(spark):
    rows = [
        {"claim_id": "1", "ndc_code": "1234-5678-90", "days_supply": "30.0", "quantity": "1.0005"},
        {"claim_id": "2", "ndc_code": "12345-678-90", "days_supply": " 7 "},
        {"claim_id": "3", "ndc_code": "12345-6789-0"},
        {"claim_id": "6", "ndc_code": "012345-6789-01"},
        {"claim_id": "5", "ndc_code": "123456789012"},
        {"claim_id": "4", "ndc_code": "12345-6789-01"},
    ]
    day, one = date(2020, 3, 1), Decimal("30.000")
    expected = [
        ("1", 1, "d", "p", None, day, "01234567890", Decimal("1.001"), 30, None, None),
        ("2", 1, "d", "p", None, day, "12345067890", one, 7, None, None),
        ("3", 1, "d", "p", None, day, "12345678900", one, None, None, None),
        ("4", 1, "d", "p", None, day, "12345678901", one, None, None, None),
        ("5", 1, "d", "p", None, day, "123456789012", one, None, None, None),
        ("6", 1, "d", "p", None, day, "12345678901", one, None, None, None),
    ]
    found = keep_accepted(judged(spark, "pharmacy_claim", rows))
    typed = spark.createDataFrame(expected, spark_schema("pharmacy_claim"))
    assert_df_equality(found, typed, ignore_row_order=True, ignore_nullable=True)


def test_codes_are_upper_case_without_dots_and_with_their_zeros(spark):
    row = keep_accepted(judged(spark, "medical_claim", [{}])).toArrow().to_pylist()[0]
    assert row["diagnosis_code_1"] == "M5450"
    assert row["diagnosis_code_type"] == "icd-10-cm"
    assert (row["hcpcs_code"], row["revenue_center_code"], row["place_of_service_code"]) == ("G0283", "0450", "09")
    assert row["allowed_amount"] == Decimal("-10.26")
    assert row["employer_id"] is None


def test_words_for_yes_no_and_gender_are_known_in_any_case(spark):
    words = [("T", "y", "m"), ("1", "YES", "Female"), ("false", "0", "U"), ("N", "No", None)]
    rows = [
        {"person_id": str(k), "medical_coverage": a, "pharmacy_coverage": b, "gender": c}
        for k, (a, b, c) in enumerate(words)
    ]
    found = keep_accepted(judged(spark, "eligibility", rows)).orderBy("person_id").toArrow().to_pylist()
    assert [(row["medical_coverage"], row["pharmacy_coverage"], row["gender"]) for row in found] == [
        (True, True, "male"),
        (True, True, "female"),
        (False, False, "unknown"),
        (False, False, "unknown"),
    ]


def test_of_equal_keys_the_same_row_stays_in_any_order_and_partitioning(spark):
    settings = Ingest(on_duplicate_key="reject")
    rows = [{"claim_id": "a", "quantity": text} for text in ("9", "10", "2")]
    rows += [{"claim_id": "b"}, {"claim_id": "b"}, {"claim_id": "c"}, {"claim_id": None}, {"claim_id": None}]
    for parts, order in ((1, rows), (7, rows[::-1])):
        frame = judged(spark, "pharmacy_claim", order, settings, parts)
        kept = sorted((row["claim_id"], row["quantity"]) for row in keep_accepted(frame).toArrow().to_pylist())
        assert kept == [("a", Decimal(10)), ("b", Decimal(30)), ("c", Decimal(30))]
        refused = keep_rejected(frame, "s", "r").toArrow().to_pylist()
        assert sorted((row["claim_id"] or "", row["quantity"], *row["rule_ids"]) for row in refused) == [
            ("", "30", "required"),
            ("", "30", "required"),
            ("a", "2", "duplicate_key"),
            ("a", "9", "duplicate_key"),
            ("b", "30", "duplicate_key"),
        ]


def test_rows_that_share_a_key_are_counted_with_missing_key_parts_as_equal(spark):
    rows = [{"person_id": p, "body_region": r} for p, r in (("a", None), ("a", ""), ("a", "hip"), ("b", "hip"))]
    rows_judged = judged(spark, "program_enrollment", rows)
    for good_only in (False, True):
        counted = count_twins(rows_judged, good_only=good_only).toArrow().to_pylist()
        assert counted == [{"table": "program_enrollment", "n": 2}]


def faults_of(spark, schema, settings=SETTINGS, table="program_enrollment", **feed):
    return find_sources(Feed(table, spark.createDataFrame([], schema), **feed), settings)


def test_a_missing_column_comes_with_the_nearest_name(spark):
    found = faults_of(spark, "PERSON_ID string, programme string, start_date string")
    assert found.faults == [
        "program_enrollment: column 'person_id' is missing; the feed has 'PERSON_ID'",
        "program_enrollment: column 'program' is missing; the feed has 'programme'",
    ]


def test_an_optional_column_in_another_case_stops_the_run_and_an_absent_one_is_told(spark):
    found = faults_of(spark, "person_id string, program string, start_date string, Body_Region string")
    assert found.faults == ["program_enrollment: column 'body_region' is missing; the feed has 'Body_Region'"]
    assert "program_enrollment: not in the feed, so unknown in every row: employer_id" in found.notes


def test_extra_columns_are_told_and_kept_out(spark):
    found = faults_of(spark, "person_id string, program string, start_date date, note string")
    assert found.faults == []
    assert "program_enrollment: columns beyond the contract are kept out: note" in found.notes


@pytest.mark.parametrize(
    ("column", "kind", "form"),
    [("person_id", "array<string>", "text"), ("person_id", "double", "text"), ("start_date", "boolean", "date")],
)
def test_a_type_that_cannot_hold_the_column_is_named(spark, column, kind, form):
    types = {"person_id": "string", "program": "string", "start_date": "string"} | {column: kind}
    found = faults_of(spark, ", ".join(f"{name} {of}" for name, of in types.items()))
    assert found.faults == [
        f"program_enrollment: column '{column}' is of type {kind}, which cannot hold {form}"
    ]  # fmt: skip


def test_a_name_that_the_header_repeats_is_said_to_be_repeated(spark):
    found = faults_of(spark, "person_id0 string, program string, start_date string, person_id3 string")
    assert found.faults == ["program_enrollment: the header names 'person_id' more than once"]


def test_a_column_map_and_constants_fill_what_the_feed_names_otherwise(spark):
    schema, constants = "mbr string, begin string", {"program": "x"}
    found = faults_of(spark, schema, columns={"person_id": "mbr", "start_date": "begin"}, constants=constants)
    assert found.faults == []
    found = faults_of(spark, schema, columns={"person_id": "member"}, constants=constants)
    assert "program_enrollment: column 'member' is missing" in found.faults[0]


def test_a_column_map_with_unknown_names_is_refused_with_all_faults():
    settings = Ingest(
        columns={"eligibility": {"person": "mbr", "plan": "pl"}}, constants={"eligibility": {"plan": "x", "payr": "y"}}
    )
    with pytest.raises(ConfigError) as caught:
        check_settings(settings)
    assert "ingest.columns.eligibility.person: no such column (did you mean 'person_id'?)" in caught.value.what
    assert "ingest.constants.eligibility.payr: no such column (did you mean 'payer'?)" in caught.value.what
    assert "ingest.*.eligibility.plan: is both mapped and constant" in caught.value.what


def test_source_columns_are_kept_under_names_that_delta_takes():
    assert rejected_names(["Member ID", "member_id", "source", "a(b)"]) == {
        "Member ID": "Member_ID",
        "member_id": "member_id_",
        "source": "feed_source",
        "a(b)": "a_b_",
    }


def test_typed_feeds_need_no_text(spark):
    rows = [("p", 'x"y', date(2020, 3, 1), 5), ("q", "x", date(1850, 1, 1), 6)]
    frame = spark.createDataFrame(rows, "person_id string, program string, start_date date, employer_id long")
    feed = Feed("program_enrollment", frame, "MM/dd/yyyy")
    one = judge(feed, find_sources(feed, SETTINGS).sources, SETTINGS)
    assert keep_accepted(one).select("start_date", "employer_id").toArrow().to_pylist() == [
        {"start_date": date(2020, 3, 1), "employer_id": "5"}
    ]
    assert keep_rejected(one, "s", "r").toArrow().to_pylist()[0]["rule_ids"] == ["before_1900"]
