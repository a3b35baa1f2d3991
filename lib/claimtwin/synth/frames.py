"""A population as Spark frames: the same rows as the pure numpy call, however the work is cut up."""

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth.feed import CHUNK, generate_table
from claimtwin.synth.spec import SynthSpec


def synth_frames(spark: SparkSession, spec: SynthSpec, *, partitions: int | None = None) -> dict[TableName, DataFrame]:
    """One frame a contract table, all columns text, made when it is written.

    Args:
        spark: The session.
        spec: The population.
        partitions: Tasks a table; null leaves it to Spark. The rows are the same.
    """
    chunks = spark.range(0, -(-spec.members // CHUNK), 1, partitions)
    return {name: chunks.mapInArrow(_rows_of(spec, name), _layout(name)) for name in CONTRACTS}


def _layout(name: TableName) -> T.StructType:
    return T.StructType([T.StructField(column, T.StringType()) for column in CONTRACTS[name].names])


def _rows_of(spec: SynthSpec, name: TableName) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                first = chunk * CHUNK
                yield from generate_table(spec, name, first, min(first + CHUNK, spec.members)).to_batches()

    return run
