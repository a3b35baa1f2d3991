"""``claimtwin plan`` counts the candidates who met every criterion, block by block."""

from pathlib import Path

import pytest
import yaml
from claimtwin.app import cli
from claimtwin.io.tables import Store, TableRef, write_table

STUDY = "jpr_s412081"
MET, NOT_MET = 2**16 - 1, 2**16 - 2
ARMS = {("back", True): 30, ("back", False): 200, ("hip", True): 12, ("hip", False): 0, ("knee", False): 5}


@pytest.fixture(scope="module")
def env(spark, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "opioids.csv").write_text("NDC\n00000000000\n")
    lists = {"opioid": {"path": f"{folder}/opioids.csv"}}
    said = {"tables": f"{folder}/tables", "output": f"{folder}/results", "code_lists": lists}
    (folder / "env.yaml").write_text(yaml.safe_dump(said))
    rows = [(region, arm, MET) for (region, arm), people in ARMS.items() for _ in range(people)]
    rows += [("back", True, NOT_MET)] * 99
    candidates = spark.createDataFrame(rows, "body_region string, treated boolean, met bigint").repartition(3)
    write_table(candidates, TableRef(Store(f"{folder}/tables").table("candidates", study=STUDY).name))
    return folder / "env.yaml"


def end_of(env: Path, *changes: str) -> int:
    words = ["plan", "--study", STUDY, "--env", str(env)]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, *(word for change in changes for word in ("--set", change))])
    return int(ended.value.code or 0)


def test_each_block_is_counted_and_the_small_cell_hidden(env, capsys) -> None:
    assert end_of(env) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:5] == [
        ["back", "30", "few", "few", "few"],
        ["hip", "12", "0", "0", "0"],
        ["knee", "0", "few", "few", "few"],
        ["all", "42", "205"],
    ]
    assert " ".join(lines[5]).startswith("warning: blocks without comparators") and lines[5][-1] == "1"


def test_the_block_keys_of_the_protocol_make_the_blocks(env, capsys) -> None:
    assert end_of(env, "study.matching.block_keys=[]", "env.disclosure.min_cell=1") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [["all", "42", "205", "42", "8,610"], ["all", "42", "205"]]


def test_without_candidates_the_remedy_names_the_command(env, capsys) -> None:
    assert end_of(env, "study.study.name=nobody_yet") == 3
    assert "claimtwin facts" in capsys.readouterr().err
