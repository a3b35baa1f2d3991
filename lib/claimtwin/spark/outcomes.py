"""A second pass over the blocks, of the people asked about only: what happened after index."""

from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.protocol import Protocol
from claimtwin.kernel.outcomes import count_outcomes
from claimtwin.schema.tables import TABLES
from claimtwin.spark.arrow import ddl_of, each_block, each_group, to_cell
from claimtwin.spark.blocks import MEMBERS, empty_payload
from claimtwin.spark.decode import CodeBook, claims_of_block
from claimtwin.spark.histories import opioid_use

ASKED = pa.schema([("block_id", pa.int64()), ("asked", pa.binary())])
KEY = ("person_id", "treated", "index_date")


def outcome_layout(protocol: Protocol) -> pa.Schema:
    """Person, arm, and one count per outcome of the protocol."""
    counts = [(outcome.name, pa.int64()) for outcome in protocol.outcomes]
    return pa.schema([("person_id", pa.string()), ("treated", pa.bool_()), *counts])


def find_outcomes(blocks: DataFrame, asked: DataFrame, protocol: Protocol, book: CodeBook) -> DataFrame:
    """One row per person and arm asked about: the number of events of each outcome in its window.

    Args:
        blocks: Member blocks; those without an asked person are not unpacked.
        asked: ``block_id``, ``person_id``, ``treated``, ``index_date``; a row a person and arm.

    The asked people of a block travel to it, broadcast; the blocks stay where they are.
    """
    packed = asked.groupBy("block_id").applyInArrow(each_group(_pack_asked), schema=ddl_of(ASKED))
    needed = [MEMBERS, *payloads_read_by(protocol)]
    joined = blocks.select("block_id", *needed).join(F.broadcast(packed), "block_id")
    kernel = partial(_outcomes_of_block, protocol=protocol, book=book)
    return joined.select("asked", *needed).mapInArrow(each_block(kernel), schema=ddl_of(outcome_layout(protocol)))


def payloads_read_by(protocol: Protocol) -> list[str]:
    """Payload columns that the outcomes of a protocol are counted in; the others are not read."""
    measured = any(outcome.measure for outcome in protocol.outcomes)
    asked = protocol.histories.supply if protocol.histories else None
    stays = measured and asked is not None and asked.hospital_days == "kept"
    drugs = ["pharmacy_claim"] if measured or any(outcome.drug for outcome in protocol.outcomes) else []
    care = ["medical_claim"] if stays or any(outcome.care or outcome.diagnosis for outcome in protocol.outcomes) else []
    return drugs + care


def _pack_asked(block: int, rows: pa.Table) -> pa.Table:
    people = rows.select(list(KEY)).sort_by([("person_id", "ascending"), ("treated", "descending")])
    return pa.Table.from_pylist([{"block_id": block, "asked": to_cell(people)}], schema=ASKED)


def _outcomes_of_block(tables: dict[str, pa.Table], protocol: Protocol, book: CodeBook) -> pa.Table:
    asked, members = tables["asked"], tables[MEMBERS]["person_id"]
    rows = pa.compute.index_in(asked["person_id"], value_set=members).to_numpy().astype(np.int64)
    days = asked["index_date"].cast(pa.int32()).to_numpy()
    absent: dict[str, pa.Table] = {name: empty_payload(name) for name in TABLES if name not in tables}
    whole = {**tables, **absent}
    claims = claims_of_block(whole, book.without_covariates())
    if protocol.histories is not None and any(outcome.measure for outcome in protocol.outcomes):
        claims = replace(claims, opioids=opioid_use(whole, book, protocol.histories))
    counts = count_outcomes(claims, protocol, rows, days)
    found = [asked["person_id"], asked["treated"], *(pa.array(column) for column in counts.T)]
    return pa.table(found, schema=outcome_layout(protocol))
