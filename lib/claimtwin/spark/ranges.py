"""A block that is cut, on a cluster: its ranges are swept at the same time, then put right in a second, short pass.

The second pass goes through the ranges of a block in order, in one task. It holds one range as it was packed, unpacks
the parts of it that it sweeps again, and hands on who waits at the cut.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.kernel.matching import Rules
from claimtwin.kernel.matching.ranges import NOBODY_WAITS, Decided, Stretch, cut, repair, sweep_range
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.range_certificate import count_envious_in_step
from claimtwin.spark.arrow import ddl_of
from claimtwin.spark.packing import Places, gather_places, read_pieces, to_piece, unpack_pieces
from claimtwin.spark.pairing import MATCHES, Distance, match_blocks, rows_of_matches

PART = 1 << 16
"""People of a part: what is unpacked at one time in the second pass."""
SWEPT = pa.schema(
    [("block", pa.string()), ("step", pa.int64()), ("parts", pa.binary())]
    + [("decided", pa.binary()), ("waiting", pa.binary()), ("envious", pa.int64())]
)
DECIDED = pa.schema([("treated", pa.string()), ("twin", pa.string()), ("distance", pa.float64())])
WAITING = pa.schema([("person_id", pa.string()), ("treated", pa.bool_()), ("logit", pa.float64())])
Batches = Iterator[pa.RecordBatch]


def match_all(packed: DataFrame, rules: Rules, distance: Distance, places: Places) -> DataFrame:
    """One row per treated candidate, as ``match_blocks`` gives them, of blocks that are cut and of those that are not.

    Raises:
        InputError: From the task, where a score or a covariate is missing.
    """
    if not places.cuts:
        return match_blocks(packed, rules, distance, places)
    is_cut = F.col("block").isin(*sorted(places.cuts))
    whole = match_blocks(packed.where(~is_cut), rules, distance, places)
    return whole.unionByName(match_ranges(packed.where(is_cut), rules, places))


def match_ranges(packed: DataFrame, rules: Rules, places: Places) -> DataFrame:
    """One row per treated candidate of the blocks that are cut, as ``spark.pairing.match_blocks`` gives them.

    Memory: a task of the first pass holds one range; that of the second one range as it was packed, a part of
    ``PART`` people, and who waits at a cut, which are people within a caliper of it.

    Raises:
        InputError: From the task, where a score is infinite or missing.
    """
    swept = gather_places(packed, places, partial(_sweep, rules), SWEPT)
    in_order = swept.repartition("block").sortWithinPartitions("block", "step")
    return in_order.mapInArrow(partial(_put_right, rules, places.alone), schema=ddl_of(MATCHES))


def _sweep(rules: Rules, part: int, pieces: pa.Table) -> pa.Table:
    """One row: a range swept as if nobody waited, its people sorted and in parts."""
    names, _, people = unpack_pieces(pieces)
    whole = _stretch_of(people)
    parts = list(cut(whole, rules, PART))
    step = sweep_range(whole, NOBODY_WAITS, rules)
    cells = [people.take(pa.array(np.concatenate([p.treated, p.control]))).combine_chunks() for p in parts]
    row = {
        "block": names,
        "step": [-part if rules.order == "largest" else part],
        "parts": [to_piece(pa.concat_tables(cells).select(WAITING.names))],
        "decided": [to_piece(_named(step.decided, people["person_id"]), PART)],
        "waiting": [to_piece(_waiting(step.waiting, people["person_id"]))],
        "envious": [count_envious_in_step(step, whole, rules)],
    }
    return pa.table(row, schema=SWEPT)


def _stretch_of(people: pa.Table) -> Stretch:
    """People of one block, named by their rows."""
    treated = people["treated"].to_numpy()
    score, tie = people["logit"].to_numpy() + 0.0, people["tie_key"].to_numpy()
    sides = [np.flatnonzero(treated), np.flatnonzero(~treated)]
    t, c = (rows[np.lexsort((tie[rows], score[rows]))] for rows in sides)
    return Stretch(score[t], t, score[c], c)


def _named(decided: Decided, person: pa.ChunkedArray) -> pa.Table:
    """Names as ids; null for no twin."""
    none = decided.control < 0
    twin = person.take(pa.array(decided.control, mask=none))
    distance = pa.array(decided.distance, mask=none)
    return pa.table([person.take(pa.array(decided.treated)), twin, distance], schema=DECIDED).combine_chunks()


def _waiting(stretch: Stretch, person: pa.ChunkedArray) -> pa.Table:
    rows = np.concatenate([stretch.treated, stretch.control])
    arms = np.arange(len(rows)) < len(stretch.treated)
    columns = [person.take(pa.array(rows)), pa.array(arms), pa.array(np.concatenate([stretch.t, stretch.c]))]
    return pa.table(columns, schema=WAITING).combine_chunks()


def _put_right(rules: Rules, alone: frozenset[str], batches: Batches) -> Batches:
    """The second pass over the blocks of a task; rows arrive by block and step."""
    line: _Line | None = None
    for batch in batches:
        for row in range(batch.num_rows):
            name = batch.column("block")[row].as_py()
            if line is None or line.block != name:
                if line is not None:
                    yield from line.end()
                line = _Line(rules, name, name in alone)
            line.envious += batch.column("envious")[row].as_py()
            yield from line.add(*(batch.column(k)[row].as_buffer() for k in ("parts", "decided", "waiting")))
    if line is not None:
        yield from line.end()


class _Line:
    """One block on its way: who waits at the cut that has been reached, pairs so far, and the envious not told yet."""

    def __init__(self, rules: Rules, block: str, is_alone: bool) -> None:
        self.rules, self.block, self.is_alone = rules, block, is_alone
        self.waiting, self.pairs, self.envious = WAITING.empty_table(), 0, 0

    def add(self, parts: pa.Buffer, decided: pa.Buffer, waiting: pa.Buffer) -> Batches:
        """Rows of the next range: its own beginning again, then what its first sweep decided."""
        people = _Parts(parts, self.waiting)
        fixed = repair(iter(people), people.waiting, self.rules)
        for step, part in zip(fixed.steps, people.read, strict=True):
            self.envious += count_envious_in_step(step, part, self.rules)
            yield from self._rows(_named(step.decided, people.person))
        skipped = fixed.replaced
        for batch in read_pieces(decided):
            yield from self._rows(pa.Table.from_batches([batch.slice(min(skipped, batch.num_rows))]))
            skipped -= min(skipped, batch.num_rows)
        if fixed.waiting is None:
            self.waiting = pa.Table.from_batches(read_pieces(waiting), WAITING)
        else:
            self.waiting = _waiting(fixed.waiting, people.person)

    def end(self) -> Batches:
        """Rows of those who still wait when there is nobody left."""
        people = _Parts(None, self.waiting)
        step = sweep_range(NOBODY_WAITS, people.waiting, self.rules)
        self.envious += count_envious_in_step(step, NOBODY_WAITS, self.rules)
        yield from self._rows(_named(step.decided, people.person))

    def _rows(self, decided: pa.Table) -> Batches:
        found = decided["twin"].is_valid().to_numpy()
        n = len(found)
        rank = np.where(found, self.pairs + np.cumsum(found) - 1, NOBODY)
        self.pairs += int(found.sum())
        rows = rows_of_matches(
            block=pa.nulls(n, pa.string()).fill_null(self.block),
            rank=rank,
            treated=decided["treated"],
            twin=decided["twin"],
            distance=decided["distance"].to_numpy(),
            alone=np.full(n, self.is_alone),
            envious=self.envious,
        )
        self.envious = 0 if n else self.envious
        yield from rows.combine_chunks().to_batches()


class _Parts:
    """The parts of a range, read one by one, and those who waited before it; all named by their place in ``person``."""

    def __init__(self, packed: pa.Buffer | None, waiting: pa.Table) -> None:
        self.packed, self.people, self.read = packed, [waiting], list[Stretch]()
        self.waiting = _sides(waiting, 0)

    def __iter__(self) -> Iterator[Stretch]:
        start = self.people[0].num_rows
        for batch in read_pieces(self.packed):
            self.people.append(pa.Table.from_batches([batch]))
            self.read.append(_sides(self.people[-1], start))
            start += batch.num_rows
            yield self.read[-1]

    @property
    def person(self) -> pa.ChunkedArray:
        """Ids of everybody read so far."""
        return pa.concat_tables(self.people)["person_id"]


def _sides(people: pa.Table, start: int) -> Stretch:
    """People whose rows are the treated, then the others, either sorted."""
    n, score = int(people["treated"].to_numpy().sum()), people["logit"].to_numpy()
    name = np.arange(start, start + len(score))
    return Stretch(score[:n], name[:n], score[n:], name[n:])
