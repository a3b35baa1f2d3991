"""The grid of a study: all its variants run together, each stage once for the variants that share it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ClaimtwinError, GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store
from claimtwin.spark.block_sizes import count_large
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.grid import find_eligible, find_grid_outcomes
from claimtwin.spark.packing import PACKED, unpack_people
from claimtwin.spark.pairing import build_pair_members, keep_pairs
from claimtwin.spark.ranges import match_all
from claimtwin.spark.scores import with_scores
from claimtwin.study.codebook import drug_list_fingerprints, end_of_data
from claimtwin.study.concepts import read_book
from claimtwin.study.grid_models import fit_others, fit_plain
from claimtwin.study.grid_plan import GridPlan, plan_grid
from claimtwin.study.match_stage import caliper_of, covariates_of, distance_of, large_above, places_of, rules_of
from claimtwin.study.model_table import ScoreModel
from claimtwin.study.progress import Say
from claimtwin.study.stages import Made, make_table

MOST_BLOCKS = 1_000_000


@dataclass(frozen=True)
class GridMatches:
    """The variants of a study up to their matches: no outcome in them. ``failed`` says by variant why it has none."""

    plan: GridPlan
    candidates: Made
    scores: Made
    matches: Made
    failed: Mapping[int, str]

    def people(self, place: int) -> DataFrame:
        """One row per candidate in the match of a variant that has one: its score, arm and block."""
        packed = self.scores.frame.where(F.col("number") == self.plan.pack[place])
        return unpack_people(packed, covariates_of(self.plan.variants[place].matching))

    def members(self, spark: SparkSession, places: Sequence[int]) -> DataFrame:
        """One row per person in a pair of the variants at ``places``: ``number`` of its count, ``study``, the pair."""
        rows = sorted({(self.plan.count[k], self.plan.match[k], self.plan.study[k]) for k in places})
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
    scores, matches = _matches(run, candidates, models, failed)
    counted = [(plan.variants[k], books[k]) for k in plan.first(plan.count)]
    ends = [end_of_data(variant, env) for variant, _ in counted]
    grid = GridMatches(plan, candidates, scores, matches, failed)
    outcomes = run.make(
        "outcomes",
        made_from | {"candidates": candidates.identity, "matches": matches.identity, "ends": ends},
        lambda: find_grid_outcomes(blocks.frame, _asked(grid, spark), counted, ends),
    )
    return Grid(plan, candidates, scores, matches, failed, outcomes)


def _models(run: GridRun, candidates: Made) -> tuple[dict[int, ScoreModel], dict[int, str]]:
    """The score model of each number that can be fitted, and why the others cannot, by variant."""
    plan = run.plan
    fits = fit_plain(plan, candidates, run.make) | fit_others(plan, candidates, run.make)
    models = {k: fit for k, fit in fits.items() if isinstance(fit, ScoreModel)}
    reasons = {k: fit.what for k, fit in fits.items() if isinstance(fit, GuardError)}
    run.say(f"grid: {len(models)} score models fitted, {len(reasons)} cannot be fitted")
    nobody = "nobody meets its criteria"
    return models, {v: reasons.get(k, nobody) for v, k in enumerate(plan.model) if k not in models}


def _matches(
    run: GridRun, candidates: Made, models: Mapping[int, ScoreModel], failed: dict[int, str]
) -> tuple[Made, Made]:
    """Scores by number of the pack, and every distinct match by its number; ``failed`` variants have none."""
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
    matched = lambda: _all_matches(run, scores.frame, models, failed)  # noqa: E731
    return scores, run.make("matches", {"scores": scores.identity}, matched)


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
    """The matched of every distinct count, or everybody where a design asks for all, with their index dates."""
    people, plan = grid.candidates.frame.withColumnRenamed("number", "study"), grid.plan
    kept = ["number", "block_id", "person_id", "treated", "index_date"]
    matched = [k for k in plan.first(plan.count) if not plan.everybody(k)]
    frames = [people.where(F.col("study") == plan.study[k]).withColumn("number", F.lit(plan.count[k])).select(kept)
              for k in plan.first(plan.count) if plan.everybody(k)]  # fmt: skip
    if matched:
        members = grid.members(spark, matched).select("number", "study", "person_id", "treated")
        frames.append(members.join(people, ["study", "person_id", "treated"]).select(kept))
    return reduce(DataFrame.unionByName, frames)


def _nobody(protocol: Protocol) -> ClaimtwinError:
    return GuardError(
        "No variant of the grid has a score that can be fitted.",
        where=f"study: sensitivity.grid of {protocol.study.name}",
        rule="a grid needs one variant that can be matched",
        remedy="correct the variants, or take the grid out of the protocol",
    )
