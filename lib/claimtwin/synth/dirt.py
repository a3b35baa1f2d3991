"""Rows with a fault, added beside the good ones: each member may get one of each kind in each table that can have it.

A claim with a fault carries no studied code and no money, and its span of enrolment covers nothing; a duplicate
repeats a good row exactly. So a study is the same with and without them.
"""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth import text
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.draws import Draws, Index
from claimtwin.synth.people import People
from claimtwin.synth.spec import Dirt, SynthSpec

FAULTS: dict[TableName, dict[str, dict[str, str | None]]] = {
    "eligibility": {
        "null_person": {"person_id": None},
        "bad_date": {"enrollment_start_date": "2019-13-01"},
        "swapped_span": {"enrollment_start_date": "2020-12-31", "enrollment_end_date": "2020-01-01"},
        "after_extract": {"enrollment_start_date": "AFTER", "enrollment_end_date": None},
        "unknown_state": {"state": "ZZ"},
    },
    "medical_claim": {
        "null_person": {"person_id": None},
        "bad_date": {"claim_start_date": "31/02/2020"},
        "text_amount": {"allowed_amount": "twelve"},
        "after_extract": {"claim_start_date": "AFTER", "claim_end_date": "AFTER"},
    },
    "pharmacy_claim": {
        "null_person": {"person_id": None},
        "bad_date": {"dispensing_date": "20200231"},
        "text_amount": {"allowed_amount": "n/a"},
        "negative_quantity": {"quantity": "-30"},
        "after_extract": {"dispensing_date": "AFTER"},
        "bad_ndc": {"ndc_code": "9999801011"},
    },
    "program_enrollment": {
        "null_person": {"person_id": None},
        "bad_date": {"start_date": "soon"},
        "after_extract": {"start_date": "AFTER"},
    },
}
"""What each kind of fault writes over a harmless row, by table; AFTER is a day past the extract."""

_HARMLESS: dict[TableName, dict[str, str]] = {
    "eligibility": {
        "payer": "payer_one", "plan": "junk", "enrollment_start_date": "2018-01-01",
        "enrollment_end_date": "2018-01-31", "medical_coverage": "false", "pharmacy_coverage": "false",
        "birth_date": "1980-06-15", "gender": "unknown", "state": "NY",
    },
    "medical_claim": {
        "claim_line_number": "1", "data_source": "junk", "claim_start_date": "2018-01-15",
        "claim_end_date": "2018-01-15", "hcpcs_code": "99499", "allowed_amount": "0.00", "paid_date": "2018-02-15",
    },
    "pharmacy_claim": {
        "claim_line_number": "1", "data_source": "junk", "dispensing_date": "2018-01-15", "ndc_code": "99998010110",
        "quantity": "30", "days_supply": "30", "paid_date": "2018-01-20", "allowed_amount": "0.00",
    },
    "program_enrollment": {"program": "junk", "start_date": "2018-01-15"},
}  # fmt: skip
_AFTER = (DATA_THROUGH + timedelta(days=45)).isoformat()


def with_dirt(spec: SynthSpec, name: TableName, people: People, person: Index, rows: pa.Table) -> pa.Table:
    """The good rows with the faulty ones among them, still in the order of members.

    Args:
        spec: The population, with its rates.
        name: The table.
        people: The people drawn.
        person: Place of each good row's person in ``people``.
        rows: The good rows.
    """
    marked = mark_dirt(spec, name, people, person)
    faulty = [_faulty_rows(name, kind, people.take(found)) for kind, found in marked.items() if kind != "duplicate"]
    again = np.searchsorted(person, marked["duplicate"])
    order = np.argsort(np.concatenate([person, *marked.values()]), kind="stable")
    parts = pa.concat_tables([rows, rows.take(pa.array(again)), *faulty]).combine_chunks()
    return parts if len(order) == len(person) else parts.take(pa.array(order)).combine_chunks()


def mark_dirt(spec: SynthSpec, name: TableName, people: People, person: Index) -> dict[str, Index]:
    """Places of the people who get one faulty row of each kind; a duplicate needs a row to repeat."""
    draws = Draws(spec.seed)
    marked = {kind: _chosen(draws, name, kind, spec.dirt, people) for kind in ("duplicate", *FAULTS[name])}
    marked["duplicate"] = marked["duplicate"][np.isin(marked["duplicate"], person)]
    return marked


def _chosen(draws: Draws, name: TableName, kind: str, dirt: Dirt, people: People) -> Index:
    return np.flatnonzero(draws.chance(f"{name} {kind}", people.number, getattr(dirt, kind)))


def _faulty_rows(name: TableName, kind: str, people: People) -> pa.Table:
    n, fault = len(people.number), FAULTS[name][kind]
    ids = text.person_ids(people.number)
    columns = {column: pa.array([value] * n, pa.string()) for column, value in _HARMLESS[name].items()}
    columns |= {"person_id": ids, "employer_id": text.employer_ids(people.employer)}
    if "claim_id" in CONTRACTS[name].names:
        columns["claim_id"] = text.claim_ids(f"{kind}-", ids, people.number * 0 + 1)
    for column, value in fault.items():
        columns[column] = pa.array([_AFTER if value == "AFTER" else value] * n, pa.string())
    names = CONTRACTS[name].names
    return pa.table({column: columns.get(column, pa.nulls(n, pa.string())) for column in names})
