"""From a block's Arrow tables to events and amounts: which lines count, and what stands on them."""

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import care_families, procedures_of
from claimtwin.config.score import Score
from claimtwin.kernel.covariates import measure_extras
from claimtwin.schema.tables import arrow_schema
from claimtwin.spark.amounts import amounts_of_block
from claimtwin.spark.blocks import DAY, _numbered, empty_payload
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import claims_of_block

from tests.support.rows import protocol_of

FIRST = date(2020, 1, 1)
LIST = DrugList("opioid", frozenset({"00000000001"}), None)


def table(name, rows):
    """Rows as a payload of the block of persons p and q; what a row does not say is null."""
    schema = arrow_schema(name)
    whole = pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema=schema)
    return _numbered(whole, pa.chunked_array([pa.array(["p", "q"])]), DAY[name])


def line(claim, day, code=None, diagnosis=None, system="icd-10-cm", person="p", source="s", cents=100):
    money = None if cents is None else Decimal(cents).scaleb(-2)
    return {"claim_id": claim, "claim_line_number": 1, "data_source": source, "person_id": person,
            "claim_start_date": date(2020, 1, day), "hcpcs_code": code, "diagnosis_code_type": system,
            "diagnosis_code_2": diagnosis, "allowed_amount": money}  # fmt: skip


def fill(day, ndc="00000000001", supply=5, cents=250):
    return {"claim_id": f"rx{day}", "claim_line_number": 1, "data_source": "s", "person_id": "p",
            "dispensing_date": date(2020, 1, day), "ndc_code": ndc, "days_supply": supply,
            "allowed_amount": Decimal(cents).scaleb(-2)}  # fmt: skip


def tables(medical=(), pharmacy=()):
    empty = {name: empty_payload(name) for name in ("eligibility", "program_enrollment")}
    members = pa.table({"person_id": ["p", "q"]})
    return {**empty, "members": members, "medical_claim": table("medical_claim", medical),
            "pharmacy_claim": table("pharmacy_claim", pharmacy)}  # fmt: skip


def book(**parts):
    return CodeBook(care_families(), parts.pop("arms", (None, None)), {"opioid": LIST}, {}, **parts)


def days(events):
    """(member, day of January 2020) of events."""
    start = (FIRST - date(1970, 1, 1)).days
    return sorted(zip(events[0].tolist(), (events[1] - start + 1).tolist(), strict=True))


def test_units_of_a_family_are_added_up_and_a_line_without_them_is_one():
    """Therapy in January 2020: 2.5 units, a line that says none, and a reversal; q has a reversal alone."""
    units = [Decimal("2.5"), None, Decimal("-0.5"), Decimal(4), Decimal(-1)]
    told = [("a", 1, "97110", "p"), ("b", 2, "97110", "p"), ("c", 3, "97110", "p"), ("d", 4, "99213", "p"),
            ("e", 5, "97110", "q")]  # fmt: skip
    lines = [
        line(claim, day, code, person=who) | {"service_unit_quantity": quantity, "hcpcs_modifier_1": "GP"}
        for (claim, day, code, who), quantity in zip(told, units, strict=True)
    ]
    score = Score(covariates=["therapy_units", "office_units", "therapy_lines"])
    index = np.array([0, 1]), np.full(2, (date(2020, 1, 31) - date(1970, 1, 1)).days, np.int32)

    def found(rows):
        measured = measure_extras(claims_of_block(tables(rows), book()), score, *index)
        return {name: values.tolist() for name, values in measured.items()}

    assert found(lines) == {"therapy_units": [3, 0], "office_units": [4, 0], "therapy_lines": [3, 1]}
    unsaid = [row | {"service_unit_quantity": None} for row in lines]
    assert found(unsaid) == {"therapy_units": [3, 1], "office_units": [1, 0], "therapy_lines": [3, 1]}


