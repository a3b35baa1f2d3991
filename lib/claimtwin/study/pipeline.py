"""The stages of a study in their order. Design comes first; outcomes are counted only once the match stands."""

from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.config.deployment import Env
from claimtwin.config.matching import PER_BLOCK
from claimtwin.config.protocol import Protocol
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store, TableRef
from claimtwin.schema.tables import TABLES
from claimtwin.spark.blocks import block_bits, build_blocks
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.facts import find_candidates, is_eligible
from claimtwin.spark.invariants import count_broken, invariants_of
from claimtwin.spark.outcomes import find_outcomes
from claimtwin.spark.packing import unpack_people
from claimtwin.spark.pairing import build_pair_members, keep_pairs
from claimtwin.spark.scores import pack_design, with_scores
from claimtwin.study.code_usage import CodeUsage, tell_usage
from claimtwin.study.codebook import drug_list_fingerprints, end_of_data
from claimtwin.study.concepts import read_book
from claimtwin.study.grid import run_grid
from claimtwin.study.match_stage import caliper_of, covariates_of, match_study
from claimtwin.study.model_table import model_frame, read_model
from claimtwin.study.progress import Say
from claimtwin.study.report import Result, write_report
from claimtwin.study.results import require_pairs
from claimtwin.study.scoring import fit_score
from claimtwin.study.stages import Made, make_table, open_table
from claimtwin.study.tables import Design, StudyTables
from claimtwin.study.terms import read_terms

MIB = 1024 * 1024
NO_END_OF_DATA = (
    "ingest.data_through is not set, so that nobody can tell whether follow-up has run out, and cover without an end"
    " counts for ever; set it to the last day on which the feed is complete (`claimtwin validate` proposes one)"
)


@dataclass(frozen=True)
class Run:
    """A study on a deployment: what every stage needs."""

    spark: SparkSession
    protocol: Protocol
    env: Env
    say: Say
    unblind: str = ""
    book: CodeBook = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "book", read_book(self.spark, self.protocol, self.env, self.say))

    def table(self, name: str) -> TableRef:
        """Address of one of the study's own tables."""
        return Store(self.env.tables).table(name, study=self.protocol.study.name)

    def part(self, *names: str) -> dict[str, object]:
        """The parts of the protocol that a stage reads, for its stamp."""
        return {name: self.protocol.model_dump(mode="json").get(name) for name in names}


def run_pack(spark: SparkSession, env: Env, say: Say) -> Made:
    """Pack the claims tables into member blocks; once per data version, for all studies.

    Raises:
        InputError: A claims table is missing.
        GuardError: A member lies in two blocks.
    """
    store = Store(env.tables)
    claims = {name: open_table(spark, store.table(name), "claimtwin ingest") for name in TABLES}
    target = int(env.pack.payload_mib * MIB)
    made_from = {"tables": [made.identity for made in claims.values()], "payload_bytes": target}

    def build() -> DataFrame:
        rows = {name: _count(made.frame) for name, made in claims.items()}
        return build_blocks({name: made.frame for name, made in claims.items()}, block_bits(rows, target))

    return make_table(spark, store.table("member_blocks"), made_from, build, say)


def run_facts(spark: SparkSession, protocol: Protocol, env: Env, say: Say) -> Made:
    """Find everybody who comes into an arm, judge every criterion, measure every covariate. Codes are told first."""
    run = Run(spark, protocol, env, say)
    _codes(run)
    return _facts(run)


def run_match(spark: SparkSession, protocol: Protocol, env: Env, say: Say) -> Design:
    """Fit the score, match, and check what must hold of every match.

    Raises:
        GuardError: The score cannot be fitted, nobody was matched, or an invariant is broken.
        InputError: A block is larger than a task may hold, and cannot be cut.
    """
    run = Run(spark, protocol, env, say)
    return _match(run, _facts(run))


def run_report(spark: SparkSession, protocol: Protocol, env: Env, say: Say, unblind: str = "") -> Result:
    """Count outcomes of the matched, estimate the effects and write the results.

    ``unblind`` is the reason to show effects although a gate of the protocol fails; empty, they are hidden then.
    """
    run = Run(spark, protocol, env, say, unblind)
    codes = _codes(run)
    return _report(run, _match(run, _facts(run)), codes)


def run_study(spark: SparkSession, protocol: Protocol, env: Env, say: Say, unblind: str = "") -> Result:
    """All stages, from the claims tables to the report; ``unblind`` as in ``run_report``."""
    run_pack(spark, env, say)
    return run_report(spark, protocol, env, say, unblind)


def _codes(run: Run) -> CodeUsage:
    """How the codes of the claims meet the lists: told first, for an empty list explains an empty arm."""
    return tell_usage(run.spark, run.protocol, run.env, run.book, _blocks(run), run.say)


def _blocks(run: Run) -> Made:
    return open_table(run.spark, Store(run.env.tables).table("member_blocks"), "claimtwin pack")


