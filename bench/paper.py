"""The preset study on claims calibrated to the founding paper's abstract: ``python -m bench.paper``.

Ours beside the published figures and the planted truth. The full text of the paper could not be had, so this is an
abstract-calibrated reconstruction: it shows that the study finds on such claims what was planted in them, and says
nothing of the people whom the paper is about.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from claimtwin.app.progress import progress
from claimtwin.app.session import get_session
from claimtwin.app.synth_command import Asked, checked
from claimtwin.config.load import load_configuration
from claimtwin.report.summary import summary_lines
from claimtwin.study.demo import STUDY, ingested_feed
from claimtwin.study.pipeline import run_study

HEAD = "Abstract-calibrated reconstruction of J Pain Res 2023;16:2609 (doi 10.2147/JPR.S412081)"
Results = dict[str, Any]
# Label, where ours stands, key of the planted truth, and the figure as published or (~) worked out from it.
ROWS: tuple[tuple[str, Callable[[Results], float | None], str, str], ...] = (
    ("pairs", lambda r: r["matching"]["pairs"], "", "4,195"),
    ("began opioids, programme, %", lambda r: _arm(r, "any_opioid", "treated", "percent"), "risk_treated", "7.89"),
    ("began opioids, therapy, %", lambda r: _arm(r, "any_opioid", "comparator", "percent"), "risk_comparator", "13.64"),
    ("fills per 100, programme", lambda r: _arm(r, "opioid_fills", "treated", "per_100"), "per_100_treated", "16.73"),
    ("fills per 100, therapy", lambda r: _arm(r, "opioid_fills", "comparator", "per_100"), "per_100_comparator",
     "22.36"),
    ("SD of fills, programme", lambda r: _arm(r, "opioid_fills", "treated", "sd"), "", "~0.867"),
    ("SD of fills, therapy", lambda r: _arm(r, "opioid_fills", "comparator", "sd"), "", "~0.783"),
    ("odds ratio, unadjusted", lambda r: _effect(r, "odds_ratio", adjusted=False), "odds_ratio", "~0.543"),
    ("odds ratio, adjusted", lambda r: _effect(r, "odds_ratio", adjusted=True), "", "0.52 (0.45 to 0.60)"),
    ("difference per 100, unadjusted", lambda r: _effect(r, "difference_per_scale", adjusted=False),
     "difference_per_100", "~-5.63"),
    ("difference per 100, adjusted", lambda r: _effect(r, "difference_per_scale", adjusted=True), "",
     "-6.40 (-9.88 to -2.93)"),
)  # fmt: skip


def paper_lines(results: Results) -> list[str]:
    """Ours, the planted truth of the treated and of the matched, and the published figures, a line each."""
    truth = results["truth"] or {}
    matched = truth.get("scales", {}).get("matched", {})
    head = f"{'':32}{'ours':>10}{'planted':>10}{'of twins':>10}   published"
    lines = [HEAD, head]
    for label, ours, key, published in ROWS:
        cells = [ours(results), truth.get(key), matched.get(key)]
        lines.append(f"{label:32}{''.join(f'{_number(cell):>10}' for cell in cells)}   {published}")
    crude = _number(truth.get("crude_odds_ratio"))
    return [
        *lines,
        f"Odds ratio of the arms as they come, confounded: {crude} (planted). ~ worked out from the abstract.",
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def _arm(results: Results, outcome: str, arm: str, figure: str) -> float | None:
    rows = [
        row for row in results["outcomes"] if (row["outcome"], row["arm"], row["scope"]) == (outcome, arm, "matched")
    ]
    return rows[0][figure] if rows else None


def _effect(results: Results, measure: str, *, adjusted: bool) -> float | None:
    wanted = (measure, adjusted, "cluster_pair")
    rows = [row for row in results["effects"] if (row["measure"], row["adjusted"], row["errors"]) == wanted]
    return rows[0]["estimate"] if rows else None


def main(words: list[str]) -> int:
    """Make the claims, run the study, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.paper")
    parser.add_argument("--folder", type=Path, default=Path("claimtwin-paper"))
    parser.add_argument("--members")
    parser.add_argument("--seed")
    asked = parser.parse_args(words)
    spec, say = checked(Asked("paper", {"members": asked.members, "seed": asked.seed})), progress()
    spark = get_session()
    env_file = ingested_feed(spark, asked.folder, spec, say)
    result = run_study(spark, *load_configuration(STUDY, str(env_file)), say)
    print("\n".join(paper_lines(result.results)))
    print(summary_lines(result.results, result_hash=result.hash, report_path=str(result.report))[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
