"""Gates: each fails where it should, and while one does nothing that is written tells an outcome or an effect."""

import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.app.cli import main
from claimtwin.io.files import remove_others, to_json
from claimtwin.report.figures import figures
from claimtwin.report.gate_tables import gate_lines
from claimtwin.report.page import render_report
from claimtwin.report.summary import summary_lines
from claimtwin.report.tables import csv_tables
from claimtwin.stats.balance import BalanceRow, largest_after
from claimtwin.stats.gates import Gate, at_least, at_most, equipoise_range
from claimtwin.study.gates import DesignFigures, blinding_part, empty_analysis, judge
from claimtwin.study.matched import matched_rows

from tests.support.results import full_results, manifest
from tests.support.rows import compact_rows, protocol_of
from tests.unit.test_study_sensitivity import with_controls

DESIGN = DesignFigures(largest_smd=0.08, treated=450, comparators=2000, middle=1225, pairs=400)
FAILED = [Gate("largest_smd", "", 0.1, 0.124, False), Gate("events_per_arm", "any_opioid", 500.0, None, False)]


def judged(rows=None, design=DESIGN, min_cell=11, gates=None, **parts):
    protocol = protocol_of(gates=gates or {}, **parts)
    return judge(design, matched_rows(compact_rows() if rows is None else rows, protocol), protocol, min_cell)


def passed(**gates) -> list[tuple[str, str, bool]]:
    return [(gate.gate, gate.outcome, gate.passed) for gate in judged(gates=gates)]


def test_without_thresholds_there_is_no_gate() -> None:
    assert judged() == []
    assert blinding_part([], "") == {"gates": [], "blinded": False, "unblinded": ""}


def test_each_gate_is_met_at_its_threshold_and_not_beyond() -> None:
    assert passed(largest_smd=0.08) == [("largest_smd", "", True)]
    assert passed(largest_smd=0.079) == [("largest_smd", "", False)]
    assert passed(equipoise=0.5) == [("equipoise", "", True)]
    assert passed(equipoise=0.501) == [("equipoise", "", False)]
    assert passed(matched_share=400 / 450) == [("matched_share", "", True)]
    assert passed(matched_share=0.9) == [("matched_share", "", False)]


def test_events_and_detectable_ratio_are_judged_by_outcome() -> None:
    happened = compact_rows()["any_opioid"].to_numpy() > 0
    fewest = min(int(happened[0::2].sum()), int(happened[1::2].sum()))
    outcomes = ("any_opioid", "opioid_fills")
    assert passed(events_per_arm=fewest) == [("events_per_arm", name, True) for name in outcomes]
    assert passed(events_per_arm=fewest + 1) == [("events_per_arm", name, False) for name in outcomes]
    ratio = np.exp((1.959963984540054 + 0.8416212335729143) * 2 / np.sqrt(happened.sum()))
    assert passed(detectable_ratio=ratio + 1e-9) == [("detectable_ratio", "any_opioid", True)]
    assert passed(detectable_ratio=ratio - 1e-9) == [("detectable_ratio", "any_opioid", False)]


def test_a_difference_just_above_its_threshold_fails_and_is_shown_above_it() -> None:
    rows = [BalanceRow("age", "after", 4.0, 5.0, -0.1048, 1.0), BalanceRow("sex=male", "before", 0.4, 0.5, 0.9, None)]
    assert largest_after(rows) == 0.1048
    (gate,) = judged(design=replace(DESIGN, largest_smd=0.1048), gates={"largest_smd": 0.1})
    assert (gate.value, gate.passed) == (0.11, False)
    without_spread = [*rows, BalanceRow("visits", "after", 4.0, 5.0, None, None)]
    (gate,) = judged(design=replace(DESIGN, largest_smd=largest_after(without_spread)), gates={"largest_smd": 0.1})
    assert (gate.value, gate.passed) == (None, False)
    assert largest_after([]) is None


@pytest.mark.parametrize("kind", ["binary", "time", "rate"])
def test_what_can_be_detected_is_judged_of_every_outcome_that_has_a_ratio(kind: str) -> None:
    rows = compact_rows()
    rows = rows.append_column("any_opioid_days", pa.array(np.full(rows.num_rows, 200)))
    outcomes = [{"name": "any_opioid", "title": "Any", "kind": kind, "drug": "opioid", "window": [1, 365]}]
    found = judged(rows, gates={"detectable_ratio": 1.01}, outcomes=outcomes)
    assert [(gate.gate, gate.passed) for gate in found] == [("detectable_ratio", False)]


def test_what_is_not_known_does_not_pass() -> None:
    unknown = DesignFigures(None, 450, 2000, 1225, 400)
    assert [gate.passed for gate in judged(design=unknown, gates={"largest_smd": 0.1})] == [False]
    assert at_most("x", 1.0, None) == [Gate("x", "", 1.0, None, False)]
    assert at_least("x", None, 2.0) == []
    (gate,) = judged(gates={"negative_control_error": 0.25})
    assert (gate.gate, gate.value, gate.passed) == ("negative_control_error", None, False)