def _facts(run: Run) -> Made:
    blocks = _blocks(run)
    if run.book.open_until is None and run.protocol.enrollment is not None:
        run.say(f"warning: {NO_END_OF_DATA}")
    made_from = {
        "blocks": blocks.identity,
        "lists": drug_list_fingerprints(run.book),
        "open_until": run.book.open_until,
        **run.part("study", "population", "enrollment", "arms", "regions", "washout", "criteria", "score"),
        **run.part("landmark", "placebo", *(["outcomes"] if run.protocol.landmark else [])),
    }
    build = lambda: find_candidates(blocks.frame, run.protocol, run.book)  # noqa: E731
    return make_table(run.spark, run.table("candidates"), made_from, build, run.say)


def _match(run: Run, candidates: Made) -> Design:
    eligible = candidates.frame.where(is_eligible(run.protocol))
    model_table = _model(run, candidates, eligible)
    model = read_model(model_table.frame)
    asked, seed = run.protocol.matching, run.protocol.study.seed
    keys, extra = asked.block_keys, covariates_of(asked)
    caliper = caliper_of(asked, model.sd_logit)
    if asked.per_block:
        run.say(f"warning: {PER_BLOCK}")
    scores = make_table(
        run.spark,
        run.table("scores"),
        {"model": model_table.identity, "candidates": candidates.identity, "block_keys": keys, "extra": extra},
        lambda: with_scores(eligible, model.columns, model.fit, keys, extra),
        run.say,
    )
    matches = make_table(
        run.spark,
        run.table("matches"),
        {"scores": scores.identity, "caliper": caliper, "seed": seed, **run.part("matching")},
        lambda: match_study(scores.frame, asked, caliper, seed, run.env.matching.split_above),
        run.say,
    )
    pairs, twins, invariants = _check(run, matches, scores, candidates, caliper)
    return Design(candidates, model_table, scores, matches, model, caliper, pairs, twins, invariants)


def _model(run: Run, candidates: Made, eligible: DataFrame) -> Made:
    made_from = {"candidates": candidates.identity, **run.part("score")}

    def build() -> DataFrame:
        score = run.protocol.score
        columns, tie = read_terms(eligible, score), "tie_key" if score.penalty else None
        packed = lambda: pack_design(eligible, columns, tie=tie)  # noqa: E731
        design = make_table(run.spark, run.table("design"), made_from, packed, run.say)
        model = fit_score(design.frame, columns, score)
        run.say(f"score: {model.fit.iterations} Newton steps over {model.fit.n:,} candidates")
        return model_frame(run.spark, model)

    return make_table(run.spark, run.table("score_model"), made_from, build, run.say)


def _check(
    run: Run, matches: Made, scores: Made, candidates: Made, caliper: float | None
) -> tuple[int, int, dict[str, int]]:
    """Matched treated, their twins, and the broken invariants by name: all nothing, or the run ends here."""
    extra = covariates_of(run.protocol.matching)
    counted = count_broken(matches.frame, unpack_people(scores.frame, extra), candidates.frame, run.protocol, caliper)
    names = invariants_of(run.protocol)
    broken: dict[str, int] = collect_compact(counted, ["pairs", "twins", *names], max_rows=1).to_pylist()[0]
    count, twins = broken.pop("pairs"), broken.pop("twins")
    require_pairs(count, run.protocol)
    faults = ", ".join(f"{name}: {number}" for name, number in broken.items() if number)
    if faults:
        raise GuardError(
            f"The match breaks what must hold of every match ({faults}).",
            where=matches.ref.name,
            rule="docs/method.md, matching",
            remedy="this is a fault in Claimtwin: please report it with the manifest of the run",
        )
    run.say(f"match: all {len(names)} invariants hold")
    return count, twins, broken


def _report(run: Run, design: Design, codes: CodeUsage) -> Result:
    blocks = _blocks(run)
    last = end_of_data(run.protocol, run.env)
    outcomes = make_table(
        run.spark,
        run.table("outcomes"),
        {
            "matches": design.matches.identity,
            "candidates": design.candidates.identity,
            "blocks": blocks.identity,
            "lists": drug_list_fingerprints(run.book),
            "of": "everybody" if run.protocol.designs else "matched",
            "end_of_data": last,
            **run.part("outcomes", "describe_candidates", "histories", "enrollment", "landmark"),
        },
        lambda: find_outcomes(blocks.frame, _asked(run, design), run.protocol, run.book, last),
        run.say,
    )
    asked = run.protocol.sensitivity.grid
    grid = run_grid(run.spark, run.protocol, run.env, blocks, run.say) if asked else None
    tables = StudyTables(design, blocks, outcomes, grid, codes)
    return write_report(run.spark, run.protocol, run.env, run.book, tables, run.say, run.unblind)


def _asked(run: Run, design: Design) -> DataFrame:
    """People whose outcomes are counted: the matched, or where the protocol asks for more all that met the criteria."""
    people = design.candidates.frame
    if run.protocol.describe_candidates:
        people = people.where(is_eligible(run.protocol, but=["one_arm"]))
    elif run.protocol.designs:
        people = people.where(is_eligible(run.protocol))
    else:
        members = build_pair_members(keep_pairs(design.matches.frame)).select("person_id", "treated")
        people = people.join(members, ["person_id", "treated"])
    return people.select("block_id", "person_id", "treated", "index_date")


def _count(frame: DataFrame) -> int:
    counted = collect_compact(frame.agg(F.count(F.lit(1)).alias("n")), ["n"], max_rows=1)
    return int(counted["n"][0].as_py())
