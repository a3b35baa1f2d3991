"""One Spark session for all tests that need one, and the public sample read once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from claimtwin.app.session import get_session
from claimtwin.config.load import load_env
from claimtwin.study.ingest import IngestCount, ingest
from pyspark.sql import DataFrame, SparkSession

from tests.support.shared import shared_data

# Tests run hundreds of small queries once each: compiling code for them costs more than it saves. The job that
# spark-submit runs in end_to_end is on the settings that we ship, and has to give the same bytes.
QUICK_FOR_SMALL_QUERIES = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:MetaspaceSize=512m -XX:ReservedCodeCacheSize=512m -XX:+UseParallelGC",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that go the whole way or share a whole ingest, so that the others can run beside them."""
    for item in items:
        if "end_to_end" in item.path.parts or "desynpuf" in getattr(item, "fixturenames", ()):
            item.add_marker("whole_way")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = get_session(QUICK_FOR_SMALL_QUERIES)
    yield session
    session.stop()


@dataclass(frozen=True)
class Sample:
    """The DE-SynPUF sample as ingest left it: raw files, deployment folder, counts by table, lines said."""

    spark: SparkSession
    source: Path
    folder: Path
    counts: dict[str, IngestCount]
    said: list[str]

    @property
    def tables(self) -> str:
        return f"{self.folder}/tables"

    def rows(self, name: str) -> list[dict]:
        frame: DataFrame = self.spark.read.format("delta").load(f"{self.tables}/{name}")
        return frame.toArrow().to_pylist()


@pytest.fixture(scope="session")
def desynpuf(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The sample of 500 people by the shipped deployment ``desynpuf``."""
    source, folder = shared_data("desynpuf-500"), tmp_path_factory.mktemp("desynpuf")
    said: list[str] = []
    counts = ingest(spark, load_env("desynpuf", [f"env.tables={folder}/tables"]), "desynpuf", str(source), said.append)
    return Sample(spark, source, folder, {count.table: count for count in counts}, said)
