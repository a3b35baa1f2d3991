"""The demonstration: claims with a planted truth, written to Delta, ingested, studied, and held against the truth."""

from pathlib import Path

import yaml
from pyspark.sql import SparkSession

from claimtwin.config.load import load_configuration, load_env
from claimtwin.io.files import to_json, write_files
from claimtwin.io.tables import Store, write_table
from claimtwin.report.summary import summary_lines
from claimtwin.study.ingest import ingest
from claimtwin.study.pipeline import run_study
from claimtwin.study.progress import Say
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.frames import synth_frames
from claimtwin.synth.spec import SynthSpec, checked_spec
from claimtwin.synth.truth import truth_of

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
    write_demo_feed(spark, folder, spec, say)
    env_file = folder / "env.yaml"
    ingest(spark, load_env(str(env_file)), "contract", str(folder / "feed"), say)
    return env_file


def write_demo_feed(spark: SparkSession, folder: Path, spec: SynthSpec, say: Say) -> None:
    """Write the raw feed to Delta, and beside it what a study of it needs: code list, truth and ``env.yaml``."""
    say(f"feed: {spec.members:,} members of {spec.employers} employers, effect planted")
    write_files(
        folder,
        {
            "opioid_ndcs.csv": "\n".join(["NDC", *opioid_codes(), ""]),
            "truth.json": to_json(truth_of(spec).as_dict()),
            "env.yaml": yaml.safe_dump(_env(folder), sort_keys=False),
        },
    )
    for name, rows in synth_frames(spark, spec).items():
        write_table(rows, Store(str(folder.absolute() / "feed")).table(name))
        say(f"feed: {name} written")


def _env(folder: Path) -> dict[str, object]:
    return {
        "tables": str(folder / "tables"),
        "output": str(folder / "results"),
        "truth": str(folder / "truth.json"),
        "code_lists": {"opioid": {"path": str(folder / "opioid_ndcs.csv"), "column": "NDC"}},
        "ingest": {"data_through": DATA_THROUGH, "on_duplicate_key": "reject"},
    }
