"""Days' supply and allowed cents on the lines of outcomes that add them up."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.config.events import EventKey
from claimtwin.config.outcomes import AMOUNTS, Outcome
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.columns import Days, Flags, Index
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.columns import days_of, member_of
from claimtwin.spark.decode import cents_of, diagnosis_lines, drug_lines, family_of, procedure_lines

Amounts = tuple[Index, Days, Index]
STARTS = {"pharmacy_claim": "dispensing_date", "medical_claim": "claim_start_date"}


def amounts_of_block(tables: dict[str, pa.Table], book: CodeBook, protocol: Protocol) -> dict[str, Amounts]:
    """Member, day and amount of each outcome's lines, by its name; a missing amount counts as nothing."""
    asked = [outcome for outcome in protocol.outcomes if outcome.kind in AMOUNTS]
    return {outcome.name: _amounts(tables, book, outcome) for outcome in asked}


def _amounts(tables: dict[str, pa.Table], book: CodeBook, outcome: Outcome) -> Amounts:
    event = outcome.event
    if event is None:
        parts = [_cents(tables, name, np.ones(tables[name].num_rows, np.bool_)) for name in STARTS]
        return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))  # type: ignore[return-value]
    if not event.drug:
        return _cents(tables, "medical_claim", medical_lines(tables["medical_claim"], book, event.key))
    table = tables["pharmacy_claim"]
    lines = drug_lines(table, book.drugs[event.drug])
    if outcome.kind == "cost":
        return _cents(tables, "pharmacy_claim", lines)
    supply = np.asarray(pc.fill_null(table["days_supply"], 0).to_numpy(), np.int64)
    return member_of(table)[lines], days_of(table, "dispensing_date")[lines], supply[lines]


def medical_lines(table: pa.Table, book: CodeBook, key: EventKey) -> Flags:
    """Which medical lines are of an event that is no dispensing."""
    if key.kind == "care":
        return family_of(table, key.codes, book.families)
    if key.kind == "procedures":
        return procedure_lines(table, book.procedures[key.codes])
    return diagnosis_lines(table, book.told(key.codes))


def _cents(tables: dict[str, pa.Table], name: str, lines: Flags) -> Amounts:
    table = tables[name]
    return member_of(table)[lines], days_of(table, STARTS[name])[lines], cents_of(table, "allowed_amount")[lines]
