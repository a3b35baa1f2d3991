"""One answer, whichever way in, however the data are cut, and whether or not stages are kept."""

import json
import runpy
from pathlib import Path

import pytest
from claimtwin.app.cli import main
from claimtwin.config.load import load_configuration
from claimtwin.io.tables import Store, write_table
from claimtwin.study.pipeline import run_study

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ("eligibility", "medical_claim", "pharmacy_claim", "program_enrollment")


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
    tables = [sorted((run.folder / "tables").iterdir()) for run in (other, demo.result)]
    assert [(p.name, p.read_bytes()) for p in tables[0]] == [(p.name, p.read_bytes()) for p in tables[1]]


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


def test_the_submitted_job_gives_the_same_hash_and_its_stages_are_kept_here(demo):
    """So the archive's code and ours, Spark's own settings and the tests', agree on every stage and its stamp."""
    assert hash_printed(demo.submitted) == demo.result.hash
    assert "kept" not in demo.submitted
    assert sum("kept" in line for line in demo.said) == 7


def test_the_command_gives_the_same_hash(demo, capsys):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["run", "--study", "jpr_s412081", "--env", str(demo.env_file)])
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert hash_printed(said.out) == demo.result.hash
    assert (said.out + said.err).count("kept") == 7
