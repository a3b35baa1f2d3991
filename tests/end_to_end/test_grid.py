"""Variants of the demonstration, run together: one that changes nothing is the study, to the last digit."""

from claimtwin.config.protocol import Protocol
from claimtwin.study.grid import run_grid
from claimtwin.study.grid_rows import grid_rows
from claimtwin.study.pipeline import run_pack
from claimtwin.study.progress import say_nothing

NARROW = {"washout.days": 180, "matching.caliper_sd": 0.05}
RIDGE = {"score.penalty": {"strength": 0.05, "l1_share": 0}, "matching.ratio": 2, "landmark.days": 30}
GRID = [
    {"name": "same", "change": {"washout.days": 365}},
    {"name": "narrow", "change": NARROW},
    {"name": "impossible", "change": {"population.age_min": 119}},
    {"name": "ridge", "change": RIDGE},
    {"name": "robust", "estimator": {"design": {"method": "doubly_robust"}}},
]


def test_a_variant_that_changes_nothing_is_the_study_and_one_without_people_says_so(demo):
    values = demo.protocol.model_dump(mode="json")
    protocol = Protocol.model_validate(values | {"sensitivity": values["sensitivity"] | {"grid": GRID}})
    blocks = run_pack(demo.spark, demo.env, say_nothing)
    grid = run_grid(demo.spark, protocol, demo.env, blocks, say_nothing)
    results = demo.result.results
    door = demo.env.disclosure.min_cell, demo.env.door.max_rows
    rows = grid_rows(demo.spark, grid, protocol, results["effects"], results["matching"]["pairs"], door)
    first = {row["variant"]: row for row in rows[:6]}
    assert list(first) == ["main", "same", "narrow", "impossible", "ridge", "robust"]
    unnamed = [{key: value for key, value in first[name].items() if key != "variant"} for name in ("main", "same")]
    assert unnamed[0] == unnamed[1]
    assert first["narrow"]["estimate"] not in (None, first["main"]["estimate"])
    assert first["impossible"]["note"] == "nobody meets its criteria"
    assert first["ridge"]["estimate"] is not None and first["ridge"]["pairs"] != first["main"]["pairs"]
    robust = first["robust"]
    assert (robust["measure"], robust["pairs"], robust["against_main"]) == ("risk_difference", None, None)
    crude = next(e for e in results["effects"] if (e["outcome"], e["measure"]) == ("any_opioid", "risk_difference"))
    assert abs(robust["estimate"] - crude["estimate"]) < 3 and robust["low"] < robust["estimate"] < robust["high"]
