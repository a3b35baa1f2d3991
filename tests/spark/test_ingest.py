"""Whole ingests of small dirty feeds: nothing is lost, every refusal has its reasons, and no value is told."""

from dataclasses import replace
from datetime import date

import pytest
from claimtwin.config.deployment import Env
from claimtwin.errors import ConfigError, GuardError, InputError
from claimtwin.study import ingest as room
from claimtwin.study.ingest import ingest

CANARY = "CANARY7391"
ENROLMENT = (
    "person_id,employer_id,payer,plan,enrollment_start_date,enrollment_end_date,"
    "medical_coverage,pharmacy_coverage,birth_date,gender,state,note"
)
FILES = {
    "eligibility.csv": f"""{ENROLMENT}
p1,e1,x,y,2020-01-01,2020-12-31,1,1,1980-01-01,F,MA,
p2,e1,x,y,2020-01-01,,true,false,1990-06-30,m,ny,"a, ""quoted"" note"
p3,e1,x,y,{CANARY},2019-12-31,1,{CANARY},1980-01-01,{CANARY},MA,{CANARY}
p4,e1,x,y,2020-01-01,2020-12-31,1,1,1980-01-01,F,MA
p5,e1,x,y,2020-01-01,2020-12-31,1,1,1980-01-01,F,MA,,{CANARY}
""",
    "medical_claim.csv": f"""claim_id,claim_line_number,data_source,person_id,claim_start_date,allowed_amount
c1,1,d,p1,2020-02-01,10
c1,1,d,p1,2020-02-01,9
c2,1,d,p2,2020-02-30,{CANARY}
c3,1,d,p2,2020-03-01,
""",
    "pharmacy_claim.csv": f"""claim_id,claim_line_number,data_source,person_id,dispensing_date,ndc_code
r1,1,d,p1,2020-02-01,01234567890
r2,1,d,p1,2020-02-01,{CANARY}
""",
}


def write_feed(folder, files=FILES):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return str(folder)


def environment(folder, **settings):
    return Env(tables=str(folder / "tables"), output=str(folder), ingest={"on_duplicate_key": "reject"} | settings)


def rows(spark, folder, table):
    return spark.read.format("delta").load(str(folder / "tables" / table)).toArrow().to_pylist()


