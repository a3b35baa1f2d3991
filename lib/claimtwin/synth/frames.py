"""A population as Spark frames: the same rows as the pure numpy call, however the work is cut up."""

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth.feed import CHUNK, generate_table
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.truth import SUMS, chunk_sums


def synth_frames(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> dict[TableName, DataFrame]:
    """One frame a contract table, all columns text, made when it is written.

    Args:
        spark: The session.
        spec: The population.
        partitions: Tasks a table; null leaves it to Spark. The rows are the same.
    """
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    return {name: chunks.mapInArrow(_rows_of(spec, name), _layout(name)) for name in CONTRACTS}


def sums_frame(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> DataFrame:
    """One row: ``truth.SUMS`` over all members, a bigint column each; added up where the members are drawn."""
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    columns = [f"s{k}" for k in range(len(SUMS))]
    layout = T.StructType([T.StructField(column, T.LongType()) for column in columns])
    added = chunks.mapInArrow(_sums_of(spec, columns), layout)
    return added.agg(*(F.coalesce(F.sum(column), F.lit(0)).alias(column) for column in columns))


def _sums_of(spec: SynthSpec, columns: list[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                sums = chunk_sums(spec, chunk * CHUNK, min((chunk + 1) * CHUNK, spec.members))
                row = {column: [sums[name]] for column, name in zip(columns, SUMS, strict=True)}
                yield pa.RecordBatch.from_pydict(row, pa.schema([(column, pa.int64()) for column in columns]))

    return run


def _layout(name: TableName) -> T.StructType:
    return T.StructType([T.StructField(column, T.StringType()) for column in CONTRACTS[name].names])


def _rows_of(spec: SynthSpec, name: TableName) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                first = chunk * CHUNK
                yield from generate_table(spec, name, first, min(first + CHUNK, spec.members)).to_batches()

    return run
