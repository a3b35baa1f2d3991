"""Days drawn within strata, or by the time since an entry: what the users of a block had, and its people's own days."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.arms import Draw
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.assigning import Users, days_since, drawn_days, entry_days
from claimtwin.kernel.candidates import build_candidates
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import Days, Index
from claimtwin.kernel.eligibility import criteria_of, people_at_index
from claimtwin.kernel.hashing import tie_key
from claimtwin.kernel.index_events import Entries
from claimtwin.spark.blocks import MEMBERS
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import CENSUS_REGIONS, SEXES, claims_of_block

USERS = pa.schema([("stratum", pa.string()), ("value", pa.int32())])
USERS_BY_STRATUM = "users_by_stratum"
PURPOSE = "index date"
UNKNOWN = "unknown"


def users_of_block(tables: dict[str, pa.Table], protocol: Protocol, book: CodeBook, draw: Draw) -> pa.Table:
    """One row per eligible treated: stratum, and the day of the index or its days since entry.

    Eligible: every criterion met but ``one_arm``. Who had not entered by the index tells nothing.
    """
    claims = claims_of_block(tables, book)
    found = build_candidates(claims, protocol)
    wanted = sum(1 << k for k, name in enumerate(criteria_of(protocol)) if name != "one_arm")
    rows = np.flatnonzero(found.treated & ((found.met & wanted) == wanted))
    member, day = found.member[rows], found.entries.day[rows]
    value, at = day, day
    if draw.since is not None:
        value, entered = days_since(entry_days(claims, protocol, draw), member, day)
        member, value, at = member[entered], value[entered], (day - value)[entered]
    strata = strata_of(claims, draw, member, at, _employers(tables))
    return pa.table({"stratum": pa.array(strata, pa.string()), "value": pa.array(value, pa.int32())}, schema=USERS)


def count_users(users: DataFrame) -> DataFrame:
    """One row: how many users of each stratum had each value, as a list in the order of stratum and value."""
    counted = users.groupBy("stratum", "value").agg(F.count(F.lit(1)).alias("people"))
    return counted.agg(F.sort_array(F.collect_list(F.struct("stratum", "value", "people"))).alias(USERS_BY_STRATUM))


def with_drawn_days(tables: dict[str, pa.Table], claims: Claims, protocol: Protocol, draw: Draw) -> Claims:
    """The claims of a block with a day for each of its people, where users are known (``USERS_BY_STRATUM``)."""
    told = tables[USERS_BY_STRATUM][USERS_BY_STRATUM][0].as_py() if USERS_BY_STRATUM in tables else []
    if not told:
        return claims
    entry = entry_days(claims, protocol, draw)
    strata = strata_of(claims, draw, *entry, _employers(tables))
    draws = tie_key(protocol.study.seed, tables[MEMBERS]["person_id"].to_pylist(), purpose=PURPOSE)
    day, none = drawn_days(entry, strata, draws, _by_stratum(told), claims.n_members, lag=draw.since is not None)
    return replace(claims, assigned=day, undrawn=none)


def strata_of(claims: Claims, draw: Draw, member: Index, day: Days, employers: Sequence[str]) -> list[str]:
    """Values of ``within`` of each member as one text, by the enrolment row of the day (``people_at_index``)."""
    row = people_at_index(claims, Entries(member, day, np.full(len(member), -1, np.int16))).row
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(str).tolist()
    cover = claims.coverage
    columns = {
        "employer_id": _named(cover.employer, row, employers),
        "sex": _named(cover.sex, row, SEXES),
        "census_region": _named(cover.region, row, CENSUS_REGIONS),
        "entry_year": [month[:4] for month in months],
        "entry_month": months,
    }
    parts = [columns[name] for name in draw.within]
    return ["\x1f".join(values) for values in zip(*parts, strict=True)] if parts else [""] * len(member)


def _named(numbers: NDArray[np.integer], row: Index, names: Sequence[str]) -> list[str]:
    chosen = [int(numbers[r]) if r >= 0 else -1 for r in row.tolist()]
    return [names[k] if k >= 0 else UNKNOWN for k in chosen]


def _employers(tables: dict[str, pa.Table]) -> list[str]:
    names: list[str] = tables["eligibility"]["employer_id"].combine_chunks().dictionary.to_pylist()
    return names


def _by_stratum(told: list[dict[str, object]]) -> Users:
    rows = pa.Table.from_pylist(told)
    stratum = np.array(rows["stratum"].to_pylist(), np.str_)
    value, people = rows["value"].to_numpy().astype(np.int32), rows["people"].to_numpy().astype(np.int64)
    return {name: (value[stratum == name], people[stratum == name]) for name in np.unique(stratum).tolist()}
