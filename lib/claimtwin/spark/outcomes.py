"""A second pass over the blocks, of the people asked about only: what happened after index."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.outcomes import AMOUNTS
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.index_events import day_number
from claimtwin.kernel.outcomes import count_outcomes, outcome_columns
from claimtwin.schema.tables import TABLES
from claimtwin.spark.amounts import amounts_of_block
from claimtwin.spark.arrow import ddl_of, each_block, each_group, to_cell
from claimtwin.spark.blocks import MEMBERS, empty_payload
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.deaths import before_deaths
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.histories import opioid_use

ASKED = pa.schema([("block_id", pa.int64()), ("asked", pa.binary())])
KEY = ("person_id", "treated", "index_date")


def outcome_layout(protocol: Protocol) -> pa.Schema:
    """Person, arm, and one count per outcome of the protocol; of those over time also the days of follow-up."""
    counts = [(name, pa.int64()) for name in outcome_columns(protocol)]
    return pa.schema([("person_id", pa.string()), ("treated", pa.bool_()), *counts])


def find_outcomes(
    blocks: DataFrame, asked: DataFrame, protocol: Protocol, book: CodeBook, end_of_data: date | None = None
) -> DataFrame:
    """One row per person and arm asked about: the number of events of each outcome in its window.

    Args:
        blocks: Member blocks; those without an asked person are not unpacked.
        asked: ``block_id``, ``person_id``, ``treated``, ``index_date``; a row a person and arm.
        protocol, book: The study and its code lists.
        end_of_data: Last day of follow-up of a study that censors; null: cover alone ends it.

    The asked people of a block travel to it, broadcast; the blocks stay where they are.
    """
    packed = asked_cells(asked, KEY)
    needed = [MEMBERS, *payloads_read_by(protocol)]
    joined = blocks.select("block_id", *needed).join(F.broadcast(packed), "block_id")
    last = None if end_of_data is None else day_number(end_of_data)
    kernel = partial(count_asked, protocol=protocol, book=book, end=last)
    return joined.select("asked", *needed).mapInArrow(each_block(kernel), schema=ddl_of(outcome_layout(protocol)))


def payloads_read_by(protocol: Protocol) -> list[str]:
    """Payload columns that the outcomes of a protocol are counted in; the others are not read.

    Enrolment tells ends of cover and deaths. Who had to be covered on every day of the windows was alive throughout.
    """
    measured = any(outcome.measure for outcome in protocol.outcomes)
    asked = protocol.histories.supply if protocol.histories else None
    stays = measured and asked is not None and asked.hospital_days == "kept"
    events = [event for o in protocol.outcomes for event in (o.event, o.except_around) if event]
    all_cost = any(outcome.kind in AMOUNTS and not outcome.event for outcome in protocol.outcomes)
    needed = {
        "pharmacy_claim": measured or all_cost or any(event.drug for event in events),
        "medical_claim": stays or all_cost or any(not event.drug for event in events),
        "eligibility": protocol.censored or protocol.enrollment is None or protocol.enrollment.until_death,
    }
    return [name for name, is_read in needed.items() if is_read]


def asked_cells(asked: DataFrame, columns: Sequence[str]) -> DataFrame:
    """One row per block: ``columns`` of its asked people, by person and the treated first, as a cell ``asked``."""

    def pack(block: int, rows: pa.Table) -> pa.Table:
        people = rows.select(list(columns)).sort_by([("person_id", "ascending"), ("treated", "descending")])
        return pa.Table.from_pylist([{"block_id": block, "asked": to_cell(people)}], schema=ASKED)

    return asked.groupBy("block_id").applyInArrow(each_group(pack), schema=ddl_of(ASKED))


def count_asked(tables: dict[str, pa.Table], protocol: Protocol, book: CodeBook, end: int | None = None) -> pa.Table:
    """Outcomes of the people of ``asked`` in one block, in their order; payloads that are not there count as empty.

    ``end`` is the last day of follow-up; null: cover alone ends it.
    """
    asked, members = tables["asked"], tables[MEMBERS]["person_id"]
    rows = pa.compute.index_in(asked["person_id"], value_set=members).to_numpy().astype(np.int64)
    days = asked["index_date"].cast(pa.int32()).to_numpy()
    absent: dict[str, pa.Table] = {name: empty_payload(name) for name in TABLES if name not in tables}
    whole = before_deaths({**tables, **absent})
    read = book.without_covariates()
    claims = replace(claims_of_block(whole, read), amounts=amounts_of_block(whole, read, protocol))
    if protocol.histories is not None and any(outcome.measure for outcome in protocol.outcomes):
        claims = replace(claims, opioids=opioid_use(whole, book, protocol.histories))
    counts = count_outcomes(claims, protocol, rows, days, end)
    found = [asked["person_id"], asked["treated"], *(pa.array(column) for column in counts.T)]
    return pa.table(found, schema=outcome_layout(protocol))
