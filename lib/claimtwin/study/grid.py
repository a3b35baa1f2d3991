"""The grid of a study: all its variants run together, each stage once for the variants that share it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.config.score import CATEGORIES
from claimtwin.errors import ClaimtwinError, GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store
from claimtwin.spark.block_sizes import count_large
from claimtwin.spark.decode import CodeBook
from claimtwin.spark.design import DesignColumn, design_columns, levels_of
from claimtwin.spark.grid import find_eligible, find_grid_outcomes, pack_designs, sum_all_logits, sum_all_moments
from claimtwin.spark.packing import PACKED
from claimtwin.spark.pairing import build_pair_members, keep_pairs
from claimtwin.spark.ranges import match_all
from claimtwin.spark.scores import with_scores
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments, add_moments
from claimtwin.stats.newton import LogitFit, LogitSums, add_sums, climb_logit, sd_of_logit
from claimtwin.stats.together import or_fault, run_together
from claimtwin.study.codebook import drug_list_fingerprints, end_of_data
from claimtwin.study.concepts import read_book
from claimtwin.study.grid_plan import GridPlan, plan_grid
from claimtwin.study.match_stage import caliper_of, covariates_of, distance_of, large_above, places_of, rules_of
from claimtwin.study.model_table import ScoreModel
from claimtwin.study.progress import Say
from claimtwin.study.scoring import MOST_TASKS, no_moments
from claimtwin.study.stages import Made, make_table

MOST_BLOCKS = 1_000_000
Columns = tuple[DesignColumn, ...]


@dataclass(frozen=True)
class GridMatches:
    """The variants of a study up to their matches: no outcome in them. ``failed`` says by variant why it has none."""

    plan: GridPlan
    candidates: Made
    matches: Made
    failed: Mapping[int, str]

    def members(self, spark: SparkSession, numbers: Sequence[int]) -> DataFrame:
        """One row per person in a pair: ``number`` of ``numbers`` (one a variant), ``study``, and the pair."""
        rows = sorted(set(zip(numbers, self.plan.match, self.plan.study, strict=True)))
        whose = spark.createDataFrame(rows, "number int, match int, study int")
        pairs = keep_pairs(self.matches.frame.withColumnRenamed("number", "match"))
        members = [build_pair_members(pairs.where(F.col("match") == m)).withColumn("match", F.lit(m))
                   for m in sorted({match for _, match, _ in rows})]  # fmt: skip
        return reduce(DataFrame.unionByName, members).join(F.broadcast(whose), "match").drop("match")


@dataclass(frozen=True)
class Grid(GridMatches):
    """The same with the outcome counts of everybody matched."""

    outcomes: Made


@dataclass(frozen=True)
class GridRun:
    """A study on a deployment, and the plan of its grid."""

    spark: SparkSession
    protocol: Protocol
    env: Env
    blocks: Made
    say: Say
    plan: GridPlan
    books: tuple[CodeBook, ...]

    def make(self, name: str, made_from: Mapping[str, object], frame: Any) -> Made:
        """One table of the grid, made unless it is there; all depend on what the variants are."""
        table = Store(self.env.tables).table(f"grid_{name}", study=self.protocol.study.name)
        told = {"grid": [variant.model_dump(mode="json") for variant in self.plan.variants], **made_from}
        return make_table(self.spark, table, told, frame, self.say)


def run_grid(spark: SparkSession, protocol: Protocol, env: Env, blocks: Made, say: Say) -> Grid:
    """Candidates, scores, matches and outcome counts of every variant; no effect is estimated here.

    A variant that cannot be matched is named with its reason, and the others go on.
    """
    plan = plan_grid(protocol)
    books = tuple(read_book(spark, variant, env, say) for variant in plan.variants)
    run = GridRun(spark, protocol, env, blocks, say, plan, books)
    lists = {str(place): drug_list_fingerprints(book) for place, book in enumerate(books)}
    firsts = [(plan.variants[k], books[k]) for k in plan.first(plan.study)]
    made_from = {"blocks": blocks.identity, "lists": lists, "open_until": books[0].open_until}
    candidates = run.make("candidates", made_from, lambda: find_eligible(blocks.frame, firsts))
    models, failed = _models(run, candidates)
    matches = _matches(run, candidates, models, failed)
    counted = [(plan.variants[k], books[k]) for k in plan.first(plan.count)]
    ends = [end_of_data(variant, env) for variant, _ in counted]
    grid = GridMatches(plan, candidates, matches, failed)
    outcomes = run.make(
        "outcomes",
        made_from | {"candidates": candidates.identity, "matches": matches.identity, "ends": ends},
        lambda: find_grid_outcomes(blocks.frame, _asked(grid, spark), counted, ends),
    )
    return Grid(plan, candidates, matches, failed, outcomes)


def _models(run: GridRun, candidates: Made) -> tuple[dict[int, ScoreModel], dict[int, str]]:
    """The score model of each number that can be fitted, and why the others cannot, by variant."""
    plan = run.plan
    columns = _columns(plan, candidates.frame)
    design = run.make("design", {"candidates": candidates.identity}, lambda: pack_designs(candidates.frame, columns))
    widths = {number: len(own) for number, (_, own) in columns.items()}
    moments = _moments(design.frame, widths)

    def sums_at(asked: dict[int, FloatArray]) -> dict[int, LogitSums]:
        rows = _packed(sum_all_logits(design.frame, widths, asked, moments))
        return {k: add_sums([LogitSums.unpack(row) for row in rows[k]]) for k in asked}

    climbs = {k: or_fault(climb_logit(moments[k], [c.name for c in own])) for k, (_, own) in columns.items()}
    fits = run_together(climbs, sums_at)
    models = {k: ScoreModel(columns[k][1], (None,) * widths[k], fit, sd_of_logit(fit, moments[k]))
              for k, fit in fits.items() if isinstance(fit, LogitFit)}  # fmt: skip
    reasons = {k: fit.what for k, fit in fits.items() if isinstance(fit, GuardError)}
    run.say(f"grid: {len(models)} score models fitted together, {len(reasons)} cannot be fitted")
    nobody = "nobody meets its criteria"
    return models, {v: reasons.get(k, nobody) for v, k in enumerate(plan.model) if k not in models}


def _columns(plan: GridPlan, candidates: DataFrame) -> dict[int, tuple[int, Columns]]:
    """By model: the number of its candidates and its columns; none for a study without candidates."""
    named = sorted({name for v in plan.variants for name in v.score.covariates if name in CATEGORIES})
    found = collect_compact(levels_of(candidates.groupBy("number"), named), ["number", "n", *named],
                            max_rows=len(plan.variants), text=named).to_pylist()  # fmt: skip
    levels = {row["number"]: row for row in found}
    return {
        plan.model[k]: (plan.study[k], design_columns(plan.variants[k].score.covariates, levels[plan.study[k]]))
        for k in plan.first(plan.model)
        if plan.study[k] in levels
    }


def _moments(design: DataFrame, widths: Mapping[int, int]) -> dict[int, Moments]:
    rows = _packed(sum_all_moments(design, widths)) if widths else {}
    return {k: add_moments([no_moments(width), *map(Moments.unpack, rows[k])]) for k, width in widths.items()}


def _packed(sums: DataFrame) -> dict[int, list[list[float]]]:
    """Packed sums by model in an order of their own: tasks end in any order."""
    found = collect_compact(sums, ["number", "sums"], max_rows=MOST_TASKS).to_pylist()
    rows: dict[int, list[list[float]]] = {}
    for row in sorted(found, key=lambda row: (row["number"], row["sums"])):
        rows.setdefault(row["number"], []).append(row["sums"])
    return rows


def _matches(run: GridRun, candidates: Made, models: Mapping[int, ScoreModel], failed: dict[int, str]) -> Made:
    """Every distinct match, by its number; a variant whose match cannot be made is named among the failed."""
    plan, people = run.plan, candidates.frame

    def scored(place: int) -> DataFrame:
        model, matching = models[plan.model[place]], plan.variants[place].matching
        own = people.where(F.col("number") == plan.study[place])
        packed = with_scores(own, model.columns, model.fit, matching.block_keys, covariates_of(matching))
        return packed.withColumn("number", F.lit(plan.pack[place]))

    made_from = {"candidates": candidates.identity}
    able = [place for place in plan.first(plan.pack) if place not in failed]
    if not able:
        raise _nobody(run.protocol)
    scores = run.make("scores", made_from, lambda: reduce(DataFrame.unionByName, map(scored, able)))
    return run.make("matches", {"scores": scores.identity}, lambda: _all_matches(run, scores.frame, models, failed))


def _all_matches(
    run: GridRun, scores: DataFrame, models: Mapping[int, ScoreModel], failed: dict[int, str]
) -> DataFrame:
    plan, split = run.plan, run.env.matching.split_above
    columns = ["number", "block", "n", "comparators"]
    large = collect_compact(count_large(scores, large_above(split), by=["number"]), columns, max_rows=MOST_BLOCKS,
                            text=["block"]).to_pylist()  # fmt: skip
    frames = []
    for place in plan.first(plan.match):
        if place in failed:
            continue
        own = [row for row in large if row["number"] == plan.pack[place]]
        packed = scores.where(F.col("number") == plan.pack[place]).select(*PACKED.names)
        matching = plan.variants[place].matching
        sd = models[plan.model[place]].sd_logit
        rules = rules_of(matching, caliper_of(matching, sd), run.protocol.study.seed)
        distance = distance_of(packed, matching)
        found = match_all(packed, rules, distance, places_of(own, packed, rules, distance, split))
        frames.append(found.withColumn("number", F.lit(plan.match[place])))
    return reduce(DataFrame.unionByName, frames)


def _asked(grid: GridMatches, spark: SparkSession) -> DataFrame:
    """The matched of every distinct count, with their index dates."""
    members = grid.members(spark, grid.plan.count).select("number", "study", "person_id", "treated")
    people = grid.candidates.frame.withColumnRenamed("number", "study")
    joined = members.join(people, ["study", "person_id", "treated"])
    return joined.select("number", "block_id", "person_id", "treated", "index_date")


def _nobody(protocol: Protocol) -> ClaimtwinError:
    return GuardError(
        "No variant of the grid has a score that can be fitted.",
        where=f"study: sensitivity.grid of {protocol.study.name}",
        rule="a grid needs one variant that can be matched",
        remedy="correct the variants, or take the grid out of the protocol",
    )
