"""Dirt: rows with a fault beside the good ones, and good rows changed, repeated or lost, each kind counted.

What an ingest refuses carries no studied code and no money, and its span of enrolment covers nothing; a duplicate
repeats a good row exactly. So a study is the same with and without it. The other kinds are in ``synth.unsettled``.
"""

import re
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth import text
from claimtwin.synth.calendar import DATA_THROUGH, shift_of
from claimtwin.synth.changes import Change, chosen
from claimtwin.synth.draws import Index
from claimtwin.synth.people import People
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.unsettled import KINDS_OF, PER_ROW, unsettled_changes

FAULTS: dict[TableName, dict[str, dict[str, str | None]]] = {
    "eligibility": {
        "null_person": {"person_id": None},
        "bad_date": {"enrollment_start_date": "2019-13-01"},
        "swapped_span": {"enrollment_start_date": "2020-12-31", "enrollment_end_date": "2020-01-01"},
        "before_birth": {"birth_date": "2018-01-02"},
        "after_extract": {"enrollment_start_date": "AFTER", "enrollment_end_date": None},
        "unknown_state": {"state": "ZZ"},
    },
    "medical_claim": {
        "null_person": {"person_id": None},
        "bad_date": {"claim_start_date": "31/02/2020"},
        "text_amount": {"allowed_amount": "twelve"},
        "swapped_span": {"claim_start_date": "2018-01-15", "claim_end_date": "2018-01-14"},
        "after_extract": {"claim_start_date": "AFTER", "claim_end_date": "AFTER"},
        "unknown_system": {"diagnosis_code_type": "icd-11", "diagnosis_code_1": "FA80"},
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
_DAY = re.compile(r"\d{4}-(0\d|1[0-2])-\d{2}")


def with_dirt(
    spec: SynthSpec, name: TableName, people: People, person: Index, rows: pa.Table
) -> tuple[pa.Table, dict[str, int]]:
    """The rows with their dirt, still in the order of members, and by kind how many were added, changed or lost.

    Args:
        spec: The population, with its rates.
        name: The table.
        people: The people drawn.
        person: Place of each good row's person in ``people``, ascending.
        rows: The good rows.
    """
    changes = {"duplicate": _duplicates(spec, name, people, person, rows)}
    for kind in FAULTS[name]:
        owner = chosen(spec, name, kind, people)
        changes[kind] = Change(_faulty_rows(spec, name, kind, people.take(owner)), owner)
    changes |= unsettled_changes(spec, name, people, person, rows)
    return _apply(rows, person, list(changes.values())), {kind: change.rows for kind, change in changes.items()}


def people_marked(spec: SynthSpec, name: TableName, people: People) -> Index:
    """Places of the people whose rows of a table any dirt touches: dirt can be counted from their rows alone."""
    if any(getattr(spec.dirt, kind) for kind in PER_ROW):
        return np.arange(len(people.number))
    kinds = ("duplicate", *FAULTS[name], *KINDS_OF.get(name, ()))
    marked = [chosen(spec, name, kind, people) for kind in kinds if getattr(spec.dirt, kind)]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *marked]))


def _duplicates(spec: SynthSpec, name: TableName, people: People, person: Index, rows: pa.Table) -> Change:
    owner = chosen(spec, name, "duplicate", people)
    owner = owner[np.isin(owner, person)]
    return Change(rows.take(pa.array(np.searchsorted(person, owner))), owner)


def _apply(rows: pa.Table, person: Index, changes: list[Change]) -> pa.Table:
    for change in changes:
        for column, (places, values) in change.replaced.items():
            mask = np.zeros(rows.num_rows, np.bool_)
            mask[places] = True
            changed = pc.replace_with_mask(rows[column].combine_chunks(), pa.array(mask), values)
            rows = rows.set_column(rows.schema.get_field_index(column), column, changed)
    kept = np.setdiff1d(np.arange(len(person)), np.concatenate([change.removed for change in changes]))
    if len(kept) < len(person):
        rows, person = rows.take(pa.array(kept)), person[kept]
    added = [change for change in changes if change.added is not None and change.added.num_rows]
    if not added:
        return rows
    order = np.argsort(np.concatenate([person, *(change.owner for change in added)]), kind="stable")
    parts = pa.concat_tables([rows, *(change.added for change in added)]).combine_chunks()
    return parts.take(pa.array(order)).combine_chunks()


def _faulty_rows(spec: SynthSpec, name: TableName, kind: str, people: People) -> pa.Table:
    n, fault = len(people.number), FAULTS[name][kind]
    ids = text.person_ids(people.number)
    fixed = {**_HARMLESS[name], **{c: _AFTER if value == "AFTER" else value for c, value in fault.items()}}
    columns = {column: pa.array([_moved(value, spec)] * n, pa.string()) for column, value in fixed.items()}
    known = {"person_id": ids, "employer_id": text.employer_ids(people.employer)}
    if "claim_id" in CONTRACTS[name].names:
        known["claim_id"] = text.claim_ids(f"{kind}-", ids, people.number * 0 + 1)
    columns = {**known, **columns}
    names = CONTRACTS[name].names
    return pa.table({column: columns.get(column, pa.nulls(n, pa.string())) for column in names})


def _moved(value: str | None, spec: SynthSpec) -> str | None:
    """A day around 2020 as one around the year asked for; anything else as it is."""
    if value is None or not _DAY.fullmatch(value):
        return value
    return (date.fromisoformat(value) + timedelta(shift_of(spec.index_year))).isoformat()
