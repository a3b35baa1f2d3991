"""Member blocks: all accepted claims of a range of members in one row, a binary cell per claims table.

A block is a range of the 64-bit hash of the person, so a member lies in exactly one. All tables cross the
network together, as Arrow pieces and not as rows, in one exchange.
"""

import hashlib
from collections.abc import Iterator
from functools import partial, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from claimtwin.config.deployment import TableName
from claimtwin.errors import GuardError
from claimtwin.schema.tables import TABLES, arrow_schema, spark_schema
from claimtwin.spark.arrow import ddl_of, each_group, from_cell, to_cell

HASH_BITS = 64
DAY = {
    "eligibility": "enrollment_start_date",
    "medical_claim": "claim_start_date",
    "pharmacy_claim": "dispensing_date",
    "program_enrollment": "start_date",
}
MEMBERS = "members"
CUT_ROWS = 400_000
"""Rows that a task holds before it cuts them into pieces: enough that a piece is worth its envelope."""

PIECE = pa.schema([("block_id", pa.int64()), ("claims_table", pa.string()), ("piece", pa.binary())])
LAYOUT = pa.schema(
    [("block_id", pa.int64()), ("n_members", pa.int64()), (MEMBERS, pa.binary())]
    + [field for t in TABLES for field in ((f"n_{t}", pa.int64()), (f"fingerprint_{t}", pa.string()))]
    + [(t, pa.binary()) for t in TABLES]
)


def block_bits(rows: dict[TableName, int], target_bytes: int) -> int:
    """Bits of the hash that name a block, so that its payload before compression is about ``target_bytes`` at most.

    Taken from row counts and not from file sizes, so that the same claims give the same blocks.
    """
    payload = sum(count * _row_bytes(name) for name, count in rows.items())
    return max(0, (max(payload, 1) - 1) // max(target_bytes, 1)).bit_length()


def _row_bytes(name: TableName) -> int:
    """Bytes of a row in memory, a text cell taken as eight."""
    return 8 * len(arrow_schema(name))


def block_of(person: Column, bits: int) -> Column:
    """Number of the block that a person belongs to: the highest ``bits`` of the hash of the person."""
    return F.shiftrightunsigned(F.xxhash64(person), HASH_BITS - bits) if bits else F.lit(0).cast("bigint")


def build_blocks(tables: dict[TableName, DataFrame], bits: int) -> DataFrame:
    """One row per block: id, members, and for each table its rows, a fingerprint and the payload.

    In a payload, members are numbered from 0 in the order of their ids, and rows are sorted by member, day and
    all other columns; text is dictionary-encoded. A table without rows in the block is an empty payload.

    Raises:
        GuardError: A member arrived in a block that is not its own (on the workers).
    """
    pieces = [_pieces(name, tables[name], bits) for name in TABLES]
    together = reduce(DataFrame.unionAll, pieces)
    return together.groupBy("block_id").applyInArrow(each_group(partial(_assemble, bits)), schema=ddl_of(LAYOUT))


def _pieces(name: TableName, table: DataFrame, bits: int) -> DataFrame:
    placed = table.select(
        *(_held(table, field) for field in spark_schema(name)),
        F.xxhash64("person_id").alias("_hash"),
        block_of(F.col("person_id"), bits).alias("_block"),
    )
    return placed.mapInArrow(partial(_cut, name), schema=ddl_of(PIECE))


def _held(table: DataFrame, field: T.StructField) -> Column:
    """A column of the contract; null where the table was made before the contract had it."""
    return F.col(field.name) if field.name in table.columns else F.lit(None).cast(field.dataType).alias(field.name)


def _cut(name: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Split rows into one compressed piece per block, and the people in them into another."""
    for rows in _gathered(batches, CUT_ROWS):
        for block, piece in _split(rows, "_block"):
            people = piece.select(["person_id", "_hash"]).group_by(["person_id", "_hash"]).aggregate([])
            yield _piece(block, name, piece.drop_columns(["_hash"]))
            yield _piece(block, MEMBERS, people)


def _gathered(batches: Iterator[pa.RecordBatch], enough: int) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= enough:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _split(rows: pa.Table, by: str) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each value of an integer column, values ascending, the column dropped."""
    value = rows[by].to_numpy()
    order = np.argsort(value, kind="stable")
    blocks, first = np.unique(value[order], return_index=True)
    rows = rows.drop_columns([by]).take(pa.array(order))
    for block, start, stop in zip(blocks, first, [*first[1:], len(order)], strict=True):
        yield int(block), rows.slice(start, stop - start)


def _piece(block: int, name: str, rows: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"block_id": [block], "claims_table": [name], "piece": [to_cell(rows)]}, PIECE)


def _assemble(bits: int, block: int, pieces: pa.Table) -> pa.Table:
    """Join a block's pieces: members numbered in the order of their ids, rows sorted by member, day and all else."""
    people = _people(_joined(pieces, MEMBERS), block, bits)
    row: dict[str, object] = {"block_id": block, "n_members": people.num_rows, MEMBERS: to_cell(people)}
    for name in TABLES:
        found = _joined(pieces, name)
        table = empty_payload(name) if found is None else _numbered(found, people["person_id"], DAY[name])
        cell = to_cell(table)
        row |= {f"n_{name}": table.num_rows, f"fingerprint_{name}": hashlib.sha256(cell).hexdigest(), name: cell}
    return pa.Table.from_pylist([row], schema=LAYOUT)


def _people(found: pa.Table, block: int, bits: int) -> pa.Table:
    people = found.group_by(["person_id", "_hash"]).aggregate([]).sort_by("person_id")
    own = (
        people["_hash"].to_numpy().astype(np.uint64) >> np.uint64(HASH_BITS - bits) if bits else np.zeros(1, np.uint64)
    )
    if people.num_rows and not (own == np.uint64(block)).all():
        raise GuardError("A member arrived in a block that is not its own.", "member_blocks", "one block a member")
    return people.select(["person_id"])


def _joined(pieces: pa.Table, name: str) -> pa.Table | None:
    cells = pieces.filter(pc.equal(pieces["claims_table"], name))["piece"]
    return pa.concat_tables([from_cell(cell.as_buffer()) for cell in cells]) if len(cells) else None


def empty_payload(name: TableName) -> pa.Table:
    """What a block holds of a table in which its members have no row."""
    people = pa.chunked_array([pa.array([], pa.string())])
    return _numbered(arrow_schema(name).empty_table(), people, DAY[name])


def _numbered(table: pa.Table, people: pa.ChunkedArray, day: str) -> pa.Table:
    member = pc.index_in(table["person_id"], value_set=people)
    table = table.drop_columns(["person_id"]).add_column(0, "member", member)
    rest = [name for name in table.column_names if name not in ("member", day)]
    order = [(name, "ascending") for name in ("member", day, *rest)]
    table = table.take(pc.sort_indices(table, sort_keys=order)).combine_chunks()
    for k, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(k, field.name, pc.dictionary_encode(table[field.name]))
    return table.combine_chunks()
