"""``claimtwin validate`` on a feed before its ingest: how it takes lines back, and what that is told by."""

import pyarrow.csv
import pytest
import yaml
from claimtwin.app import cli
from claimtwin.study.styles import style_lines
from claimtwin.synth import NO_DIRT, SynthSpec
from claimtwin.synth.feed import generate

PLANTED = {"adjusted_mixed": 0.5, "void_and_replace": 0.3, "reversal": 0.3}
NONE = {"n": 500, "negative": 0, "paired_same_id": 0, "paired_new_id": 0, "versions": 0}


def test_a_feed_with_planted_adjustments_is_told_with_its_evidence(spark, tmp_path, capsys):
    feed = generate(SynthSpec(members=80, dirt=NO_DIRT.model_copy(update=PLANTED)), 0, 80)
    for name, rows in feed.items():
        pyarrow.csv.write_csv(rows, tmp_path / f"{name}.csv")
    said = {"tables": f"{tmp_path}/tables", "output": f"{tmp_path}/results"}
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(said))
    words = ["validate", "--env", str(tmp_path / "env.yaml"), "--format", "contract", "--input", str(tmp_path)]
    words += ["--set", "env.disclosure.min_cell=1"]
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    lines = [line for line in capsys.readouterr().out.splitlines() if "_claim: " in line]
    below = {name: sum(text.startswith("-") for text in feed[name]["allowed_amount"].to_pylist()) for name in feed
             if name.endswith("_claim")}  # fmt: skip
    assert not ended.value.code
    assert [f"{feed[line.split(':')[0]].num_rows:,} lines" in line for line in lines] == [True, False, True, False]
    assert [f"{below[line.split(':')[0]]:,} of them below 0" in line for line in lines] == [True, False, True, False]
    assert min(below.values()) > 0
    assert lines[1] == "medical_claim: speaks for ingest.settle.medical: mixed"
    assert lines[3] == "pharmacy_claim: speaks for ingest.settle.pharmacy: net_reversals, pharmacy_key: fill"
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({}, "already_final"),
        ({"negative": 40, "paired_same_id": 40}, "net_reversals, pharmacy_key: claim"),
        ({"negative": 40, "paired_same_id": 25, "paired_new_id": 15}, "net_reversals, pharmacy_key: fill"),
        ({"negative": 40}, "net_reversals, pharmacy_key: fill"),
    ],
)
def test_the_evidence_speaks_for_a_setting(change, setting):
    assert style_lines("pharmacy_claim", NONE | change, 11)[1].endswith(f"ingest.settle.pharmacy: {setting}")


def test_few_lines_are_not_counted_out():
    evidence = NONE | {"negative": 25, "paired_same_id": 3, "paired_new_id": 22}
    line = style_lines("medical_claim", evidence, 11)[0]
    assert "25 of them below 0: few take back" in line and " 22 one of another, 0 none" in line


def test_form_and_folder_go_together():
    with pytest.raises(SystemExit) as ended:
        cli.main(["validate", "--env", "local", "--format", "contract"])
    assert ended.value.code == 2
