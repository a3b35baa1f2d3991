"""Partners' results pooled from their files alone, by the command."""

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from claimtwin.app.cli import main
from claimtwin.errors import InputError
from claimtwin.study.pooling import pool_lines, pool_partners, read_partners
from statsmodels.stats.meta_analysis import combine_effects

from tests.support.results import full_results


def written(folder: Path, name: str, shift: float = 0.0, **changes) -> str:
    """Results of a partner whose ratios are off by a factor of exp(shift)."""
    results = deepcopy(full_results()) | changes
    for row in results["effects"]:
        if row["measure"] == "odds_ratio" and row["estimate"] is not None:
            row |= {end: row[end] * float(np.exp(shift)) for end in ("estimate", "low", "high")}
    path = folder / name
    path.write_text(json.dumps(results))
    return str(path)


def row_of(pooled: dict, measure: str, adjusted: bool, errors: str) -> dict:
    (row,) = [r for r in pooled["effects"] if (r["measure"], r["adjusted"], r["errors"]) == (measure, adjusted, errors)]
    return row


def test_three_partners_are_pooled_as_statsmodels_does(tmp_path) -> None:
    shifts = (0.0, 0.1, -0.25)
    files = [written(tmp_path, f"{k}.json", shift) for k, shift in enumerate(shifts)]
    pooled = pool_partners(read_partners(files))
    row = row_of(pooled, "odds_ratio", True, "cluster_pair")
    error = np.log(0.601 / 0.452) / 2 / 1.959963984540054
    want = combine_effects(np.log(0.521) + np.array(shifts), np.full(3, error**2), method_re="dl")
    assert np.log(row["fixed"]["estimate"]) == pytest.approx(want.mean_effect_fe, rel=1e-9)
    assert np.log(row["random"]["estimate"]) == pytest.approx(want.mean_effect_re, rel=1e-9)
    assert (row["groups"], row["without_estimate"], pooled["differences"]) == (3, [], [])
    assert not any(r["measure"] == "relative_reduction" for r in pooled["effects"])
    assert "3 partners" in "\n".join(pool_lines(pooled))


def test_a_partner_whose_numbers_are_withheld_is_named_and_one_alone_is_not_pooled(tmp_path) -> None:
    hidden = full_results()
    for row in hidden["effects"]:
        row |= dict.fromkeys(("estimate", "low", "high", "p_value")) | {"note": "withheld: small cell"}
    silent = written(tmp_path, "silent.json", effects=hidden["effects"])
    files = [written(tmp_path, "a.json"), written(tmp_path, "b.json", 0.2), silent]
    row = row_of(pool_partners(read_partners(files)), "risk_difference", False, "nonrobust")
    assert (row["groups"], row["without_estimate"]) == (2, [silent])
    row = row_of(pool_partners(read_partners([files[0], silent])), "risk_difference", False, "nonrobust")
    assert (row["fixed"], row["note"]) == (None, "fewer than two partners have an estimate")


def test_protocols_that_differ_are_named(tmp_path) -> None:
    protocol = full_results()["protocol"]
    other = {**protocol, "matching": {**(protocol.get("matching") or {}), "caliper_sd": 0.05}}
    pooled = pool_partners(
        read_partners([written(tmp_path, "a.json"), written(tmp_path, "b.json", 0.2, protocol=other)])
    )
    assert pooled["differences"] == ["matching"]
    assert "Careful: the protocols differ in matching" in pool_lines(pooled)


def test_a_partner_who_was_unblinded_is_marked(tmp_path) -> None:
    blinding = {"gates": [], "blinded": False, "unblinded": "a referee asked"}
    files = [written(tmp_path, "a.json"), written(tmp_path, "b.json", 0.2, blinding=blinding)]
    pooled = pool_partners(read_partners(files))
    assert [partner["unblinded"] for partner in pooled["partners"]] == ["", "a referee asked"]
    assert f"Careful: a gate fails in {files[1]}, unblinded for a reason" in pool_lines(pooled)


@pytest.mark.parametrize("change", [{"low": None}, {"low": "x"}, {"low": 0.0}, {"estimate": float("nan")}, None])
def test_a_file_with_an_effect_that_is_no_effect_is_refused(tmp_path, change) -> None:
    effects = deepcopy(full_results()["effects"])
    row = next(row for row in effects if row["measure"] == "risk_ratio")
    if change is None:
        del row["low"]
    else:
        row |= change
    files = [written(tmp_path, "a.json"), written(tmp_path, "b.json", effects=effects)]
    with pytest.raises(InputError, match="cannot be read"):
        read_partners(files)


def test_what_cannot_be_pooled_is_refused(tmp_path) -> None:
    a = written(tmp_path, "a.json")
    with pytest.raises(InputError, match="Fewer than two"):
        read_partners([a])
    with pytest.raises(InputError, match="same results"):
        read_partners([a, written(tmp_path, "again.json")])
    (tmp_path / "broken.json").write_text("{")
    for name in ("broken.json", "missing.json"):
        with pytest.raises(InputError, match="cannot be read"):
            read_partners([a, str(tmp_path / name)])
    protocol = deepcopy(full_results()["protocol"])
    protocol["outcomes"][0]["window"] = [1, 90]
    with pytest.raises(InputError, match="counted the outcome"):
        read_partners([a, written(tmp_path, "other.json", 0.1, protocol=protocol)])


def test_the_command_prints_and_writes(tmp_path, capsys) -> None:
    output = tmp_path / "out" / "pooled.json"
    files = [written(tmp_path, "a.json"), written(tmp_path, "b.json", 0.2)]
    with pytest.raises(SystemExit) as end:
        main(["pool", *files, "--output", str(output)])
    assert end.value.code == 0
    assert "any_opioid, odds ratio, adjusted, pair-clustered errors: fixed 0.58" in capsys.readouterr().out
    assert json.loads(output.read_text())["partners"][0]["pairs"] == 4195
    with pytest.raises(SystemExit) as end:
        main(["pool", files[0], "nowhere.json"])
    assert end.value.code == 3
