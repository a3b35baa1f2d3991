"""A planted population on Spark: the rows and the truth of the numpy call whatever the partitioning, in any files."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from claimtwin.config.deployment import Ingest
from claimtwin.config.load import load_env
from claimtwin.io.adapters.contract import read_contract
from claimtwin.io.adapters.desynpuf import read_desynpuf
from claimtwin.io.adapters.files import read_csv, read_parquet
from claimtwin.io.feeds import write_frame
from claimtwin.schema.tables import CONTRACTS
from claimtwin.spark.contract import keep_accepted, keep_rejected
from claimtwin.study.synthesise import How, collect_sums, synthesise
from claimtwin.synth import NO_DIRT, SynthSpec, checked_spec, synth_frames, truth_of
from claimtwin.synth.desynpuf import YEAR, desynpuf_of
from claimtwin.synth.feed import CHUNK, generate
from claimtwin.synth.frames import desynpuf_frames, history_frames
from claimtwin.synth.histories import histories
from claimtwin.synth.spec import REFUSED, Dirt
from claimtwin.synth.truth import sums_of
from pyspark.sql import SparkSession

from tests.support.feeds import judged_feed

SPEC = SynthSpec(members=2 * CHUNK + 300, dirt=Dirt(null_person=0.01, duplicate=0.01))
EVERY_KIND = dict.fromkeys((*REFUSED, "dotted_icd", "hyphenated_ndc", "missing_supply", "reversal", "paid_twice"), 0.02)
SMALL = SynthSpec(members=700, seed=5, dirt=NO_DIRT.model_copy(update=EVERY_KIND))


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()


def as_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(in_order(table))
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("partitions", [1, 7])
def test_frames_hold_the_bytes_of_the_numpy_call_whatever_the_partitioning(
    spark: SparkSession, partitions: int
) -> None:
    expected = generate(SPEC, 0, SPEC.members)
    frames = synth_frames(spark, SPEC, partitions=partitions)
    assert list(frames) == list(CONTRACTS)
    for name, frame in frames.items():
        got = frame.toArrow().cast(expected[name].schema)
        assert as_bytes(got) == as_bytes(expected[name])


def test_sums_over_members_are_added_up_on_the_workers(spark: SparkSession) -> None:
    assert collect_sums(spark, SPEC) == sums_of(SPEC)


@pytest.fixture(scope="module")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth")
    synthesise(spark, SMALL, folder, How(), lambda line: None)
    return folder


def test_exactly_the_faulty_rows_of_what_is_written_are_refused(spark: SparkSession, written: Path) -> None:
    told = json.loads((written / "truth.json").read_text())["dirt"]
    settings, feed = load_env(str(written / "env.yaml")).ingest, generate(SMALL, 0, SMALL.members)
    for one in read_contract(spark, settings, str(written / "feed")):
        judged = judged_feed(one, settings)
        rejected, accepted = keep_rejected(judged, "test", "run").count(), keep_accepted(judged).count()
        assert accepted + rejected == feed[one.table].num_rows
        assert rejected == sum(told[one.table].get(kind, 0) for kind in REFUSED) > 0


def test_the_specification_beside_a_feed_makes_it_again(written: Path) -> None:
    assert checked_spec(yaml.safe_load((written / "synth.yaml").read_text())) == SMALL
    told, again = json.loads((written / "truth.json").read_text()), truth_of(SMALL)
    assert told["treated"] == again.treated
    assert told["odds_ratio"] == pytest.approx(again.odds_ratio, rel=1e-9)


def test_histories_and_the_desynpuf_layout_hold_the_rows_of_the_numpy_call(spark: SparkSession) -> None:
    spec = SynthSpec(members=CHUNK + 50, index_year=YEAR, dirt=NO_DIRT)
    expected = histories(spec, 0, spec.members)
    for name in ("spans", "entries"):
        got = history_frames(spark, spec, partitions=2)[name].toArrow()
        assert sorted(map(str, got.to_pylist())) == sorted(map(str, expected[name].to_pylist()))
    frame = desynpuf_frames(spark, spec, partitions=2)["inpatient.csv"]
    rows = [desynpuf_of(spec, "inpatient.csv", *ends) for ends in ((0, CHUNK), (CHUNK, spec.members))]
    assert as_bytes(frame.toArrow().cast(rows[0].schema)) == as_bytes(pa.concat_tables(rows))


def test_the_adapter_reads_a_population_in_the_desynpuf_layout_whole(spark: SparkSession, tmp_path: Path) -> None:
    spec = SynthSpec(members=300, index_year=YEAR, dirt=NO_DIRT)
    synthesise(spark, spec, tmp_path, How("desynpuf", "csv", histories=True), lambda line: None)
    feeds = {feed.table: feed.frame for feed in read_desynpuf(spark, Ingest(), str(tmp_path / "feed"))}
    expected = generate(spec, 0, spec.members)
    for name, code in (("medical_claim", "hcpcs_code"), ("pharmacy_claim", "ndc_code")):
        got = feeds[name].select("person_id", code).toArrow()
        wanted = expected[name].select(["person_id", code])
        assert as_bytes(got.cast(wanted.schema)) == as_bytes(wanted)
    fills = read_parquet(spark, str(tmp_path / "truth" / "fills.parquet"))
    assert fills is not None and fills.count() == expected["pharmacy_claim"].num_rows


def test_parquet_and_csv_hold_the_rows_of_the_numpy_call(spark: SparkSession, tmp_path: Path) -> None:
    expected = in_order(generate(SMALL, 0, SMALL.members)["pharmacy_claim"])
    for files, read in (("parquet", read_parquet), ("csv", read_csv)):
        write_frame(synth_frames(spark, SMALL)["pharmacy_claim"], tmp_path / files, files)
        frame = read(spark, str(tmp_path / files))
        assert frame is not None
        assert in_order(frame.select(*expected.column_names).toArrow().cast(expected.schema)).equals(expected)
