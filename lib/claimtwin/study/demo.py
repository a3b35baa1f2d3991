"""The demonstration: claims with a planted truth, written to Delta, ingested, studied, and held against the truth."""

from pathlib import Path

from pyspark.sql import SparkSession

from claimtwin.config.load import load_configuration, load_env
from claimtwin.report.summary import summary_lines
from claimtwin.study.ingest import ingest
from claimtwin.study.pipeline import run_study
from claimtwin.study.progress import Say
from claimtwin.study.synthesise import How, synthesise
from claimtwin.synth.spec import SynthSpec, checked_spec

STUDY = "jpr_s412081"
DEMO_SEED = 1


def run_demo(spark: SparkSession, folder: Path, members: int, employers: int, seed: int, say: Say) -> list[str]:
    """Run the whole way on made-up members and return ten lines that say what came out.

    Args:
        spark: The session.
        folder: Gets the feed, the tables, ``env.yaml``, ``truth.json``, the opioid list and the results.
        members, employers, seed: The population; the same three give the same bytes.
        say: Told what is being done.

    Raises:
        ConfigError: The population cannot be made as asked, or the folder cannot be written to.
        GuardError: Too few members to match.
    """
    env_file = demo_feed(spark, folder, members, employers, seed, say)
    result = run_study(spark, *load_configuration(STUDY, str(env_file)), say)
    return summary_lines(result.results, result_hash=result.hash, report_path=str(result.report))


def demo_feed(spark: SparkSession, folder: Path, members: int, employers: int, seed: int, say: Say) -> Path:
    """Make up claims, ingest them, and return the ``env.yaml`` that a study of them needs."""
    spec = checked_spec({"members": members, "employers": employers, "seed": seed})
    return ingested_feed(spark, folder, spec, say)


def ingested_feed(spark: SparkSession, folder: Path, spec: SynthSpec, say: Say) -> Path:
    """The same for any specification."""
    synthesise(spark, spec, folder, How(), say)
    env_file = folder / "env.yaml"
    ingest(spark, load_env(str(env_file)), "contract", str(folder / "feed"), say)
    return env_file
