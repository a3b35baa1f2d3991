"""Blocks to candidates: the kernels of a study run on every block, without an exchange."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.config.events import FAMILIES
from claimtwin.config.protocol import Protocol
from claimtwin.config.score import CATEGORIES, ON_REQUEST, Score
from claimtwin.kernel.candidates import Candidates, build_candidates
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import Days
from claimtwin.kernel.covariates import Cells
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.hashing import tie_key
from claimtwin.kernel.index_events import REGION_NAMES, draw_days
from claimtwin.schema.tables import TABLES
from claimtwin.spark.arrow import ddl_of, each_block
from claimtwin.spark.assigning import PURPOSE, USERS, count_users, users_of_block, with_drawn_days
from claimtwin.spark.blocks import MEMBERS
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import CENSUS_REGIONS, SEXES, claims_of_block

LAYOUT = pa.schema(
    [
        ("person_id", pa.string()), ("block_id", pa.int64()), ("treated", pa.bool_()), ("index_date", pa.date32()),
        ("met", pa.int64()), ("tie_key", pa.int64()), ("age", pa.int32()), ("sex", pa.string()),
        ("census_region", pa.string()), ("body_region", pa.string()), ("employer_id", pa.string()),
        ("index_month", pa.string()), *((f"{family}_visits", pa.int32()) for family in FAMILIES),
        ("log_allowed", pa.float64()), ("comorbidity_count", pa.int32()),
    ]
)  # fmt: skip
UNKNOWN = "unknown"
DRAWN_FROM = "days_of_users"


def find_candidates(blocks: DataFrame, protocol: Protocol, book: CodeBook) -> DataFrame:
    """One row per person and arm at one index date, criteria as the bits of ``met`` (kernel.eligibility).

    Null body region: the index event names none. Text attributes are ``unknown`` where the enrolment does not
    tell; ``log_allowed`` is the natural logarithm of 1 plus allowed dollars in the look-back.
    Where comparators are assigned a day, the blocks are passed once more before, for the days of the treated.
    """
    kernel = each_block(partial(candidates_of_block, protocol=protocol, book=book))
    layout = ddl_of(layout_of(protocol.score))
    needed = blocks.select("block_id", MEMBERS, *TABLES)
    if protocol.draw is not None:
        had = each_block(partial(users_of_block, protocol=protocol, book=book, draw=protocol.draw))
        needed = needed.crossJoin(F.broadcast(count_users(needed.mapInArrow(had, schema=ddl_of(USERS)))))
    elif protocol.arms.comparator.source == "assigned":
        users = needed.mapInArrow(kernel, schema=layout).where(is_eligible(protocol, but=["one_arm"]))
        needed = needed.crossJoin(F.broadcast(days_of_users(users)))
    return needed.mapInArrow(kernel, schema=layout)


def days_of_users(users: DataFrame) -> DataFrame:
    """One row: how many of the eligible treated have each index day, as a list in the order of days."""
    counted = users.where("treated").groupBy("index_date").agg(F.count(F.lit(1)).alias("people"))
    return counted.agg(F.sort_array(F.collect_list(F.struct("index_date", "people"))).alias(DRAWN_FROM))


def layout_of(score: Score) -> pa.Schema:
    """Columns of the candidates: those of all studies, then what the protocol asks for, then its code groups.

    ``groups`` holds the code groups of a candidate's look-back as int64, ascending (``codes.groups``).
    """
    named: list[str] = [name for name in score.covariates if name in ON_REQUEST]
    layout = LAYOUT
    for name in (*named, *score.measured()):
        number = pa.float64() if name.endswith(("_units", "_log_allowed")) else pa.int32()
        kind = pa.string() if name in CATEGORIES else number
        layout = layout.append(pa.field(name, kind))
    return layout if score.data_driven is None else layout.append(pa.field("groups", pa.binary()))


def is_eligible(protocol: Protocol, *, but: Sequence[str] = ()) -> Column:
    """Whether a candidate meets every criterion of the study, those named in ``but`` aside."""
    wanted = sum(1 << k for k, name in enumerate(criteria_of(protocol)) if name not in but)
    return F.col("met").bitwiseAND(F.lit(wanted).cast("bigint")) == wanted


def candidates_of_block(tables: dict[str, pa.Table], protocol: Protocol, book: CodeBook) -> pa.Table:
    """Candidates of one block, sorted by person, treated first."""
    return candidates_among(tables, claims_of_block(tables, book), protocol)


def candidates_among(tables: dict[str, pa.Table], claims: Claims, protocol: Protocol) -> pa.Table:
    """The same, of a block whose claims are read already."""
    if protocol.draw is not None:
        claims = with_drawn_days(tables, claims, protocol, protocol.draw)
    else:
        claims = replace(claims, assigned=_assigned(tables, protocol.study.seed))
    found = build_candidates(claims, protocol)
    people = tables[MEMBERS]["person_id"].take(pa.array(found.member))
    employers = tables["eligibility"]["employer_id"].combine_chunks().dictionary.to_pylist()
    block = tables["block_id"]["block_id"][0].as_py()
    columns = {
        "person_id": people,
        "block_id": np.full(len(found.member), block, np.int64),
        "tie_key": tie_key(protocol.study.seed, people.to_pylist()),
        **_attributes(claims, found, employers),
        **_covariates(found),
        **found.extras,
        "groups": _cells(found.groups),
    }
    layout = layout_of(protocol.score)
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in layout}, schema=layout)


def _cells(groups: Cells | None) -> list[bytes]:
    if groups is None:
        return []
    ends, raw = groups.ends.tolist(), groups.keys.tobytes()
    return [raw[8 * low : 8 * high] for low, high in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def _assigned(tables: dict[str, pa.Table], seed: int) -> Days | None:
    """The day drawn for each member of the block; null where none is to be drawn, or nobody is treated."""
    users = tables[DRAWN_FROM][DRAWN_FROM][0].as_py() if DRAWN_FROM in tables else []
    if not users:
        return None
    days = np.array([user["index_date"] for user in users], "datetime64[D]").astype(np.int32)
    people = np.array([user["people"] for user in users], np.int64)
    draws = tie_key(seed, tables[MEMBERS]["person_id"].to_pylist(), purpose=PURPOSE)
    return draw_days(draws, days, people)


def _attributes(claims: Claims, found: Candidates, employers: list[str]) -> dict[str, object]:
    row, days = found.people.row, found.entries.day.astype("datetime64[D]")
    cover = claims.coverage
    return {
        "treated": found.treated,
        "index_date": days,
        "met": found.met,
        "index_month": days.astype("datetime64[M]").astype(str).tolist(),
        "sex": _named(cover.sex, row, SEXES),
        "census_region": _named(cover.region, row, CENSUS_REGIONS),
        "employer_id": _named(cover.employer, row, employers),
        "body_region": [REGION_NAMES[k] if k >= 0 else None for k in found.entries.body.tolist()],
    }


def _covariates(found: Candidates) -> dict[str, object]:
    visits = {f"{family}_visits": found.visits[:, k] for k, family in enumerate(FAMILIES)}
    dollars = np.maximum(found.cents, 0) / 100
    return visits | {
        "age": found.people.age, "log_allowed": np.log1p(dollars), "comorbidity_count": found.comorbidities
    }  # fmt: skip


def _named(numbers: NDArray[np.integer], row: NDArray[np.int64], names: Sequence[str]) -> list[str]:
    """Text of each candidate's attribute from its enrolment row; ``unknown`` for no row or no value."""
    chosen = [int(numbers[r]) if r >= 0 else -1 for r in row.tolist()]
    return [names[k] if k >= 0 else UNKNOWN for k in chosen]
