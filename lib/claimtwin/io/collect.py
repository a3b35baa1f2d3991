"""The one door: the only place where rows leave Spark.

What passes is compact (counts, sums, or one narrow row a matched person) and holds no person, claim or date. The one
exception is a user's own units, matched alone: there the ids are what the user asked for, by name (``collect_units``).
Rules on small cells live in ``stats.withhold`` and are applied to what is collected here before it is written.
"""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DateType, StringType, TimestampNTZType, TimestampType

from claimtwin.errors import GuardError

FORBIDDEN = ("person_id", "member_id", "claim_id", "tie_key", "birth_date")
"""Columns that name or order people; they never pass, whatever they hold."""
RULE = "row-level data leaves Spark at one door: no person, claim or date, and no more rows than `door.max_rows`"


def collect_compact(frame: DataFrame, columns: Sequence[str], *, max_rows: int, text: Sequence[str] = ()) -> pa.Table:
    """Collect exactly ``columns``, in this order; the order of the rows is not defined.

    Args:
        frame: What is to leave Spark.
        columns: Every column of it, named again by the caller: a column that slipped in is refused.
        max_rows: The most rows that may pass; one more is an error, not a cut.
        text: Those of ``columns`` that may be text: names of groups (arm, covariate, block), never of people.

    Raises:
        GuardError: A column is not on the list, names people, is a date, or is text that was not declared; or
            there are too many rows.
    """
    _check_columns(frame, columns, text)
    table: pa.Table = frame.limit(max_rows + 1).toArrow()
    if table.num_rows > max_rows:
        raise GuardError(
            f"More than {max_rows:,} rows were about to leave Spark.",
            where="io.collect",
            rule=RULE,
            remedy="if so many matched people are expected, raise `door.max_rows` in env.yaml",
        )
    return table


def collect_units(frame: DataFrame, columns: Sequence[str], *, max_rows: int) -> pa.Table:
    """Collect units that a user asked to match alone, outside any study: the columns that the user named, ids too.

    No study may call this: it is for ``claimtwin match UNITS`` and ``claimtwin.match``, whose result are pairs of ids.

    Args:
        frame: The user's units.
        columns: Those that the match reads, and no others; the order of the rows is not defined.
        max_rows: The most rows that may pass; one more is an error, not a cut.

    Raises:
        GuardError: There are too many rows.
    """
    table: pa.Table = (
        frame.select(*(F.col(f"`{name.replace('`', '``')}`") for name in columns)).limit(max_rows + 1).toArrow()
    )
    if table.num_rows > max_rows:
        raise GuardError(
            f"More than {max_rows:,} units were about to be matched in the memory of one machine.",
            where="io.collect",
            rule="units matched alone are collected",
            remedy="match region by region, or as a study (`claimtwin run`), where each block is a task of its own",
        )
    return table


def _check_columns(frame: DataFrame, columns: Sequence[str], text: Sequence[str]) -> None:
    found = {field.name: field.dataType for field in frame.schema.fields}
    dates = (DateType, TimestampType, TimestampNTZType)
    faults = [f"'{name}' was not asked for" for name in found if name not in columns]
    faults += [f"'{name}' names people" for name in found if name in FORBIDDEN]
    faults += [f"'{name}' is a date" for name, kind in found.items() if isinstance(kind, dates)]
    faults += [f"'{name}' is text" for name, kind in found.items() if _is_text(kind) and name not in text]
    if faults or list(found) != list(columns):
        why = "; ".join(faults) or "columns are missing or in another order"
        raise GuardError(f"A collection was refused: {why}.", where="io.collect", rule=RULE)


def _is_text(kind: DataType) -> bool:
    return isinstance(kind, StringType) or (isinstance(kind, ArrayType) and _is_text(kind.elementType))