@pytest.mark.parametrize(("bias", "passes"), [(0.0, True), (-0.6, False)])
def test_biased_negative_controls_close_the_gate(bias: float, passes: bool) -> None:
    rows, parts = with_controls(10, bias)
    (gate,) = judged(rows, gates={"negative_control_error": 0.25}, **parts)
    assert gate.passed is passes


def test_no_value_tells_the_outcome_of_an_arm_or_a_small_cell() -> None:
    (first, *_) = judged(gates={"events_per_arm": 5})
    assert first.value is None
    few = DesignFigures(0.05, 450, 2000, 2445, 445)
    found = judged(design=few, gates={"equipoise": 0.2, "matched_share": 0.5})
    assert [(gate.value, gate.passed) for gate in found] == [(None, True), (None, True)]
    assert judged(design=few, min_cell=1, gates={"matched_share": 0.5})[0].value == 0.989
    rare = compact_rows(pairs=60, risk=0.05)
    assert 1 <= (rare["any_opioid"].to_numpy() > 0).sum() <= 10
    (gate,) = judged(rare, gates={"detectable_ratio": 50.0})
    assert (gate.value, gate.passed) == (None, True)


def test_equipoise_is_the_middle_of_the_preference_score() -> None:
    low, high = equipoise_range(0.5)
    assert (low, high) == pytest.approx((np.log(3 / 7), np.log(7 / 3)))
    low, high = equipoise_range(0.1)
    score = 1 / (1 + np.exp(-np.array([low, high])))
    preference = (score * 0.9) / (score * 0.9 + (1 - score) * 0.1)
    assert preference == pytest.approx([0.3, 0.7])


def blinded_results() -> dict:
    return {**full_results(), **empty_analysis(), "blinding": blinding_part(FAILED, ""), "power": []}


def test_a_blinded_study_holds_no_outcome_and_no_effect_anywhere() -> None:
    shown, hidden = full_results(), blinded_results()
    assert hidden["blinding"]["blinded"]
    told = {str(row[key]) for row in (*shown["effects"], *shown["models"]) for key in ("estimate", "low", "high")}
    told |= {str(row[key]) for row in shown["outcomes"] for key in ("people", "percent", "total")}
    told -= {str(row[key]) for row in shown["published"] for key in ("estimate", "low", "high")}
    texts = [to_json(hidden), render_report(hidden, manifest()), *csv_tables(hidden).values(),
             *summary_lines(hidden, result_hash="c0", report_path="r"), *gate_lines(hidden)]  # fmt: skip
    assert all(not re.search(rf"(?<![\d.,]){re.escape(n)}(?![\d.])", text) for text in texts for n in told)
    assert not [name for name in figures(hidden) if name.startswith("effects")]
    tables = csv_tables(hidden)
    for name in ("effects", "models", "outcomes", "subgroups", "interactions", "e_values", "rosenbaum", "tipping"):
        assert tables[f"{name}.csv"].count("\n") == 1, name
    assert tables.keys() == csv_tables(shown).keys()  # no file of an earlier run is left beside them


def test_a_blinded_page_says_so_first_and_names_the_gates_that_fail() -> None:
    page = " ".join(re.sub(r"<[^>]+>", " ", render_report(blinded_results(), manifest())).split())
    assert "Blinded: a gate of the protocol fails, and no outcome and no effect was looked at." in page
    assert "Largest standardised difference after matching at most 0.1 0.124 no" in page
    assert "The planted truth" not in page
    assert " Effects " not in page
    assert page.index("Blinded:") < page.index("Flow of people")
    assert summary_lines(blinded_results(), result_hash="c0", report_path="r")[4].endswith("blinded: a gate fails")
    assert gate_lines(blinded_results()) == [
        "gates: 2 of 2 failed (Largest standardised difference after matching; People with the outcome in either arm: "
        "Began opioids within 12 months); effects are hidden"
    ]


def test_the_reason_to_unblind_stands_on_the_first_page_escaped() -> None:
    results = {**full_results(), "blinding": blinding_part(FAILED, "referee <asked>")}
    assert not results["blinding"]["blinded"]
    html = render_report(results, manifest())
    assert "referee &lt;asked&gt;" in html
    assert html.index("referee") < html.index('id="flow"')
    assert "odds ratio 0.52" in html
    assert gate_lines(results)[0].endswith("effects are shown by --unblind")


def test_passed_gates_hide_nothing() -> None:
    part = blinding_part([Gate("largest_smd", "", 0.1, 0.05, True)], "")
    assert not part["blinded"]
    results = {**full_results(), "blinding": part}
    assert gate_lines(results) == ["gates: all 1 passed"]
    assert json.loads(to_json(results))["effects"]


def test_files_of_an_earlier_run_are_removed(tmp_path) -> None:
    for name in ("effects_a.svg", "effects_b.svg", "grid_a.svg", "notes.txt"):
        (tmp_path / name).write_text("x")
    remove_others(tmp_path, "*.svg", {"effects_b.svg"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["effects_b.svg", "notes.txt"]
    remove_others(tmp_path / "nowhere", "*.svg", set())


def test_unblinding_needs_a_reason(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["report", "--study", "jpr_s412081", "--env", "local", "--unblind", "  "])
    assert end.value.code == 2
    assert "needs a reason" in capsys.readouterr().err
