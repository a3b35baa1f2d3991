"""Rows of results on hidden bias: made from the effects that are shown, and absent where those are."""

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.errors import ConfigError
from claimtwin.report.answer import headline, judged
from claimtwin.stats.confounding import Confounder, bias_factor
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows
from claimtwin.study.sensitivity import power_rows, sensitivity_of
from pydantic import ValidationError

from tests.support.rows import compact_rows, protocol_of

NONE = {"binary": [], "count": []}


def part_of(rows: pa.Table, min_cell: int = 11, **parts):
    protocol = protocol_of(models=NONE, **parts)
    matched = matched_rows(rows, protocol)
    found = estimate(matched, protocol, min_cell)
    return sensitivity_of(matched, protocol, found.outcomes, found.effects, min_cell), found


def test_a_confounder_at_the_tipping_point_explains_the_effect() -> None:
    part, _ = part_of(compact_rows(2000))
    (e_value,) = part["e_values"]
    assert not e_value["rare"]
    assert e_value["estimate"] < 1 < e_value["limit"] < e_value["point"]
    for row in part["tipping"]:
        tip = Confounder(row["prevalence_lower_risk"], row["prevalence_higher_risk"], row["point"])
        assert e_value["estimate"] / bias_factor(tip) == pytest.approx(1)
        nearer = Confounder(row["prevalence_lower_risk"], row["prevalence_higher_risk"], row["limit"])
        assert e_value["high"] / bias_factor(nearer) == pytest.approx(1)


def test_the_ratio_of_a_rare_outcome_is_the_odds_ratio_itself() -> None:
    part, found = part_of(compact_rows(2000, risk=0.1))
    (row,) = part["e_values"]
    main = next(e for e in found.effects if e["adjusted"] and e["errors"] == "cluster_pair")
    assert row["rare"]
    assert (row["estimate"], row["low"]) == (main["estimate"], main["low"])


def test_bounds_of_a_yes_no_outcome_and_of_a_count() -> None:
    part, _ = part_of(compact_rows(2000), sensitivity={"gammas": [1, 2]})
    assert [(row["outcome"], row["test"], row["critical"]) for row in part["rosenbaum"]] == [
        ("any_opioid", "mcnemar", False), ("any_opioid", "mcnemar", False), ("any_opioid", "mcnemar", True),
        ("opioid_fills", "signed_rank", False), ("opioid_fills", "signed_rank", False),
        ("opioid_fills", "signed_rank", True),
    ]  # fmt: skip
    assert all(row["gamma"] >= 1 for row in part["rosenbaum"])


def test_what_is_withheld_or_not_estimable_has_no_sensitivity() -> None:
    part, _ = part_of(compact_rows(risk=0.03))
    for name in ("e_values", "tipping", "rosenbaum"):
        assert {row["note"] for row in part[name]} == {"withheld: small cell"}
    assert part["e_values"][0]["point"] is None
    rows = compact_rows()
    none = rows.set_column(7, "any_opioid", pa.array(np.zeros(rows.num_rows, np.int64)))
    part, _ = part_of(none)
    assert part["e_values"][0]["note"] == "no events in the treated arm"
    assert part["rosenbaum"][0]["note"] == "no discordant pair"


def test_few_pairs_of_a_kind_withhold_the_bounds_of_pairs() -> None:
    part, _ = part_of(compact_rows(risk=0.1))
    assert part["rosenbaum"][0]["note"] == "withheld: small cell"
    assert part["e_values"][0]["point"] is not None


def test_the_main_effect_of_rare_pairs_without_covariates_has_ordinary_errors() -> None:
    rows = compact_rows(risk=0.1)
    part, found = part_of(rows, adjust=[])
    plain = next(e for e in found.effects if e["measure"] == "odds_ratio" and e["errors"] == "nonrobust")
    (row,) = part["e_values"]
    assert (row["errors"], row["estimate"]) == ("nonrobust", plain["estimate"])
    results = {"effects": found.effects, "truth": {}}
    assert headline(results)["errors"] == judged(results)["errors"] == "nonrobust"
    whole, _ = part_of(compact_rows(2000), adjust=[])
    assert whole["e_values"][0]["errors"] == "cluster_pair"


def with_controls(count: int, bias: float) -> tuple[pa.Table, dict]:
    """Rows with so many outcomes that the treatment does not change, their odds in the treated off by exp(bias)."""
    rows, rng = compact_rows(3000), np.random.default_rng(2)
    treated = rows["treated"].to_numpy()
    outcomes = [outcome.model_dump() for outcome in protocol_of().outcomes]
    names = [f"control_{k}" for k in range(count)]
    for name in names:
        odds = 0.15 * np.exp(bias * treated)
        rows = rows.append_column(name, pa.array((rng.random(len(treated)) < odds / (1 + odds)).astype(np.int64)))
        outcomes.append({**outcomes[0], "name": name})
    return rows, {"outcomes": outcomes, "sensitivity": {"negative_controls": names}}


def test_negative_controls_find_the_planted_bias_and_take_it_out() -> None:
    rows, parts = with_controls(12, bias=-0.3)
    part, found = part_of(rows, **parts)
    assert part["null"]["mean"] == pytest.approx(-0.3, abs=0.08)
    assert part["null"]["expected_error"] >= abs(part["null"]["mean"]) - 1e-9
    (row,) = part["calibrated"]
    main = next(e for e in found.effects if e["adjusted"] and e["errors"] == "cluster_pair")
    assert row["estimate"] == pytest.approx(main["estimate"] * np.exp(-part["null"]["mean"]))
    assert row["low"] < row["estimate"] < row["high"]


def test_too_few_negative_controls_calibrate_nothing_and_say_so() -> None:
    rows, parts = with_controls(3, bias=0.0)
    part, _ = part_of(rows, **parts)
    assert (part["null"], part["calibrated"]) == (None, [])
    assert part["null_note"] == "fewer than 5 negative controls with an estimate"
    assert part_of(compact_rows())[0]["null_note"] == ""


def test_power_is_told_from_the_pairs_and_the_protocol() -> None:
    (row,) = power_rows(4195, protocol_of(power={"expected_risk": {"any_opioid": 0.1364}}))
    assert row["risk_difference"] == pytest.approx(-2.03, abs=0.01)
    assert row["risk_ratio"] == pytest.approx(1 + row["risk_difference"] / 13.64)
    (row,) = power_rows(3, protocol_of(power={"expected_risk": {"any_opioid": 0.1364}}))
    assert row["risk_ratio"] is None


def test_controls_and_risks_must_name_yes_no_outcomes() -> None:
    with pytest.raises((ConfigError, ValidationError), match="negative_controls: no yes-no outcome is called 'nope'"):
        protocol_of(sensitivity={"negative_controls": ["nope"]})
    with pytest.raises((ConfigError, ValidationError), match="expected_risk: no yes-no outcome is called"):
        protocol_of(power={"expected_risk": {"opioid_fills": 0.2}})
