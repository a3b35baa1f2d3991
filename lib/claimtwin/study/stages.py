"""A stage: one table made from others. Where it is already there, made from the same things, it is kept."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from pyspark.sql import DataFrame, SparkSession

from claimtwin.io.tables import TableRef, TableState, missing_table, read_table, table_state, write_table
from claimtwin.study.progress import Say
from claimtwin.study.versions import code_fingerprint


@dataclass(frozen=True)
class Made:
    """A table at the version that a run reads, whatever is written meanwhile."""

    ref: TableRef
    state: TableState
    frame: DataFrame

    @property
    def identity(self) -> tuple[str, int, str]:
        """Name, version and time of the commit: what a stamp takes of an input."""
        return self.ref.name, self.state.version, self.state.written


def open_table(spark: SparkSession, ref: TableRef, made_by: str) -> Made:
    """The newest version of a table, held fast.

    Raises:
        InputError: There is no such table.
    """
    state = table_state(spark, ref)
    if state is None:
        raise missing_table(ref, made_by)
    return _made(spark, ref, state)


def make_table(
    spark: SparkSession, ref: TableRef, made_from: Mapping[str, object], build: Callable[[], DataFrame], say: Say
) -> Made:
    """Write a table unless it is there already, made from the same inputs by the same code.

    Args:
        spark: The session.
        ref: Where the table goes.
        made_from: Everything that the table depends on: versions of tables, parts of the protocol.
        build: Makes the frame; not called when the table is kept.
        say: Told what was done, with the seconds it took.
    """
    stamp = stamp_of(made_from)
    state, name = table_state(spark, ref), ref.name.replace(".", "/").rsplit("/", 1)[-1]
    if state is not None and state.stamp == stamp:
        say(f"{name}: kept, made before from the same inputs by the same code")
        return _made(spark, ref, state)
    start = monotonic()
    write_table(build(), ref, stamp=stamp)
    say(f"{name}: written in {monotonic() - start:.1f} s")
    return open_table(spark, ref, "")


def stamp_of(made_from: Mapping[str, object]) -> str:
    """Sha256 of inputs and code; equal stamps mean equal tables."""
    text = json.dumps({"code": code_fingerprint(), **made_from}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _made(spark: SparkSession, ref: TableRef, state: TableState) -> Made:
    return Made(ref, state, read_table(spark, ref, made_by="", version=state.version))
