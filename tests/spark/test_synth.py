"""A planted population on Spark: the rows of the numpy call whatever the partitioning."""

import pyarrow as pa
import pytest
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth import Dirt, SynthSpec, synth_frames
from claimtwin.synth.feed import CHUNK, generate
from pyspark.sql import SparkSession

SPEC = SynthSpec(members=2 * CHUNK + 300, dirt=Dirt(null_person=0.01, duplicate=0.01))


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()


def as_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(in_order(table))
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("partitions", [1, 3, 7])
def test_frames_hold_the_bytes_of_the_numpy_call_whatever_the_partitioning(
    spark: SparkSession, partitions: int
) -> None:
    expected = generate(SPEC, 0, SPEC.members)
    frames = synth_frames(spark, SPEC, partitions=partitions)
    assert list(frames) == list(CONTRACTS)
    for name, frame in frames.items():
        got = frame.toArrow().cast(expected[name].schema)
        assert as_bytes(got) == as_bytes(expected[name])
