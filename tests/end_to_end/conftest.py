"""One small demonstration, run once: made-up claims, ingested and studied."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from claimtwin.config.deployment import Env
from claimtwin.config.load import load_configuration
from claimtwin.config.protocol import Protocol
from claimtwin.io.tables import Store
from claimtwin.study.demo import demo_feed
from claimtwin.study.pipeline import run_study
from claimtwin.study.progress import say_nothing
from claimtwin.study.report import Result
from pyspark.sql import DataFrame, SparkSession

STUDY = "jpr_s412081"


@dataclass(frozen=True)
class Demo:
    """What the demonstration left behind."""

    spark: SparkSession
    folder: Path
    env_file: Path
    protocol: Protocol
    env: Env
    result: Result

    def table(self, name: str, study: str = "") -> DataFrame:
        return self.spark.read.format("delta").load(Store(self.env.tables).table(name, study=study).name)


@pytest.fixture(scope="session")
def demo(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    env_file = demo_feed(spark, folder, 4000, 12, 3, say_nothing)
    protocol, env = load_configuration(STUDY, str(env_file))
    return Demo(spark, folder, env_file, protocol, env, run_study(spark, protocol, env, say_nothing))
