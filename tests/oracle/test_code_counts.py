"""Codes and lists counted in a block against counting line by line, on random lines with doubled and missing codes."""

from datetime import date, timedelta
from random import Random

import pyarrow as pa
import pytest
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import Dated, Procedures, parse_range
from claimtwin.codes.used import UsedList
from claimtwin.kernel.index_events import day_number
from claimtwin.spark.code_counts import usage_of_block
from claimtwin.spark.columns import DIAGNOSES

SWITCH = date(2020, 1, 16)
LISTS = (
    UsedList("own", ("x",), "diagnosis", "icd-10-cm:M54|icd-9-cm:724"),
    UsedList("body_regions.knee", ("x",), "diagnosis", "body_regions.knee"),
    UsedList(
        "therapy", ("x",), "hcpcs",
        Procedures(
            (parse_range("97110"),), ((parse_range("97140"), "GP"),), (Dated(parse_range("99213"), day_number(SWITCH)),)
        ),
    ),
    UsedList("emergency", ("x",), "revenue", (parse_range("0450-0459"),)),
    UsedList("opioid", ("x",), "ndc", DrugList("opioid", frozenset({"000020351"}), 9)),
)  # fmt: skip
NDCS = ("00002035101", "00002035102", "00002035201")


def lines_of(dice, n):
    """Medical lines and fills of a few members, sorted by member as a block has them."""
    choose = lambda *values: dice.choice((None, *values))  # noqa: E731
    lines = []
    for member in sorted(dice.randrange(6) for _ in range(n)):
        line = {"member": member, "claim_start_date": date(2020, 1, 1) + timedelta(dice.randrange(31))}
        line |= {name: choose("M545", "M1711", "7242", "71536", "I10") for name in DIAGNOSES[:3]}
        line |= dict.fromkeys(DIAGNOSES[3:]) | {"diagnosis_code_type": choose("icd-10-cm", "icd-9-cm")}
        line |= {"hcpcs_code": choose("97110", "97140", "99213"), "hcpcs_modifier_1": choose("GP", "59")}
        line |= {"hcpcs_modifier_2": choose("GP"), "revenue_center_code": choose("0450", "0510")}
        lines.append(line | {"place_of_service_code": choose("23")})
    fills = [{"member": m, "ndc_code": dice.choice(NDCS)} for m in sorted(dice.randrange(6) for _ in range(n))]
    return lines, fills


def as_table(rows, example):
    """Rows as a block's table: text in dictionaries, columns there without a row."""

    def column(name):  # fmt: skip
        values = [row[name] for row in rows]
        if name == "member":
            return pa.array(values, pa.int64())
        return (
            pa.array(values, pa.date32())
            if name.endswith("date")
            else pa.array(values, pa.string()).dictionary_encode()
        )

    return pa.table({name: column(name) for name in example})


def codes_of(row):
    """Kind and code of everything that a line meets, a list or a code, each as often as it stands there."""
    system, code = row["diagnosis_code_type"], row["hcpcs_code"]
    own = {"icd-10-cm": ("M545", "M1711"), "icd-9-cm": ("7242", "71536")}.get(system, ())
    for one in (row[name] for name in DIAGNOSES if system and row[name]):
        yield system, one
        if one in own:
            yield f"list {system}", ("own", "body_regions.knee")[own.index(one)]
    for kind, column in (("hcpcs", "hcpcs_code"), ("revenue", "revenue_center_code")):
        if row[column]:
            yield kind, row[column]
    has = "GP" in (row["hcpcs_modifier_1"], row["hcpcs_modifier_2"])
    if code and has:
        yield "hcpcs GP", code
    if code == "97110" or (code == "97140" and has) or (code == "99213" and row["claim_start_date"] >= SWITCH):
        yield "list hcpcs", "therapy"
    if row["revenue_center_code"] == "0450":
        yield "list revenue", "emergency"


def by_hand(lines, fills):
    """Lines and people by kind and code, each line once."""
    met = {}
    for k, row in enumerate(lines):
        for key in codes_of(row):
            met.setdefault(key, set()).add((k, row["member"]))
    for k, row in enumerate(fills):
        for key in [("ndc", row["ndc_code"])] + [("list ndc", "opioid")] * row["ndc_code"].startswith("000020351"):
            met.setdefault(key, set()).add((k, row["member"]))
    return {key: (len(rows), len({member for _, member in rows})) for key, rows in met.items()}


@pytest.mark.parametrize("seed", range(60))
def test_lines_and_people_of_every_code_and_list(seed):
    dice = Random(seed)
    lines, fills = lines_of(dice, dice.choice([0, 1, 5, 40]))
    shape = lines_of(Random(0), 1)
    tables = {"medical_claim": as_table(lines, shape[0][0]), "pharmacy_claim": as_table(fills, shape[1][0])}
    found = {
        (row["kind"], row["code"]): (row["lines"], row["people"])
        for row in usage_of_block(tables, LISTS).to_pylist()
        if row["lines"]
    }
    assert found == by_hand(lines, fills)
