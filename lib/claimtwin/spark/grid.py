"""Several studies of the same people in as few passes as one: each block is read once for all of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.protocol import Protocol
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.index_events import day_number
from claimtwin.schema.tables import TABLES
from claimtwin.spark.arrow import ddl_of, each_block
from claimtwin.spark.blocks import MEMBERS
from claimtwin.spark.decode import CodeBook, claims_of_block
from claimtwin.spark.design import DesignColumn, matrix_of
from claimtwin.spark.facts import LAYOUT, candidates_among
from claimtwin.spark.outcomes import KEY, asked_cells, count_asked, outcome_layout
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments, add_moments, moments_of
from claimtwin.stats.newton import LogitSums, add_sums, logit_sums

Batches = Iterator[pa.RecordBatch]
Study = tuple[Protocol, CodeBook]
NUMBER = pa.field("number", pa.int32())
GRID = pa.schema([NUMBER, *LAYOUT])
STRETCH = pa.schema([NUMBER, ("x", pa.binary()), ("treated", pa.binary())])
SUMS = pa.schema([NUMBER, ("sums", pa.list_(pa.float64()))])


def find_eligible(blocks: DataFrame, studies: Sequence[Study]) -> DataFrame:
    """One row per study (``number``, its place), person and arm that meets every criterion, as ``facts`` finds them."""
    kernel = partial(_eligible_of_block, studies=tuple(studies))
    return blocks.select("block_id", MEMBERS, *TABLES).mapInArrow(each_block(kernel), schema=ddl_of(GRID))


def pack_designs(eligible: DataFrame, columns: Mapping[int, tuple[int, Sequence[DesignColumn]]]) -> DataFrame:
    """One row per stretch of candidates and model: ``number`` of the model, matrix and arms as bytes.

    ``columns`` names each model's study and its columns.
    """
    pack = partial(_pack, {number: (study, tuple(own)) for number, (study, own) in columns.items()})
    return eligible.mapInArrow(pack, schema=ddl_of(STRETCH))


def sum_all_moments(design: DataFrame, widths: Mapping[int, int]) -> DataFrame:
    """One row per task and model: moments of its candidates, packed."""
    measures = {number: moments_of for number in widths}
    return design.mapInArrow(partial(_sums, widths, measures, add_moments), schema=ddl_of(SUMS))


def sum_all_logits(
    design: DataFrame, widths: Mapping[int, int], at: Mapping[int, FloatArray], moments: Mapping[int, Moments]
) -> DataFrame:
    """One row per task and model asked about: sums of its candidates at the coefficients ``at``, packed."""
    measures = {number: partial(logit_sums, beta=beta, moments=moments[number]) for number, beta in at.items()}
    asked = design.where(F.col("number").isin(*at))
    return asked.mapInArrow(partial(_sums, widths, measures, add_sums), schema=ddl_of(SUMS))


def find_grid_outcomes(
    blocks: DataFrame, asked: DataFrame, studies: Sequence[Study], ends: Sequence[date | None]
) -> DataFrame:
    """One row per study, person and arm asked about: the number of events of each outcome in that study's window.

    Args:
        blocks: Member blocks; those without an asked person are not unpacked.
        asked: ``number``, ``block_id``, ``person_id``, ``treated``, ``index_date``.
        studies: In the order of their numbers; outcomes bear the same names in all.
        ends: Last day of follow-up of each study that censors; null: cover alone ends it.
    """
    cells, needed = asked_cells(asked, [NUMBER.name, *KEY]), [MEMBERS, *TABLES]
    joined = blocks.select("block_id", *needed).join(F.broadcast(cells), "block_id")
    last = tuple(None if end is None else day_number(end) for end in ends)
    kernel = partial(_outcomes_of_block, studies=tuple(studies), ends=last)
    layout = ddl_of(_outcomes_layout(studies[0][0]))
    return joined.select("asked", *needed).mapInArrow(each_block(kernel), schema=layout)


def _outcomes_layout(protocol: Protocol) -> pa.Schema:
    return pa.schema([NUMBER, *outcome_layout(protocol)])


def _eligible_of_block(tables: dict[str, pa.Table], studies: tuple[Study, ...]) -> pa.Table:
    claims, read, parts = None, None, []
    for number, (protocol, book) in enumerate(studies):
        if claims is None or book != read:
            claims, read = claims_of_block(tables, book), book
        found = candidates_among(tables, claims, protocol)
        found = found.filter(pc.equal(found["met"], (1 << len(criteria_of(protocol))) - 1))
        parts.append(_numbered(found, number, GRID))
    return pa.concat_tables(parts)


def _outcomes_of_block(
    tables: dict[str, pa.Table], studies: tuple[Study, ...], ends: tuple[int | None, ...]
) -> pa.Table:
    asked, parts = tables["asked"], []
    layout = _outcomes_layout(studies[0][0])
    for number, ((protocol, book), end) in enumerate(zip(studies, ends, strict=True)):
        own = asked.filter(pc.equal(asked[NUMBER.name], number))
        if own.num_rows:
            parts.append(_numbered(count_asked({**tables, "asked": own}, protocol, book, end), number, layout))
    return pa.concat_tables(parts) if parts else layout.empty_table()


def _numbered(rows: pa.Table, number: int, layout: pa.Schema) -> pa.Table:
    column = pa.array(np.full(rows.num_rows, number, np.int32))
    return rows.append_column(NUMBER.name, column).select(layout.names).cast(layout)


def _pack(columns: Mapping[int, tuple[int, tuple[DesignColumn, ...]]], batches: Batches) -> Batches:
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        for number, (study, own) in columns.items():
            people = rows.filter(pc.equal(rows[NUMBER.name], study))
            if people.num_rows:
                x = matrix_of(people, own)
                arms = np.asarray(people["treated"].to_numpy(), np.bool_)
                row = {"number": [number], "x": [x.tobytes()], "treated": [arms.tobytes()]}
                yield pa.RecordBatch.from_pydict(row, STRETCH)


def _sums(
    widths: Mapping[int, int],
    measures: Mapping[int, Callable[..., Moments | LogitSums]],
    add: Callable[..., Moments | LogitSums],
    batches: Batches,
) -> Batches:
    """Measure each stretch of a task, add as it goes, and hand on one packed row a model."""
    total: dict[int, Moments | LogitSums] = {}
    for batch in batches:
        for number, x, arms in zip(*(batch.column(name) for name in STRETCH.names), strict=True):
            model = number.as_py()
            matrix = np.frombuffer(x.as_buffer(), np.float64).reshape(-1, widths[model])
            new = measures[model](matrix, np.frombuffer(arms.as_buffer(), np.bool_))
            total[model] = add([total[model], new]) if model in total else new
    for model, sums in total.items():
        yield pa.RecordBatch.from_pydict({"number": [model], "sums": [sums.pack()]}, SUMS)
