"""Candidates on their way to the match: packed by block, so that pieces cross the network and not rows.

A *piece* is what one task has of one block, as an Arrow cell. A *place* is where pieces are matched together: a large
block on its own, a range of scores of a block that is cut, or small blocks that share a task.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.kernel.columns import Index, starts_run
from claimtwin.spark.arrow import ddl_of, from_cell

SHARED = 1024
"""Places that blocks of no place of their own share, by a checksum of their name."""
GATHERED = 400_000
"""Candidates that a task holds before it packs them: about 25 MB with ids of 12 letters, a piece at most half of it."""
MARKS = 64
"""Stretches of equally many people that the marks of a piece divide it into."""
PACKED = pa.schema(
    [("block", pa.string()), ("n", pa.int64()), ("n_treated", pa.int64())]
    + [("marks", pa.list_(pa.float64())), ("people", pa.binary())]
)
PLACED = pa.schema([("place", pa.string()), ("part", pa.int64()), ("block", pa.string()), ("people", pa.binary())])
PERSON = pa.schema(
    [("person_id", pa.string()), ("treated", pa.bool_()), ("tie_key", pa.int64()), ("logit", pa.float64())]
)
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Places:
    """Which blocks have a place of their own, and at which scores blocks are cut.

    Attributes:
        own: Names of large blocks.
        cuts: Scores of each block that is matched range by range; ascending. A range holds the scores from one cut
            up to, not including, the next. Any cuts give the same pairs.
        alone: Blocks among ``cuts`` that have no comparator.
    """

    own: frozenset[str] = frozenset()
    cuts: Mapping[str, Sequence[float]] = field(default_factory=dict)
    alone: frozenset[str] = frozenset()

    def column(self) -> Column:
        """Name of a row's place; one of a block's own cannot be mistaken for a shared one."""
        shared = F.concat(F.lit("shared "), (F.crc32(F.col("block").cast("binary")) % SHARED).cast("string"))
        own = F.concat(F.lit("own "), F.col("block"))
        return F.when(F.col("block").isin(*sorted(self.own)), own).otherwise(shared) if self.own else shared


def person_layout(extra: Sequence[str]) -> pa.Schema:
    """Columns of a cell: those of ``PERSON``, and numbers that the match looks at."""
    return pa.schema([*PERSON, *((name, pa.float64()) for name in extra)])


def pack_people(scores: DataFrame, extra: Sequence[str] = ()) -> DataFrame:
    """One row per piece (``PACKED``) of a frame of one row a candidate: ``block``, ``PERSON`` and ``extra``."""
    rows = scores.select("block", *PERSON.names, *(F.col(name).cast("double") for name in extra))
    return rows.mapInArrow(partial(pack_batches, tuple(extra)), schema=ddl_of(PACKED))


def pack_batches(extra: Sequence[str], batches: Batches) -> Batches:
    """Pieces of batches of candidates; ``marks`` are scores that divide a piece into equally many people."""
    layout = person_layout(extra)
    for rows in _gathered(batches):
        code, names = _codes(rows["block"])
        people = rows.select(layout.names).cast(layout)
        for chosen in _runs(code):
            piece = people.take(pa.array(chosen)).combine_chunks()
            treated, logit = piece["treated"].to_numpy(), piece["logit"].to_numpy()
            row = {
                "block": [names[code[chosen[0]]]], "n": [len(chosen)], "n_treated": [int(np.count_nonzero(treated))],
                "marks": [_marks(logit)], "people": [to_piece(piece)],
            }  # fmt: skip
            yield pa.RecordBatch.from_pydict(row, PACKED)


def unpack_people(packed: DataFrame, extra: Sequence[str] = ()) -> DataFrame:
    """One row per candidate: ``person_id``, ``treated``, ``tie_key``, ``logit``, ``extra``, ``block``."""
    layout = pa.schema([*person_layout(extra), ("block", pa.string())])
    return packed.select("block", "people").mapInArrow(partial(_unpack, layout), schema=ddl_of(layout))


def gather_places(
    packed: DataFrame, places: Places, work: Callable[[int, pa.Table], pa.Table], to: pa.Schema
) -> DataFrame:
    """Bring the pieces of every place together and give them to ``work(part, pieces)``; its rows come out.

    Pieces have ``block`` and ``people``, in no order. ``part`` is the number of the range in a block that is cut,
    0 in all others; ``packed`` holds only the one kind or the other.

    Memory: a task holds the pieces of its partition as they are packed, and works on one place at a time. Grouping
    by Spark would hold one place only, but sorts and copies every piece on its way.
    """
    if places.cuts:
        placed = packed.select("block", "people").mapInArrow(partial(_cut, places), schema=ddl_of(PLACED))
    else:
        placed = packed.select(places.column().alias("place"), F.lit(0).cast("bigint").alias("part"), "block", "people")
    return placed.repartition("place", "part").mapInArrow(partial(_by_place, work), schema=ddl_of(to))


def _by_place(work: Callable[[int, pa.Table], pa.Table], batches: Batches) -> Batches:
    """Rows of every place of a task, by place and part."""
    held: dict[tuple[str, int], list[pa.RecordBatch]] = {}
    for batch in batches:
        columns = (batch.column(name).to_pylist() for name in ("place", "part"))
        for row, key in enumerate(zip(*columns, strict=True)):
            held.setdefault(key, []).append(batch.slice(row, 1).select(["block", "people"]))
    for key in sorted(held):
        yield from work(key[1], pa.Table.from_batches(held.pop(key))).to_batches()


def unpack_pieces(pieces: pa.Table) -> tuple[list[str], Index, pa.Table]:
    """Names of the blocks in their order, each person's block as a number of that list, and the people.

    People who share a tie key stand in the order of their ids, so that ties fall alike in any partitioning.
    """
    block = pieces["block"].to_pylist()
    tables = [from_cell(cell.as_buffer()) for cell in pieces["people"]]
    names = sorted(set(block))
    code = np.repeat([names.index(name) for name in block], [table.num_rows for table in tables])
    people = pa.concat_tables(tables).combine_chunks()
    order = _order_of_shared(people)
    return (names, code, people) if order is None else (names, code[order], people.take(pa.array(order)))


def to_piece(table: pa.Table, most: int | None = None) -> bytes:
    """An Arrow stream of a table's chunks, each of at most so many rows; one can be read without the next."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=OPTIONS) as writer:
        writer.write_table(table, max_chunksize=most)
    piece: bytes = sink.getvalue().to_pybytes()
    return piece


