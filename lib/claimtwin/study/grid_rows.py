"""Rows of results on the grid: the main estimate of every variant beside that of the study."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from claimtwin.config.protocol import Protocol
from claimtwin.config.score import CATEGORIES
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.kernel.outcomes import outcome_columns
from claimtwin.report.words import RATIOS
from claimtwin.stats.withhold import is_small
from claimtwin.study.counts import Rows
from claimtwin.study.effects import estimate
from claimtwin.study.grid import Grid
from claimtwin.study.matched import EMPLOYER, matched_rows
from claimtwin.study.sensitivity import main_effect

Row = dict[str, Any]
PAIR = ("block", "rank", "treated")
ENDS = ("estimate", "low", "high", "p_value")


def grid_rows(
    spark: SparkSession, grid: Grid, protocol: Protocol, effects: Rows, pairs: int, door: tuple[int, int]
) -> Rows:
    """One row an outcome and variant, the study itself first, with how far each lies from it.

    ``door`` is the smallest count that may be told and the most rows that may pass. ``against_main`` is a ratio of
    odds ratios, or a difference of differences; null where either has none, or only one is adjusted.

    Raises:
        GuardError: Somebody in a variant would rather have another twin: a fault of the match.
    """
    cell, max_rows = door
    check_certificates(grid)
    counted = collect_counted(spark, grid, protocol, max_rows)
    found = {place: _effects_of(grid, place, counted, cell) for place in range(len(grid.plan.variants))}
    rows: Rows = []
    for outcome in protocol.outcomes:
        main = main_effect(effects, outcome.name)
        rows.append(_row(outcome.name, "main", main, main, None if is_small(pairs, cell) else pairs))
        for place, variant in enumerate(protocol.sensitivity.grid):
            own, size = found[place]
            effect = main_effect(own, outcome.name) if own else _absent(main, size, grid.failed.get(place, ""))
            shown = None if _gives_away(size, pairs, cell) else size
            rows.append(_row(outcome.name, variant.name, effect, main, shown))
    return rows


def collect_counted(spark: SparkSession, grid: Grid, protocol: Protocol, max_rows: int) -> pa.Table:
    """The matched of every distinct count as one collection: pair, arm, employer, covariates, outcomes, its number."""
    names = list(dict.fromkeys(name for variant in grid.plan.variants for name in variant.adjust))
    people = grid.candidates.frame.withColumnRenamed("number", "study")
    members = grid.members(spark, grid.plan.count)
    rows = members.join(people.select("study", "person_id", "treated", EMPLOYER, *names),
                        ["study", "person_id", "treated"])  # fmt: skip
    rows = rows.join(grid.outcomes.frame, ["number", "person_id", "treated"])
    columns = ["number", *PAIR, EMPLOYER, *names, *outcome_columns(protocol)]
    text = ["block", EMPLOYER, *(name for name in names if name in CATEGORIES)]
    most = max_rows * max(len(set(grid.plan.count)), 1)
    found = collect_compact(rows.select(*columns), columns, max_rows=most, text=text)
    return found.sort_by([("number", "ascending"), ("block", "ascending"), ("rank", "ascending"),
                          ("treated", "descending")])  # fmt: skip


def check_certificates(grid: Grid) -> None:
    """Stop where the certificate of a match counts anybody.

    Raises:
        GuardError: It does.
    """
    envious = grid.matches.frame.agg(F.coalesce(F.sum("envious"), F.lit(0)).alias("envious"))
    if collect_compact(envious, ["envious"], max_rows=1)["envious"][0].as_py():
        raise GuardError(
            "A variant of the grid breaks what must hold of every match.",
            where=grid.matches.ref.name,
            rule="docs/method.md, matching",
            remedy="this is a fault in Claimtwin: please report it with the manifest of the run",
        )


def _effects_of(grid: Grid, place: int, counted: pa.Table, cell: int) -> tuple[Rows, int]:
    """Main effects of a variant, small cells withheld, and its pairs; none of either where nobody is matched."""
    rows = counted.filter(pc.equal(counted["number"], grid.plan.count[place]))
    variant = grid.plan.variants[place]
    if place in grid.failed or not rows.num_rows:
        return [], 0
    return estimate(matched_rows(rows, variant), variant, cell).effects, rows.num_rows // 2


def _absent(main: Row, size: int, reason: str) -> Row:
    return {**main, **dict.fromkeys(ENDS), "note": reason or "nobody is matched"}


def _gives_away(size: int, pairs: int, cell: int) -> bool:
    """Whether the pairs of a variant are few, or so nearly those of the study that the two tell of few."""
    return is_small(size, cell) or is_small(abs(size - pairs), cell)


def _row(outcome: str, name: str, effect: Row, main: Row, pairs: int | None) -> Row:
    kept = {key: effect[key] for key in ("measure", "adjusted", "errors", *ENDS, "note")}
    return {"outcome": outcome, "variant": name, "pairs": pairs, **kept, "against_main": _against(effect, main)}


def _against(effect: Row, main: Row) -> float | None:
    if effect["estimate"] is None or main["estimate"] is None or effect["adjusted"] != main["adjusted"]:
        return None
    if effect["measure"] in RATIOS:
        return float(effect["estimate"] / main["estimate"])
    return float(effect["estimate"] - main["estimate"])