def test_own_rules_are_told_by_system_and_prefix_and_procedures_by_code():
    medical = [
        line("a", 1, "72148", "M5450"), line("b", 2, "72149", "M5"), line("c", 3, "99213", "7242", "icd-9-cm"),
        line("d", 4, "99213", "7242"), line("e", 5, "99213", "M545", "icd-9-cm", person="q"),
        line("f", 6, "99213", "M5459", person="q"),
    ]  # fmt: skip
    rules = "icd-10-cm:M54|icd-9-cm:724"
    claims = claims_of_block(
        tables(medical), book(diagnoses=(rules,), procedures={"x": procedures_of(["72148-72149"])})
    )
    assert days(claims.diagnoses[rules]) == [(0, 1), (0, 3), (1, 6)]
    assert days(claims.procedures["x"]) == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    ("where", "expected"), [("line", [(0, 1)]), ("claim", [(0, 1), (0, 2)]), ("day", [(0, 1), (0, 5), (0, 9)])]
)
def test_an_arm_of_services_with_a_diagnosis(where, expected):
    """Equal claim ids of two sources are two claims; a claim may span days."""
    medical = [
        line("a", 1, "97110", "M545"),
        line("b", 2, "97110"), line("b", 3, "99213", "M545"),
        line("c", 5, "97110", source="s"), line("c", 6, "99213", "M545", source="t"), line("d", 5, "99213", "M545"),
        line("e", 7, "97110", "I10"), line("f", 7, "99213", "M545", person="q"),
        line("g", 9, "97110", source="t"), line("h", 9, "99213", "M545", source="t"),
    ]  # fmt: skip
    arms = (None, procedures_of(["97110"]))
    asked = book(arms=arms, arm_diagnoses=(None, "icd-10-cm:M54"), together=("claim", where))
    services = claims_of_block(tables(medical), asked).services
    rows = services.arms[:, 1]
    assert days((services.member[rows], services.day[rows])) == expected
    assert not services.arms[:, 0].any()


def test_an_arm_of_diagnoses_alone():
    medical = [line("a", 1, "97110", "M545"), line("b", 2, "97110")]
    services = claims_of_block(tables(medical), book(arm_diagnoses=("icd-10-cm:M54", None))).services
    assert services.arms.tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kind": "cost"}, [(0, 1, 250), (0, 1, 300), (0, 2, 250), (0, 3, 0), (0, 4, -70), (1, 5, 100)]),
        ({"kind": "cost", "drug": "opioid"}, [(0, 1, 250)]),
        ({"kind": "cost", "care": "imaging"}, [(0, 1, 300)]),
        ({"kind": "cost", "procedures": ["99213"]}, [(0, 3, 0), (0, 4, -70), (1, 5, 100)]),
        ({"kind": "cost", "diagnosis": ["M54"]}, [(0, 4, -70)]),
        ({"kind": "days_supply", "drug": "opioid"}, [(0, 1, 7)]),
    ],
)
def test_amounts_are_those_of_the_lines(asked, expected):
    medical = [line("a", 1, "72148", cents=300), line("b", 3, "99213", cents=None),
               line("c", 4, "99213", "M545", cents=-70), line("d", 5, "99213", person="q")]  # fmt: skip
    pharmacy = [fill(1, supply=7), fill(2, "00000000002", supply=None)]
    outcome = {"name": "o", "title": "O", "window": [1, 365], **asked}
    protocol = protocol_of(outcomes=[outcome])
    codes = asked.get("procedures")
    found = amounts_of_block(
        tables(medical, pharmacy), book(procedures={"99213": procedures_of(codes)} if codes else {}), protocol
    )["o"]
    start = (FIRST - date(1970, 1, 1)).days
    got = zip(found[0].tolist(), (found[1] - start + 1).tolist(), found[2].tolist(), strict=True)
    assert sorted(got) == expected


def test_a_supply_that_the_feed_does_not_tell_counts_as_nothing():
    protocol = protocol_of(
        outcomes=[{"name": "o", "title": "O", "window": [1, 365], "kind": "days_supply", "drug": "opioid"}]
    )
    member, _, amount = amounts_of_block(tables(pharmacy=[fill(1, supply=None), fill(2)]), book(), protocol)["o"]
    assert (member.tolist(), amount.tolist()) == ([0, 0], [0, 5])
