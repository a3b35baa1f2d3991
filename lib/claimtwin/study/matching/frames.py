"""Frames of a user, pandas, Arrow or Spark, as Arrow tables and back."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from claimtwin.errors import ConfigError, InputError

MOST_UNITS = 50_000_000
"""Most rows that a Spark DataFrame may have to be matched in the memory of the driver."""


def names_of(frame: Any) -> list[str]:
    """Names of the columns of a frame.

    Raises:
        ConfigError: The frame is of no known kind.
    """
    kind = _kind(frame)
    if kind == "arrow":
        return list(frame.column_names)
    return [str(name) for name in (frame.columns if kind in ("pandas", "spark") else pa.table(frame).column_names)]


def as_arrow(frame: Any, columns: Sequence[str]) -> pa.Table:
    """These columns of a frame; of a Spark DataFrame they alone leave the cluster, through the one door.

    Raises:
        InputError: Two columns have the same name, or a pandas column holds values of several kinds.
    """
    kind, known = _kind(frame), names_of(frame)
    for name in columns:
        if known.count(name) > 1:
            raise _mixed(name, "Two columns have the same name.", "each column has a name of its own")
    if kind == "spark":
        from claimtwin.io.collect import collect_units

        return collect_units(frame, columns, max_rows=MOST_UNITS)
    if kind == "pandas":
        return pa.table({name: _from_pandas(frame.iloc[:, known.index(name)], name) for name in columns})
    return (frame if kind == "arrow" else pa.table(frame)).select(list(columns))


def like(frame: Any) -> Callable[[pa.Table], Any]:
    """What turns an Arrow table into a frame of the same kind; a kind that we only read comes back as Arrow."""
    kind = _kind(frame)
    if kind == "pandas":
        return lambda table: table.to_pandas()
    return frame.sparkSession.createDataFrame if kind == "spark" else (lambda table: table)


def _kind(frame: Any) -> str:
    if isinstance(frame, pa.Table):
        return "arrow"
    library = type(frame).__module__.partition(".")[0]
    if library in ("pandas", "pyspark"):
        return "spark" if library == "pyspark" else library
    if hasattr(frame, "__arrow_c_stream__"):
        return "stream"
    raise ConfigError(
        f"Units of the type {type(frame).__name__} cannot be read.",
        where="units",
        rule="a pandas frame, an Arrow table, a Spark DataFrame, or anything that gives an Arrow stream",
        remedy="convert them to one of these; the command `claimtwin match` reads files",
    )


def _from_pandas(column: Any, name: str) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass
    raise _mixed(name, f"Values of {name} are of several kinds.", "one kind of value in a column")


def _mixed(name: str, what: str, rule: str) -> InputError:
    return InputError(what, where=f"units, column {name}", rule=rule, remedy="give the column one type")
