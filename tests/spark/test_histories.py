"""Histories from packed claims: the kernels' answers under the names of the documents."""

from datetime import date
from decimal import Decimal

import pytest
from claimtwin.codes.opioids import Product
from claimtwin.codes.rules import care_families
from claimtwin.config.histories import EpisodeRules, FillRules, SupplyRules
from claimtwin.spark.blocks import build_blocks
from claimtwin.spark.histories import (
    COURSES,
    EPISODES,
    FILLS,
    RUNS,
    build_courses,
    build_episodes,
    build_fills,
    build_runs,
)
from claimtwin.study.histories import _tell_matches

from tests.support.claims import as_frames

OXYCODONE = Product("00000000001", "oxycodone", "Tablet", False, Decimal(10), "MG", "pain")
PATCH = Product("00000000002", "fentanyl", "Patch, Extended Release", True, Decimal(25), "MCG/HR", "pain")
FILM = Product("00000000003", "buprenorphine", "Film", True, Decimal(8), "MG", "use_disorder")
PRODUCTS = (OXYCODONE, PATCH, FILM)
RULES = FillRules(mme_edition="cdc_2018")


def fill(person, day, ndc, quantity, supply):
    return {
        "claim_id": f"{person}{day}{ndc}", "claim_line_number": 1, "data_source": "t", "person_id": person,
        "dispensing_date": day, "ndc_code": ndc, "quantity": quantity, "days_supply": supply,
    }  # fmt: skip


def line(person, number, start, stop, hcpcs, diagnosis, place=None):
    return {
        "claim_id": f"m{number}", "claim_line_number": 1, "data_source": "t", "person_id": person,
        "claim_start_date": start, "claim_end_date": stop, "hcpcs_code": hcpcs, "place_of_service_code": place,
        "diagnosis_code_type": "icd-10-cm", "diagnosis_code_1": diagnosis,
    }  # fmt: skip


@pytest.fixture(scope="module")
def blocks(spark):
    day = lambda k: date(2020, 1, k)  # noqa: E731
    claims = {
        "eligibility": [], "program_enrollment": [],
        "pharmacy_claim": [
            fill("b", day(1), "00000000001", Decimal(120), 30), fill("b", day(21), "00000000001", Decimal(40), 10),
            fill("a", day(5), "00000000002", Decimal(10), 5), fill("a", day(6), "00000000003", None, None),
            fill("a", day(7), "00000000009", Decimal(1), 1),
        ],
        "medical_claim": [
            line("b", 1, day(2), None, "97161", "M545"), line("b", 2, day(9), None, "97161", "M545"),
            line("b", 3, day(9), None, "72148", "M545"), line("b", 4, day(10), day(12), None, "I10", "21"),
            line("a", 5, day(3), None, "99213", "M1711"),
        ],
    }  # fmt: skip
    return build_blocks(as_frames(spark, claims), 0).persist()


def rows_of(frame, layout):
    table = frame.toArrow()
    assert table.column_names == layout.names
    return table.to_pylist()


def test_fills_carry_what_the_list_says(blocks):
    rows = rows_of(build_fills(blocks, PRODUCTS, RULES), FILLS)
    told = [(r["person_id"], r["ingredient"], r["days_supply"], r["repair"], r["mme"], r["mme_a_day"]) for r in rows]
    assert told == [
        ("a", "fentanyl", 30, "patches_worn", Decimal(1800), Decimal(60)),
        ("a", "buprenorphine", None, "missing", None, None),
        ("b", "oxycodone", 30, "as_filled", Decimal(1800), Decimal(60)),
        ("b", "oxycodone", 10, "as_filled", Decimal(600), Decimal(60)),
    ]
    assert [r["drug_use"] for r in rows] == ["pain", "use_disorder", "pain", "pain"]
    assert (rows[0]["strength"], rows[0]["strength_unit"], rows[0]["form"]) == (25, "MCG/HR", PATCH.form)
    assert {r["mme_edition"] for r in rows} == {"cdc_2018"}


def test_fills_told_by_nine_digits_are_counted_apart(blocks):
    said = []
    _tell_matches(build_fills(blocks, (OXYCODONE,), FillRules(match_digits=9)), said.append)
    assert said == ["opioid_fills: 2 by the whole code, 3 by its first nine digits only"]


@pytest.mark.parametrize(("hospital", "stop"), [("used", date(2020, 2, 10)), ("kept", date(2020, 2, 13))])
def test_runs_carry_supply_forward_and_past_a_stay_in_hospital(blocks, hospital, stop):
    rows = rows_of(build_runs(blocks, PRODUCTS, RULES, SupplyRules(hospital_days=hospital)), RUNS)
    assert [(r["person_id"], r["start_date"], r["fills"], r["early_fills"], r["mme"]) for r in rows] == [
        ("a", date(2020, 1, 5), 1, 0, Decimal(1800)),
        ("b", date(2020, 1, 1), 2, 1, Decimal(2400)),
    ]
    assert (rows[1]["stop_date"], rows[1]["days_supply"], rows[1]["fills_without_mme"]) == (stop, 40, 0)


def test_episodes_hold_their_care(blocks):
    rows = rows_of(build_episodes(blocks, care_families(), EpisodeRules()), EPISODES)
    assert [(r["person_id"], r["body_region"], r["start_date"], r["stop_date"]) for r in rows] == [
        ("a", "knee", date(2020, 1, 3), date(2020, 1, 4)),
        ("b", "back", date(2020, 1, 2), date(2020, 1, 10)),
    ]
    assert [rows[1][n] for n in ("lines", "visits", "therapy_days", "imaging_days", "therapy_course_days")] == [
        2, 2, 2, 1, 8,
    ]  # fmt: skip
    courses = rows_of(build_courses(blocks, care_families(), EpisodeRules(therapy_gap_days=6)), COURSES)
    assert [tuple(row.values()) for row in courses] == [
        ("b", "back", date(2020, 1, 2), date(2020, 1, k), date(2020, 1, k + 1), 1, 1) for k in (2, 9)
    ]
    assert rows[1]["quiet_days"] is None and rows[1]["is_new"] and rows[1]["leads"] and not rows[1]["multi_region"]
