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
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.index_events import day_number
from claimtwin.schema.tables import TABLES
from claimtwin.spark.arrow import ddl_of, each_block
from claimtwin.spark.blocks import MEMBERS
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.design import DesignColumn, matrix_of
from claimtwin.spark.facts import DRAWN_FROM, candidates_among, layout_of
from claimtwin.spark.outcomes import KEY, asked_cells, count_asked, outcome_layout
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments, add_moments, moments_of
from claimtwin.stats.newton import LogitSums, add_sums, logit_sums

Batches = Iterator[pa.RecordBatch]
Study = tuple[Protocol, CodeBook]
NUMBER = pa.field("number", pa.int32())
DAYS = pa.list_(pa.struct([("index_date", pa.date32()), ("people", pa.int64())]))
USERS = pa.schema([NUMBER, ("index_date", pa.date32())])
STRETCH = pa.schema([NUMBER, ("x", pa.binary()), ("treated", pa.binary())])
SUMS = pa.schema([NUMBER, ("sums", pa.list_(pa.float64()))])


def find_eligible(blocks: DataFrame, studies: Sequence[Study]) -> DataFrame:
    """One row per study (``number``, its place), person and arm that meets every criterion, as ``facts`` finds them.

    Covariates that only some studies ask for are null in the rows of the others. Where comparators are assigned a day,
    the blocks are passed once more before, for the days of the treated of all such studies.
    """
    needed = blocks.select("block_id", MEMBERS, *TABLES)
    if any(_is_assigned(protocol) for protocol, _ in studies):
        needed = needed.crossJoin(F.broadcast(_days_of_users(needed, studies)))
    kernel = partial(_eligible_of_block, studies=tuple(studies))
    return needed.mapInArrow(each_block(kernel), schema=ddl_of(grid_layout(studies)))


def grid_layout(studies: Sequence[Study]) -> pa.Schema:
    """Number of the study, the columns of all candidates, then what any of the studies asks for."""
    fields = {field.name: field for protocol, _ in studies for field in layout_of(protocol.score)}
    return pa.schema([NUMBER, *fields.values()])


def _is_assigned(protocol: Protocol) -> bool:
    return protocol.arms.comparator.source == "assigned"


def _days_of_users(needed: DataFrame, studies: Sequence[Study]) -> DataFrame:
    """One row: for each study that assigns days, how many of its eligible treated have each index day."""
    kernel = partial(_users_of_block, studies=tuple(studies))
    users = needed.mapInArrow(each_block(kernel), schema=ddl_of(USERS))
    counted = users.groupBy("number", "index_date").agg(F.count(F.lit(1)).alias("people"))
    days = F.sort_array(F.collect_list(F.struct("index_date", "people"))).alias("days")
    by_study = counted.groupBy("number").agg(days)
    return by_study.agg(F.collect_list(F.struct("number", "days")).alias(DRAWN_FROM))


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
    layout, parts = grid_layout(studies), []
    for number, claims in _each_read(tables, studies):
        protocol = studies[number][0]
        found = candidates_among(_with_days(tables, number), claims, protocol)
        found = found.filter(pc.equal(found["met"], (1 << len(criteria_of(protocol))) - 1))
        for field in layout:
            if field.name != NUMBER.name and field.name not in found.column_names:
                found = found.append_column(field, pa.nulls(found.num_rows, field.type))
        parts.append(_numbered(found, number, layout))
    return pa.concat_tables(parts)


def _users_of_block(tables: dict[str, pa.Table], studies: tuple[Study, ...]) -> pa.Table:
    """Index days of the treated who meet all but ``one_arm``, for the studies that draw days from them."""
    parts = [USERS.empty_table()]
    for number, claims in _each_read(tables, studies):
        protocol = studies[number][0]
        if _is_assigned(protocol):
            found, names = candidates_among(tables, claims, protocol), criteria_of(protocol)
            wanted = sum(1 << k for k, name in enumerate(names) if name != "one_arm")
            met = np.asarray(found["met"].to_numpy(), np.int64) & wanted
            chosen = (met == wanted) & np.asarray(found["treated"].to_numpy(), np.bool_)
            parts.append(_numbered(found.filter(pa.array(chosen)), number, USERS))
    return pa.concat_tables(parts)


def _each_read(tables: dict[str, pa.Table], studies: tuple[Study, ...]) -> Iterator[tuple[int, Claims]]:
    """Number of each study and the claims as its lists read them; those of equal lists are read once."""
    left = list(range(len(studies)))
    while left:
        book = studies[left[0]][1]
        same = [number for number in left if studies[number][1] == book]
        claims = claims_of_block(tables, book)
        yield from ((number, claims) for number in same)
        left = [number for number in left if number not in same]


def _with_days(tables: dict[str, pa.Table], number: int) -> dict[str, pa.Table]:
    """The block with the days that this study draws from, if days are drawn at all."""
    if DRAWN_FROM not in tables:
        return tables
    drawn = {row["number"]: row["days"] for row in tables[DRAWN_FROM][DRAWN_FROM][0].as_py()}
    return {**tables, DRAWN_FROM: pa.table({DRAWN_FROM: pa.array([drawn.get(number, [])], DAYS)})}


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