@pytest.fixture(scope="module")
def dirty(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dirty")
    lines = []
    counts = ingest(spark, environment(folder), "contract", write_feed(folder / "feed"), lines.append)
    return folder, counts, lines


def test_rows_in_are_rows_accepted_and_rows_rejected(dirty):
    _, counts, lines = dirty
    assert [(c.table, c.rows_in, c.accepted, c.rejected) for c in counts] == [
        ("eligibility", 5, 2, 3),
        ("medical_claim", 4, 2, 2),
        ("pharmacy_claim", 2, 1, 1),
        ("program_enrollment", 0, 0, 0),
    ]
    assert "eligibility: 5 rows in = 2 accepted + 3 rejected" in lines
    assert "  2 rows: line has too few or too many fields, or a broken quote" in lines


def test_every_bad_row_is_kept_with_all_its_reasons(spark, dirty):
    folder, _, _ = dirty
    refused = {row["person_id"]: row for row in rows(spark, folder, "rejected_eligibility")}
    assert {person: row["rule_ids"] for person, row in refused.items()} == {
        "p3": ["date_form", "boolean_form", "domain"],
        "p4": ["corrupt_line"],
        "p5": ["corrupt_line"],
    }
    assert refused["p3"]["note"] == CANARY
    assert refused["p3"]["reasons"][0] == "enrollment_start_date: not a date of the form yyyy-MM-dd"
    assert refused["p5"]["corrupt_line"].endswith(f",,{CANARY}")
    assert {row["claim_id"]: row["rule_ids"] for row in rows(spark, folder, "rejected_medical_claim")} == {
        "c1": ["duplicate_key"],
        "c2": ["date_form", "decimal_form"],
    }


def test_no_value_of_the_feed_is_told(dirty):
    _, counts, lines = dirty
    assert CANARY not in "\n".join(lines) + repr(counts)


def test_accepted_rows_are_typed_and_the_roster_is_there_though_empty(spark, dirty):
    folder, _, _ = dirty
    people = {row["person_id"]: row for row in rows(spark, folder, "eligibility")}
    assert people["p2"] == {
        "person_id": "p2", "employer_id": "e1", "payer": "x", "plan": "y",
        "enrollment_start_date": date(2020, 1, 1), "enrollment_end_date": None, "medical_coverage": True,
        "pharmacy_coverage": False, "birth_date": date(1990, 6, 30), "death_date": None, "gender": "male",
        "state": "NY",
    }  # fmt: skip
    assert rows(spark, folder, "program_enrollment") == []
    assert rows(spark, folder, "rejected_program_enrollment") == []


def test_the_summary_table_holds_the_same_counts(spark, dirty):
    folder, _, _ = dirty
    summary = rows(spark, folder, "ingest_summary")
    found = {(r["table"], r["reason"]): (r["rows_in"], r["accepted"], r["rejected"]) for r in summary}
    assert found["medical_claim", "all"] == (4, 2, 2)
    assert found["medical_claim", "duplicate key"] == (None, None, 1)
    assert found["program_enrollment", "all"] == (0, 0, 0)


def test_parquet_and_delta_feeds_under_other_names_are_mapped_and_given_employers(spark, tmp_path):
    feed = tmp_path / "feed"
    lines = FILES["medical_claim.csv"]
    write_feed(feed, {"medical_claim/part one.csv": lines, "medical_claim/two.csv": lines.replace("c1", "c9")})
    enrolled = "mbr string, payer string, begin date, born date"
    people = [(f"p{k}", "x", date(2020, 1, 1), date(1980, 1, 1)) for k in range(40)]
    spark.createDataFrame(people, enrolled).write.format("delta").save(str(feed / "eligibility"))
    fills = [("r1", 1, "d", "p1", date(2020, 2, 1), "01234567890")]
    layout = (
        "`claim id` string, claim_line_number int, data_source string, person_id string, "
        "dispensing_date date, ndc_code string"
    )
    spark.createDataFrame(fills, layout).write.parquet(str(feed / "pharmacy_claim.parquet"))
    env = environment(
        tmp_path,
        assign_employers=3,
        columns={
            "eligibility": {"person_id": "mbr", "enrollment_start_date": "begin", "birth_date": "born"},
            "pharmacy_claim": {"claim_id": "claim id"},
        },
        constants={"eligibility": {"plan": "all", "medical_coverage": "yes", "pharmacy_coverage": "yes"}},
    )
    counts = ingest(spark, env, "contract", str(feed), lambda line: None)
    assert [(c.rows_in, c.accepted) for c in counts] == [(40, 40), (8, 3), (1, 1), (0, 0)]
    employers = {row["person_id"]: row["employer_id"] for row in rows(spark, tmp_path, "eligibility")}
    assert set(employers.values()) == {"employer_0000", "employer_0001", "employer_0002"}
    for table in ("medical_claim", "pharmacy_claim"):
        assert all(row["employer_id"] == employers[row["person_id"]] for row in rows(spark, tmp_path, table))


def test_a_key_that_occurs_twice_stops_the_run_with_a_count_and_no_value(spark, tmp_path):
    source = write_feed(tmp_path / "feed")
    with pytest.raises(InputError) as caught:
        ingest(spark, environment(tmp_path, on_duplicate_key="stop"), "contract", source, lambda line: None)
    fault = "medical_claim: duplicate key: 2 rows share their claim_id, claim_line_number, data_source with another"
    assert fault in caught.value.what
    assert "c1" not in str(caught.value)
    assert not (tmp_path / "tables").exists()


def test_an_empty_table_is_named(spark, tmp_path):
    header = FILES["pharmacy_claim.csv"].split("\n", 1)[0] + "\n"
    source = write_feed(tmp_path / "feed", FILES | {"pharmacy_claim.csv": header})
    with pytest.raises(InputError, match="pharmacy_claim: no rows"):
        ingest(spark, environment(tmp_path), "contract", source, lambda line: None)


def test_a_table_of_which_every_row_is_refused_is_named_with_the_commonest_reasons(spark, tmp_path):
    bad = FILES["pharmacy_claim.csv"].replace("01234567890", CANARY)
    source = write_feed(tmp_path / "feed", FILES | {"pharmacy_claim.csv": bad})
    with pytest.raises(InputError) as caught:
        ingest(spark, environment(tmp_path), "contract", source, lambda line: None)
    assert "pharmacy_claim: all 2 rows are refused; most often: ndc_code: neither" in caught.value.what
    assert CANARY not in str(caught.value)
    assert len(rows(spark, tmp_path, "rejected_pharmacy_claim")) == 2


def test_files_of_one_table_with_different_headers_stop_the_run(spark, tmp_path):
    files = {name: text for name, text in FILES.items() if name != "medical_claim.csv"}
    text = FILES["medical_claim.csv"]
    turned = text.replace("claim_start_date,allowed_amount", "allowed_amount,claim_start_date")
    source = write_feed(tmp_path / "feed", files | {"medical_claim/1.csv": text, "medical_claim/2.csv": turned})
    with pytest.raises(InputError, match="different headers"):
        ingest(spark, environment(tmp_path), "contract", source, lambda line: None)


def test_missing_columns_of_all_tables_are_told_at_once(spark, tmp_path):
    files = FILES | {
        "eligibility.csv": FILES["eligibility.csv"].replace("birth_date,gender", "birth_date,GENDER"),
        "pharmacy_claim.csv": FILES["pharmacy_claim.csv"].replace("ndc_code", "ndc"),
    }
    with pytest.raises(InputError) as caught:
        ingest(spark, environment(tmp_path), "contract", write_feed(tmp_path / "feed", files), lambda line: None)
    assert "eligibility: column 'gender' is missing; the feed has 'GENDER'" in caught.value.what
    assert "pharmacy_claim: column 'ndc_code' is missing; the feed has 'ndc'" in caught.value.what
    assert "map it under ingest.columns in env.yaml" in caught.value.remedy


def test_missing_tables_and_unknown_formats_are_named(spark, tmp_path):
    source = write_feed(tmp_path / "feed", {"eligibility.csv": FILES["eligibility.csv"]})
    with pytest.raises(InputError, match="medical_claim, pharmacy_claim"):
        ingest(spark, environment(tmp_path), "contract", source, lambda line: None)
    with pytest.raises(ConfigError, match="did you mean 'desynpuf'"):
        ingest(spark, environment(tmp_path), "desynpuff", source, lambda line: None)


def test_rows_that_vanish_on_the_way_are_noticed(spark, dirty):
    """The tables hold what the feed held; had the feed held a row more, that row would be missed."""
    folder, counts, _ = dirty
    room._compare(spark, environment(folder), counts)
    for change in ({"rows_in": 6}, {"accepted": 3, "rejected": 2}):
        with pytest.raises(GuardError, match="rows were read, but 2 accepted and 3 rejected"):
            room._compare(spark, environment(folder), [replace(counts[0], **change), *counts[1:]])


def test_what_is_settled_away_is_counted_and_kept_with_its_reason(spark, tmp_path):
    lines = []
    env = environment(tmp_path, settle={"medical": "same_id_code"})
    counts = {c.table: c for c in ingest(spark, env, "contract", write_feed(tmp_path / "feed"), lines.append)}
    medical = counts["medical_claim"]
    assert (medical.rows_in, medical.accepted, medical.rejected, medical.settled) == (4, 2, 2, 1)
    assert "medical_claim: 4 rows in = 2 accepted + 2 rejected, 1 of them settled away" in lines
    refused = {row["claim_id"]: row["rule_ids"] for row in rows(spark, tmp_path, "rejected_medical_claim")}
    assert refused["c1"] == ["settled_replaced"]
    summary = rows(spark, tmp_path, "settlement_summary")
    assert sum(row["rows"] for row in summary) == 4
    assert {row["fate"] for row in summary} == {"accepted", "settled_replaced", "date_form"}
