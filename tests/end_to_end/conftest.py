"""One small demonstration, run once: made-up claims, ingested here, studied by a job under ``spark-submit``."""

import os
import subprocess
import sys
import zipfile
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

ROOT = Path(__file__).resolve().parents[2]
STUDY = "jpr_s412081"


@dataclass(frozen=True)
class Demo:
    """What the demonstration left behind.

    Attributes:
        submitted: What the job printed, which made every table of the study in a JVM of its own.
        said: What the study said when it was then run in this process.
    """

    spark: SparkSession
    folder: Path
    env_file: Path
    protocol: Protocol
    env: Env
    result: Result
    submitted: str
    said: list[str]

    def table(self, name: str, study: str = "") -> DataFrame:
        return self.spark.read.format("delta").load(Store(self.env.tables).table(name, study=study).name)


@pytest.fixture(scope="session")
def demo(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    env_file = demo_feed(spark, folder, 4000, 12, 3, say_nothing)
    submitted = submit(tmp_path_factory.mktemp("job"), ["--study", STUDY, "--env", str(env_file)])
    protocol, env = load_configuration(STUDY, str(env_file))
    said: list[str] = []
    result = run_study(spark, protocol, env, said.append)
    return Demo(spark, folder, env_file, protocol, env, result, submitted, said)


def submit(folder: Path, options: list[str]) -> str:
    """Run a study as a job from the archive, on the settings that we ship; what it printed."""
    archive = packed(folder / "claimtwin.zip")
    submit = str(Path(sys.executable).with_name("spark-submit"))
    settings = ["--properties-file", str(ROOT / "conf/spark-defaults.conf")]
    job = [submit, *settings, "--py-files", str(archive), str(ROOT / "jobs/run_study.py"), *options]
    done = subprocess.run(job, capture_output=True, text=True, cwd=folder, env=bare(), timeout=400, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def packed(path: Path) -> Path:
    """The package as ``make zip`` packs it: sources and presets."""
    with zipfile.ZipFile(path, "w") as archive:
        for folder, inside in ((ROOT / "lib/claimtwin", "claimtwin"), (ROOT / "conf", "claimtwin/conf")):
            for file in sorted(folder.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.write(file, f"{inside}/{file.relative_to(folder)}")
    return path


def bare() -> dict[str, str]:
    """The environment without what the running test session has put there for Spark."""
    mine = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "SPARK_HOME", "PYTHONPATH")
    kept = {key: value for key, value in os.environ.items() if key not in mine}
    quick = {
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC"
    }  # a JVM that runs a minute need not optimise its code
    return {**kept, **quick, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
