"""The table of the reconstruction: ours, planted and published side by side, under its label."""

from bench.paper import ROWS, paper_lines
from tests.support.results import full_results


def test_ours_stand_beside_the_planted_and_the_published() -> None:
    results = full_results()
    lines = paper_lines(results)
    assert lines[0].startswith("Abstract-calibrated reconstruction")
    assert len(lines) == len(ROWS) + 3
    ratio = next(line for line in lines if line.startswith("odds ratio, unadjusted"))
    ours = next(e["estimate"] for e in results["effects"]
                if (e["measure"], e["adjusted"], e["errors"]) == ("odds_ratio", False, "cluster_pair"))  # fmt: skip
    assert f"{ours:.3f}" in ratio and "0.570" in ratio and "0.543" in ratio
    assert "0.414" in lines[-1]


def test_what_is_withheld_is_a_dash() -> None:
    results = full_results()
    for row in results["outcomes"]:
        row["percent"] = None
    results["truth"]["scales"] = {"matched": {"odds_ratio": 0.61}}
    shown = {line[:32].strip(): line for line in paper_lines(results)[2:-1]}
    assert shown["began opioids, programme, %"].split()[-4:-2] == ["-", "8.01"]
    assert "0.610" in shown["odds ratio, unadjusted"]
