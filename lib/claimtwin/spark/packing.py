"""Candidates on their way to the match: packed per task, so that pieces cross the network and not rows.

A *place* is where candidates are matched together: a large block on its own, a range of scores of a block that is cut,
or small blocks that share a task. Each map task sorts its candidates by place and makes one Arrow cell of each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from claimtwin.kernel.columns import Index, starts_run
from claimtwin.spark.arrow import ddl_of, from_cell

SHARED = 1024
"""Places that blocks of no place of their own share, by a checksum of their name."""
GATHERED = 1_000_000
"""Candidates that a map task holds before it packs them: about 60 MB with ids of 12 letters."""
PLACED = pa.schema([("place", pa.string()), ("part", pa.int64()), ("people", pa.binary())])
PERSON = ("person_id", "treated", "block", "tie_key", "logit")
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

    def of(self, block: str) -> str:
        """Name of the place of a block; a name of its own cannot be mistaken for a shared one."""
        return f"own {block}" if block in self.own or block in self.cuts else f"shared {crc32(block.encode()) % SHARED}"


def pack_people(scores: DataFrame, places: Places, extra: Sequence[str] = ()) -> DataFrame:
    """One row per map task, place and range: its people in a cell; ``part`` is the number of the range, else 0.

    Args:
        scores: One row a candidate, as ``spark.scores.SCORES``.
        extra: Columns of numbers that are taken along.
    """
    wanted = [*PERSON, *(name for name in extra if name not in PERSON)]
    return scores.select(*wanted).mapInArrow(partial(_pack, places), schema=ddl_of(PLACED))


def place_people(
    scores: DataFrame, places: Places, extra: Sequence[str], work: Callable[[int, pa.Table], pa.Table], to: pa.Schema
) -> DataFrame:
    """Gather the people of every place and range and give them to ``work(part, people)``; its rows come out.

    The rows of ``people`` stand in no order.
    """
    packed = pack_people(scores, places, extra)

    def run(key: tuple[pa.Scalar, ...], pieces: pa.Table) -> pa.Table:
        return work(key[1].as_py(), pa.concat_tables(from_cell(cell.as_buffer()) for cell in pieces["people"]))

    return packed.groupBy("place", "part").applyInArrow(run, schema=ddl_of(to))


def settle_order(people: pa.Table) -> pa.Table:
    """Put people who share a tie key in the order of their ids, so that ties fall alike in any partitioning.

    Keys are hashes, and hardly ever shared; nobody else is moved.
    """
    tie = people["tie_key"].to_numpy()
    order = np.argsort(tie, kind="stable")
    shared = ~starts_run(tie[order])
    shared[:-1] |= shared[1:]
    if not shared.any():
        return people
    rows = np.sort(order[shared])
    by_id = people.take(pa.array(rows)).append_column("row", pa.array(rows))
    by_id = by_id.sort_by([("person_id", "ascending"), ("treated", "descending")])
    at = np.arange(people.num_rows)
    at[rows] = by_id["row"].to_numpy()
    return people.take(pa.array(at))


def to_piece(table: pa.Table, most: int | None = None) -> bytes:
    """An Arrow stream of a table's chunks, each of at most so many rows; one can be read without the next."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=OPTIONS) as writer:
        writer.write_table(table, max_chunksize=most)
    piece: bytes = sink.getvalue().to_pybytes()
    return piece


def read_pieces(piece: pa.Buffer) -> Iterator[pa.RecordBatch]:
    """The batches of a stream, unpacked one at a time."""
    with pa.ipc.open_stream(piece) as reader:
        yield from reader


def codes_of(block: pa.ChunkedArray) -> tuple[list[str], Index]:
    """Names of blocks in their order, and each person's block as a number of that list."""
    coded = block.combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    number = np.empty(len(names), np.int64)
    number[order] = np.arange(len(names))
    return [names[k] for k in order], number[coded.indices.to_numpy()]


def _pack(places: Places, batches: Batches) -> Batches:
    for rows in _gathered(batches):
        names, code = codes_of(rows["block"])
        named = [places.of(name) for name in names]
        at = sorted(set(named))
        part = _part(places, names, code, rows["logit"])
        place = np.array([at.index(name) for name in named], np.int64)[code]
        for chosen in _runs(place * (int(part.max(initial=0)) + 1) + part):
            first = chosen[0]
            cell = to_piece(rows.take(pa.array(chosen)).combine_chunks())
            row = {"place": [at[place[first]]], "part": [int(part[first])], "people": [cell]}
            yield pa.RecordBatch.from_pydict(row, PLACED)


def _part(places: Places, names: Sequence[str], code: Index, logit: pa.ChunkedArray) -> Index:
    part = np.zeros(len(code), np.int64)
    for number, name in enumerate(names):
        if name in places.cuts:
            rows = np.flatnonzero(code == number)
            part[rows] = np.searchsorted(places.cuts[name], logit.to_numpy()[rows], "right")
    return part


def _runs(key: Index) -> Iterator[NDArray[np.int64]]:
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
