"""Our balance against the balance tables of R MatchIt 4.7.2, in every study matched 1:1 without replacement."""

from csv import DictReader
from itertools import groupby
from pathlib import Path

import pytest
from claimtwin.stats.balance import ArmPair, ArmSums, balance_row

from tests.support.shared import shared_data

Row = dict[str, str]
COLUMNS = {"distance": "score", "x1": "x1", "x2": "x2", "x3": "x3", "g3": "g3"}


def by_config(folder: Path, name: str) -> dict[str, list[Row]]:
    with (folder / name).open(newline="") as file:
        return {key: list(rows) for key, rows in groupby(DictReader(file), lambda row: row["config_id"])}


def sums(units: list[Row], covariate: str) -> ArmSums:
    column = [value(unit, covariate) for unit in units]
    return ArmSums(len(column), sum(column), sum(v * v for v in column))


def value(unit: Row, covariate: str) -> float:
    """A column of the table, or whether a unit has one level of g1 or g2."""
    if covariate in COLUMNS:
        return float(unit[COLUMNS[covariate]])
    return float(unit[covariate[:2]] == covariate[2:].lstrip("_"))


def arms(units: list[Row], covariate: str) -> ArmPair:
    return ArmPair(*(sums([u for u in units if u["treat"] == arm], covariate) for arm in ("1", "0")))


def same(ours: float | None, theirs: str) -> bool:
    return ours is None if theirs == "" else ours == pytest.approx(float(theirs), rel=1e-8, abs=1e-8)


def test_balance_equals_matchit() -> None:
    folder = shared_data("matchit-oracle")
    configs, units = by_config(folder, "configs.csv"), by_config(folder, "units.csv")
    pairs, balance = by_config(folder, "pairs.csv"), by_config(folder, "balance.csv")
    compared = 0
    for config, (study,) in configs.items():
        if study["ratio"] == "1" and study["replace"] == "FALSE":
            used = {pair[key] for pair in pairs[config] for key in ("treated_id", "control_id")}
            matched = [unit for unit in units[config] if unit["id"] in used]
            compared += sum(assert_same(row, units[config], matched) for row in balance[config])
    assert compared > 1000


def assert_same(row: Row, everybody: list[Row], matched: list[Row]) -> bool:
    covariate = row["covariate"]
    before = arms(everybody, covariate)
    now = arms(matched, covariate) if row["when"] == "after" else before
    binary = {value(unit, covariate) for unit in everybody} <= {0.0, 1.0}
    when = "after" if row["when"] == "after" else "before"
    got = balance_row(covariate, when, now, before, binary=binary, denominator="treated")
    assert got.mean_treated == pytest.approx(float(row["mean_treated"]), abs=1e-8)
    assert got.mean_comparator == pytest.approx(float(row["mean_control"]), abs=1e-8)
    assert same(got.smd, row["smd"])
    assert same(got.variance_ratio, row["variance_ratio"])
    return True
