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
from claimtwin.report.words import RATIOS, TOLD_ENDS
from claimtwin.stats.withhold import is_small
from claimtwin.study.counts import Rows
from claimtwin.study.designs import collect_scored, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.grid import Grid
from claimtwin.study.grid_estimates import estimate_by_design, estimate_for
from claimtwin.study.matched import EMPLOYER, matched_rows
from claimtwin.study.sensitivity import main_effect

Row = dict[str, Any]
PAIR = ("block", "rank", "nth", "treated")
ENDS = TOLD_ENDS


def grid_rows(
    spark: SparkSession, grid: Grid, protocol: Protocol, effects: Rows, pairs: int, door: tuple[int, int]
) -> Rows:
    """One row an outcome and variant, the study itself first, with how far each lies from it.

    ``door`` is the smallest count that may be told and the most rows that may pass. ``against_main`` is a ratio of
    odds ratios, or a difference of differences; null where either has none, only one is adjusted, or they measure
    different things. ``model`` is told of variants with an estimator; ``pairs`` is null where it needs none.

    Raises:
        GuardError: Somebody in a variant would rather have another twin: a fault of the match.
    """
    cell, max_rows = door
    check_certificates(grid)
    counted = collect_counted(spark, grid, protocol, max_rows)
    found = {place: _told_by(grid, place, counted, door) for place in range(len(grid.plan.variants))}
    rows: Rows = []
    for place, outcome in enumerate(protocol.outcomes):
        main = main_effect(effects, outcome.name)
        rows.append(_row(outcome.name, "main", main, main, None if is_small(pairs, cell) else pairs))
        for variant, (own, size) in zip(protocol.sensitivity.grid, found.values(), strict=True):
            effect = own[place] if isinstance(own, list) else {**main, **dict.fromkeys(ENDS), "note": own}
            shown = None if size is None or _gives_away(size, pairs, cell) else size
            rows.append(_row(outcome.name, variant.name, effect, main, shown, told=variant.estimator is not None))
    return rows


def collect_counted(spark: SparkSession, grid: Grid, protocol: Protocol, max_rows: int) -> pa.Table:
    """The matched of every distinct count as one collection: pair, arm, employer, covariates, outcomes, its number."""
    names = list(dict.fromkeys(name for variant in grid.plan.variants for name in variant.adjust))
    people = grid.candidates.frame.withColumnRenamed("number", "study")
    matched = [k for k in grid.plan.first(grid.plan.count) if not grid.plan.everybody(k)]
    if not matched:
        return pa.table({"number": pa.array([], pa.int32())})
    members = grid.members(spark, matched)
    rows = members.join(people.select("study", "person_id", "treated", EMPLOYER, *names),
                        ["study", "person_id", "treated"])  # fmt: skip
    rows = rows.join(grid.outcomes.frame, ["number", "person_id", "treated"])
    columns = ["number", *PAIR, EMPLOYER, *names, *outcome_columns(protocol)]
    text = ["block", EMPLOYER, *(name for name in names if name in CATEGORIES)]
    most = max_rows * len(matched)
    found = collect_compact(rows.select(*columns), columns, max_rows=most, text=text)
    return found.sort_by([(name, "ascending") for name in ("number", "block", "rank", "nth")])


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


def _told_by(grid: Grid, place: int, counted: pa.Table, door: tuple[int, int]) -> tuple[Rows | str, int | None]:
    """Rows of a variant by outcome, or why there are none; and its pairs, null where it needs none."""
    variant, reason = grid.plan.variants[place], grid.failed.get(place, "")
    if grid.plan.everybody(place):
        return reason or _by_design(grid, place, door), None
    rows = counted.filter(pc.equal(counted["number"], grid.plan.count[place]))
    if reason or not rows.num_rows:
        return reason or "nobody is matched", 0
    found = estimate(matched_rows(rows, variant), variant, door[0])
    size = pc.sum(rows["treated"].cast("int64")).as_py()
    return [estimate_for(outcome, found, grid.plan.asked[place]) for outcome in variant.outcomes], size


def _by_design(grid: Grid, place: int, door: tuple[int, int]) -> Rows:
    """Rows of a variant whose design takes everybody eligible."""
    plan, variant = grid.plan, grid.plan.variants[place]
    candidates = grid.candidates.frame.where(F.col("number") == plan.study[place])
    outcomes = grid.outcomes.frame.where(F.col("number") == plan.count[place]).drop("number")
    found = eligible_rows(collect_scored(grid.people(place), candidates, outcomes, variant, door[1]), variant)
    return [estimate_by_design(outcome, found, variant, door[0]) for outcome in variant.outcomes]


def _gives_away(size: int, pairs: int, cell: int) -> bool:
    """Whether the pairs of a variant are few, or so nearly those of the study that the two tell of few."""
    return is_small(size, cell) or is_small(abs(size - pairs), cell)


def _row(outcome: str, name: str, effect: Row, main: Row, pairs: int | None, *, told: bool = False) -> Row:
    model = ("model",) if told else ()
    kept = {key: effect[key] for key in ("measure", *model, "adjusted", "errors", *ENDS, "note")}
    return {"outcome": outcome, "variant": name, "pairs": pairs, **kept, "against_main": _against(effect, main)}


def _against(effect: Row, main: Row) -> float | None:
    if effect["measure"] != main["measure"]:
        return None
    if effect["estimate"] is None or main["estimate"] is None or effect["adjusted"] != main["adjusted"]:
        return None
    if effect["measure"] in RATIOS:
        return float(effect["estimate"] / main["estimate"])
    return float(effect["estimate"] - main["estimate"])
