"""The score models of a grid: plain ones climb together, the others are fitted as those of a study, one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.score import CATEGORIES
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import DesignColumn, design_columns, levels_of
from claimtwin.spark.grid import pack_designs, sum_all_logits, sum_all_moments
from claimtwin.spark.scores import pack_design
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments, add_moments, no_moments
from claimtwin.stats.newton import LogitFit, LogitSums, add_sums, climb_logit, sd_of_logit
from claimtwin.stats.together import or_fault, run_together
from claimtwin.study.grid_plan import GridPlan
from claimtwin.study.model_table import ScoreModel
from claimtwin.study.scoring import MOST_TASKS, fit_score
from claimtwin.study.stages import Made
from claimtwin.study.terms import read_terms

Columns = tuple[DesignColumn, ...]
Make = Callable[[str, Mapping[str, object], Callable[[], DataFrame]], Made]
Found = dict[int, ScoreModel | GuardError]


def fit_plain(plan: GridPlan, candidates: Made, make: Make) -> Found:
    """Models of main effects of usual covariates, by their number: a step of each in one pass."""
    columns = _columns(plan, candidates.frame)
    if not columns:
        return {}
    design = make("design", {"candidates": candidates.identity}, lambda: pack_designs(candidates.frame, columns))
    widths = {number: len(own) for number, (_, own) in columns.items()}
    moments = _moments(design.frame, widths)

    def sums_at(asked: dict[int, FloatArray]) -> dict[int, LogitSums]:
        rows = _packed(sum_all_logits(design.frame, widths, asked, moments))
        return {k: add_sums([LogitSums.unpack(row) for row in rows[k]]) for k in asked}

    climbs = {k: or_fault(climb_logit(moments[k], [c.name for c in own])) for k, (_, own) in columns.items()}
    fits = run_together(climbs, sums_at)
    return {k: ScoreModel(columns[k][1], (None,) * widths[k], fit, sd_of_logit(fit, moments[k]))
            if isinstance(fit, LogitFit) else fit for k, fit in fits.items()}  # fmt: skip


def fit_others(plan: GridPlan, candidates: Made, make: Make) -> Found:
    """Models with a penalty, further terms or covariates, by their number, as ``study.scoring`` fits them."""
    return {
        plan.model[k]: _fit_other(plan, k, candidates, make)
        for k in plan.first(plan.model)
        if not plan.variants[k].score.is_plain
    }


def _fit_other(plan: GridPlan, place: int, candidates: Made, make: Make) -> ScoreModel | GuardError:
    score = plan.variants[place].score
    eligible = candidates.frame.where(F.col("number") == plan.study[place])
    try:
        columns, tie = read_terms(eligible, score), "tie_key" if score.penalty else None
        made_from = {"candidates": candidates.identity, "score": score.model_dump(mode="json")}
        packed = lambda: pack_design(eligible, columns, tie=tie)  # noqa: E731
        return fit_score(make(f"design_{plan.model[place]}", made_from, packed).frame, columns, score)
    except GuardError as fault:
        return fault


def _columns(plan: GridPlan, candidates: DataFrame) -> dict[int, tuple[int, Columns]]:
    """By plain model: the number of its candidates and its columns; none for a study without candidates."""
    plain = [k for k in plan.first(plan.model) if plan.variants[k].score.is_plain]
    named = sorted({name for k in plain for name in plan.variants[k].score.covariates if name in CATEGORIES})
    found = collect_compact(levels_of(candidates.groupBy("number"), named), ["number", "n", *named],
                            max_rows=len(plan.variants), text=named).to_pylist()  # fmt: skip
    levels: dict[int, Any] = {row["number"]: row for row in found}
    return {
        plan.model[k]: (plan.study[k], design_columns(plan.variants[k].score.covariates, levels[plan.study[k]]))
        for k in plain
        if plan.study[k] in levels
    }


def _moments(design: DataFrame, widths: Mapping[int, int]) -> dict[int, Moments]:
    rows = _packed(sum_all_moments(design, widths)) if widths else {}
    return {k: add_moments([no_moments(width), *map(Moments.unpack, rows[k])]) for k, width in widths.items()}


def _packed(sums: DataFrame) -> dict[int, list[Sequence[float]]]:
    """Packed sums by model in an order of their own: tasks end in any order."""
    found = collect_compact(sums, ["number", "sums"], max_rows=MOST_TASKS).to_pylist()
    rows: dict[int, list[Sequence[float]]] = {}
    for row in sorted(found, key=lambda row: (row["number"], row["sums"])):
        rows.setdefault(row["number"], []).append(row["sums"])
    return rows
