"""A demonstration whose gate fails: nothing written tells an effect, until somebody gives a reason."""

import json
from pathlib import Path

import pytest
from claimtwin.config.analysis import Gates
from claimtwin.study.pipeline import run_report


@pytest.fixture(scope="module")
def closed(demo, tmp_path_factory):
    protocol = demo.protocol.model_copy(update={"gates": Gates(largest_smd=1e-9, matched_share=0.01)})
    env = demo.env.model_copy(update={"output": str(tmp_path_factory.mktemp("closed"))})
    return protocol, env


def test_while_a_gate_fails_no_effect_is_written_and_figures_of_effects_go(demo, closed):
    lines: list[str] = []
    stale = Path(closed[1].output) / "jpr_s412081" / "figures" / "effects_any_opioid.svg"
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier run")
    got = run_report(demo.spark, *closed, lines.append)
    assert got.results["blinding"]["blinded"]
    assert [gate["passed"] for gate in got.results["blinding"]["gates"]] == [False, True]
    assert not any(got.results[name] for name in ("outcomes", "effects", "models", "sensitivity", "subgroups"))
    assert not list((got.folder / "figures").glob("effects_*"))
    assert any("effects are hidden" in line for line in lines)
    shown = [row["estimate"] for row in demo.result.results["effects"] if row["estimate"] is not None]
    for path in got.folder.rglob("*"):
        if path.suffix in (".json", ".html", ".csv"):
            text = path.read_text()
            assert not any(f"{value:.8g}" in text for value in shown), path.name


def test_a_reason_opens_it_and_is_kept(demo, closed):
    got = run_report(demo.spark, *closed, lambda line: None, "checking the machine")
    assert got.results["effects"] == demo.result.results["effects"]
    assert got.hash != demo.result.hash
    assert json.loads((got.folder / "manifest.json").read_text())["unblinded"] == "checking the machine"
    assert "checking the machine" in got.report.read_text()


def test_subgroups_models_and_hidden_bias_of_the_demonstration_are_there(demo):
    results = demo.result.results
    assert {row["by"] for row in results["subgroups"]["groups"]} == {
        "body_region", "sex", "age", "office_visits", "employer_id",
    }  # fmt: skip
    assert results["models"]
    assert results["sensitivity"]["e_values"]
    people = [row[name] for row in results["subgroups"]["groups"] for name in row if name.startswith(("n_", "people_"))]
    assert not any(count is not None and 1 <= count <= 10 for count in people)