def read_pieces(piece: pa.Buffer) -> Batches:
    """The batches of a stream, unpacked one at a time."""
    with pa.ipc.open_stream(piece) as reader:
        yield from reader


def _order_of_shared(people: pa.Table) -> NDArray[np.int64] | None:
    """Rows with those that share a tie key put in the order of ids; nothing where nobody shares one, as with hashes."""
    tie = people["tie_key"].to_numpy()
    ordered = np.sort(tie)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(shared):
        return None
    rows = np.flatnonzero(np.isin(tie, shared))
    by_id = people.take(pa.array(rows)).append_column("row", pa.array(rows))
    order = np.arange(len(tie))
    order[rows] = by_id.sort_by([("person_id", "ascending"), ("treated", "descending")])["row"].to_numpy()
    return order


def _unpack(layout: pa.Schema, batches: Batches) -> Batches:
    for batch in batches:
        for block, cell in zip(batch.column("block").to_pylist(), batch.column("people"), strict=True):
            people = from_cell(cell.as_buffer())
            named = people.append_column("block", pa.repeat(pa.scalar(block, pa.string()), people.num_rows))
            yield from named.select(layout.names).cast(layout).to_batches(max_chunksize=1 << 16)


def _cut(places: Places, batches: Batches) -> Batches:
    """Pieces of blocks that are cut, cut."""
    for batch in batches:
        for block, cell in zip(batch.column("block").to_pylist(), batch.column("people"), strict=True):
            people = from_cell(cell.as_buffer())
            part = np.searchsorted(places.cuts[block], people["logit"].to_numpy(), "right")
            for chosen in _runs(part):
                row = {"place": [f"own {block}"], "part": [int(part[chosen[0]])], "block": [block]}
                row["people"] = [to_piece(people.take(pa.array(chosen)).combine_chunks())]
                yield pa.RecordBatch.from_pydict(row, PLACED)


def _marks(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = np.sort(logit)
    return ordered[np.unique(np.arange(MARKS + 1) * (len(ordered) - 1) // MARKS)]


def _codes(block: pa.ChunkedArray) -> tuple[Index, list[str]]:
    coded = block.combine_chunks().dictionary_encode()
    return coded.indices.to_numpy(), coded.dictionary.to_pylist()


def _runs(key: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
    """Rows of each key, keys ascending; few keys fit 16 bits, which sort fastest."""
    small = key.astype(np.uint16) if len(key) and key.max() < 2**16 else key
    order = np.argsort(small, kind="stable")
    yield from np.split(order, np.flatnonzero(starts_run(key[order]))[1:])


def _gathered(batches: Batches) -> Iterator[pa.Table]:
    held, n = list[pa.RecordBatch](), 0
    for batch in batches:
        held.append(batch)
        n += batch.num_rows
        if n >= GATHERED:
            yield pa.Table.from_batches(held)
            held, n = [], 0
    if n:
        yield pa.Table.from_batches(held)
