"""One answer, whichever way in, however the data are cut, and whether or not stages are kept."""

import json
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from claimtwin.app.cli import main
from claimtwin.config.load import load_configuration
from claimtwin.io.tables import Store, write_table
from claimtwin.study.pipeline import run_study

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ("eligibility", "medical_claim", "pharmacy_claim", "program_enrollment")


def test_a_second_run_keeps_every_stage_and_gives_the_same_hash(demo):
    lines = []
    again = run_study(demo.spark, demo.protocol, demo.env, lines.append)
    assert again.hash == demo.result.hash
    assert sum("kept" in line for line in lines) == 6


def test_rows_in_another_order_and_smaller_blocks_give_the_same_hash(demo, tmp_path):
    changes = [f"env.tables={tmp_path}/tables", f"env.output={tmp_path}/out", "env.pack.payload_mib=0.5"]
    protocol, env = load_configuration("jpr_s412081", str(demo.env_file), changes)
    for name in CLAIMS:
        write_table(demo.table(name).repartition(5), Store(env.tables).table(name))
    write_table(demo.table("ingest_summary"), Store(env.tables).table("ingest_summary"))
    other = run_study(demo.spark, protocol, env, lambda line: None)
    blocks = demo.spark.read.format("delta").load(f"{tmp_path}/tables/member_blocks").count()
    assert blocks > demo.table("member_blocks").count()
    assert other.hash == demo.result.hash


class Widgets:
    def __init__(self, values):
        self.values = values

    def text(self, name, default, label):
        self.values.setdefault(name, default)

    def get(self, name):
        return self.values[name]


class Dbutils:
    """What a notebook needs of Databricks' ``dbutils``."""

    def __init__(self, values):
        self.widgets, self.notebook, self.said = Widgets(values), self, []

    def exit(self, text):
        self.said.append(text)


def test_the_notebook_gives_the_same_hash(demo):
    dbutils, shown = Dbutils({"study": "jpr_s412081", "env": str(demo.env_file)}), []
    runpy.run_path(
        str(ROOT / "notebooks/01_quickstart.py"),
        init_globals={"spark": demo.spark, "dbutils": dbutils, "display": shown.append},
    )
    assert json.loads(dbutils.said[0])["hash"] == demo.result.hash
    assert len(shown) == 2


def hash_printed(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("hash: ")).removeprefix("hash: ")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """The package as ``make zip`` packs it: sources and presets."""
    path = tmp_path_factory.mktemp("zip") / "claimtwin.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for folder, inside in ((ROOT / "lib/claimtwin", "claimtwin"), (ROOT / "conf", "claimtwin/conf")):
            for file in sorted(folder.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.write(file, f"{inside}/{file.relative_to(folder)}")
    return path


def test_spark_submit_and_the_command_give_the_same_hash(demo, archive, tmp_path, capsys):
    """The job makes everything anew from the archive; the command then keeps what the job made."""
    (tmp_path / "tables").mkdir()
    for name in (*CLAIMS, "ingest_summary"):
        (tmp_path / "tables" / name).symlink_to(f"{demo.env.tables}/{name}")
    changes = [f"env.output={tmp_path}/out", f"env.tables={tmp_path}/tables"]
    options = ["--study", "jpr_s412081", "--env", str(demo.env_file), *(w for c in changes for w in ("--set", c))]
    submit = str(Path(sys.executable).with_name("spark-submit"))
    settings = ["--properties-file", str(ROOT / "conf/spark-defaults.conf")]
    job = [submit, *settings, "--py-files", str(archive), str(ROOT / "jobs/run_study.py"), *options]
    done = subprocess.run(job, capture_output=True, text=True, cwd=tmp_path, env=bare(), timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert hash_printed(done.stdout) == demo.result.hash
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["run", *options])
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert hash_printed(said.out) == demo.result.hash
    assert (said.out + said.err).count("kept") == 6


def bare() -> dict[str, str]:
    """The environment without what the running test session has put there for Spark."""
    mine = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "SPARK_HOME", "PYTHONPATH")
    kept = {key: value for key, value in os.environ.items() if key not in mine}
    return {**kept, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
