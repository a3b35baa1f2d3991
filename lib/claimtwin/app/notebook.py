"""What a notebook calls: the same study, with the notebook's own session."""

from pathlib import Path

from pyspark.sql import SparkSession

from claimtwin.config.load import load_configuration
from claimtwin.study.demo import DEMO_SEED, demo_feed
from claimtwin.study.pipeline import run_study
from claimtwin.study.report import Result


def run_notebook(spark: SparkSession, *, study: str, env: str, folder: str, members: int) -> Result:
    """Run a study, on the claims of a deployment or, where ``env`` is empty, on made-up ones.

    Args:
        spark: The notebook's session; nothing of it is changed.
        study, env: Presets or paths, as for ``claimtwin run``.
        folder, members: Of the made-up claims.

    Raises:
        ClaimtwinError: As ``claimtwin run`` would tell it.
    """
    deployment = env or str(demo_feed(spark, Path(folder), members, 12, DEMO_SEED, print))
    return run_study(spark, *load_configuration(study, deployment), print)
