"""A population as Spark frames: the same rows as the pure numpy call, however the work is cut up."""

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth.desynpuf import LAYOUT, desynpuf_of
from claimtwin.synth.feed import CHUNK, generate_table
from claimtwin.synth.histories import HISTORIES, history_of
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.truth import SUMS, chunk_sums

Rows = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def synth_frames(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> dict[TableName, DataFrame]:
    """One frame a contract table, all columns text, made when it is written.

    Args:
        spark: The session.
        spec: The population.
        partitions: Tasks a table; null leaves it to Spark. The rows are the same.
    """
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    return {name: chunks.mapInArrow(_rows_of(spec, name), _layout(name)) for name in CONTRACTS}


def history_frames(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> dict[str, DataFrame]:
    """One frame a history, typed; the rows of the numpy call."""
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    small = spec.model_copy(update={"members": 1})
    layouts = {name: spark.createDataFrame(history_of(small, name, 0, 1)).schema for name in HISTORIES}
    return {name: chunks.mapInArrow(_history_rows(spec, name), layouts[name]) for name in HISTORIES}


def desynpuf_frames(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> dict[str, DataFrame]:
    """One frame a file of the DE-SynPUF layout, all columns text."""
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    return {name: chunks.mapInArrow(_desynpuf_rows(spec, name), _desynpuf_layout(spec, name)) for name in LAYOUT}


def _desynpuf_rows(spec: SynthSpec, name: str) -> Rows:
    return _each_chunk(spec, lambda first, stop: desynpuf_of(spec, name, first, stop))


def _desynpuf_layout(spec: SynthSpec, name: str) -> T.StructType:
    columns = desynpuf_of(spec, name, 0, 1).column_names
    return T.StructType([T.StructField(column, T.StringType()) for column in columns])


def _history_rows(spec: SynthSpec, name: str) -> Rows:
    return _each_chunk(spec, lambda first, stop: history_of(spec, name, first, stop))


def _each_chunk(spec: SynthSpec, make: Callable[[int, int], pa.Table]) -> Rows:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                first = chunk * CHUNK
                yield from make(first, min(first + CHUNK, spec.members)).to_batches()

    return run


def sums_frame(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> DataFrame:
    """One row: ``truth.SUMS`` over all members, a bigint column each; added up where the members are drawn."""
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    columns = [f"s{k}" for k in range(len(SUMS))]
    layout = T.StructType([T.StructField(column, T.LongType()) for column in columns])
    added = chunks.mapInArrow(_sums_of(spec, columns), layout)
    return added.agg(*(F.coalesce(F.sum(column), F.lit(0)).alias(column) for column in columns))


def _sums_of(spec: SynthSpec, columns: list[str]) -> Rows:
    layout = pa.schema([(column, pa.int64()) for column in columns])

    def make(first: int, stop: int) -> pa.Table:
        sums = chunk_sums(spec, first, stop)
        return pa.table({column: [sums[name]] for column, name in zip(columns, SUMS, strict=True)}, layout)

    return _each_chunk(spec, make)


def _layout(name: TableName) -> T.StructType:
    return T.StructType([T.StructField(column, T.StringType()) for column in CONTRACTS[name].names])


def _rows_of(spec: SynthSpec, name: TableName) -> Rows:
    return _each_chunk(spec, lambda first, stop: generate_table(spec, name, first, stop))
