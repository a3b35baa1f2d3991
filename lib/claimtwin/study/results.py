"""The content of ``results.json``: everything that a report shows, and nothing that depends on how it was run."""

from typing import Any

from pyspark.sql import SparkSession

from claimtwin.config.deployment import Env
from claimtwin.config.matching import PER_BLOCK
from claimtwin.config.protocol import Protocol
from claimtwin.errors import GuardError
from claimtwin.stats.matched import Matched
from claimtwin.stats.withhold import is_small, withhold
from claimtwin.study.balance_detail import detail_part
from claimtwin.study.counts import (
    ARMS,
    Flow,
    Rows,
    collect_balance,
    collect_blocks,
    collect_flow,
    collect_overlap,
    collect_reasons,
    read_ingest_counts,
)
from claimtwin.study.designs import collect_eligible, designs_of, eligible_rows
from claimtwin.study.effects import describe_candidates, estimate, person_time_rows
from claimtwin.study.files import read_truth
from claimtwin.study.gates import blinding_part, empty_analysis, judge, read_design
from claimtwin.study.grid_rows import grid_rows
from claimtwin.study.matched import MatchedRows, collect_matched, matched_rows
from claimtwin.study.score_results import score_part
from claimtwin.study.sensitivity import power_rows, sensitivity_of
from claimtwin.study.subgroups import subgroups_of
from claimtwin.study.tables import Design, StudyTables
from claimtwin.study.words import assumption_rows


def build_results(
    spark: SparkSession, protocol: Protocol, env: Env, tables: StudyTables, unblind: str = ""
) -> dict[str, Any]:
    """Collect and assemble all results; small cells are withheld (None).

    While a gate of the protocol fails and ``unblind`` gives no reason, no effect is estimated and no outcome told.

    Raises:
        GuardError: Nobody was matched, or more rows than allowed would leave Spark.
        ConfigError: ``truth`` names a file that cannot be read.
    """
    design, cell = tables.design, env.disclosure.min_cell
    flow = collect_flow(design.candidates.frame, protocol, (design.pairs, design.twins), cell)
    balance, *largest = collect_balance(design, protocol, design.model.plain, cell)
    detail, of_groups = detail_part(design, protocol, cell)
    matched = matched_rows(collect_matched(tables, protocol, env.door.max_rows), protocol)
    gates = judge(read_design(design.score_rows(), [*largest, of_groups], design.pairs), matched, protocol, cell)
    blinding = blinding_part(gates, unblind)
    analysis = empty_analysis() if blinding["blinded"] else _analysis(spark, tables, protocol, matched, env)
    return {
        **_study(protocol),
        **analysis,
        "blinding": blinding,
        "disclosure": {"min_cell": cell},
        "ingest": read_ingest_counts(spark, env.tables, cell),
        "attrition": flow.attrition,
        "score": score_part(design, protocol, cell),
        "matching": _matching(protocol, design, flow, matched.people, cell),
        "overlap": collect_overlap(design.score_rows(), cell),
        "balance": balance,
        **detail,
        "power": power_rows(design.pairs, protocol, design.twins) if withhold(design.pairs, cell) is not None else [],
        "truth": read_truth(env.truth),
    }


def _analysis(
    spark: SparkSession, tables: StudyTables, protocol: Protocol, matched: MatchedRows, env: Env
) -> dict[str, Any]:
    """Everything that looks at outcomes."""
    cell = env.disclosure.min_cell
    found = estimate(matched, protocol, cell)
    over_time = person_time_rows(matched, protocol, found.outcomes, cell)
    return {
        **({"person_time": over_time} if over_time else {}),
        "outcomes": found.outcomes + describe_candidates(tables, protocol, found.outcomes, cell),
        "effects": found.effects,
        "models": found.models,
        "sensitivity": sensitivity_of(matched, protocol, found.outcomes, found.effects, cell)
        | _grid(spark, tables, protocol, found.effects, env),
        "subgroups": subgroups_of(matched, protocol, cell),
        "left_out": found.left_out,
        **_designs(tables, protocol, found.effects, env),
    }


def _grid(spark: SparkSession, tables: StudyTables, protocol: Protocol, effects: Rows, env: Env) -> dict[str, Any]:
    """The main estimate of every variant, where the protocol has a grid."""
    if tables.grid is None:
        return {}
    door = env.disclosure.min_cell, env.door.max_rows
    return {"grid": grid_rows(spark, tables.grid, protocol, effects, tables.design.pairs, door)}


def _designs(tables: StudyTables, protocol: Protocol, effects: Rows, env: Env) -> dict[str, Any]:
    """Other designs on the same candidates, where the protocol asks for any."""
    if not protocol.designs:
        return {}
    eligible = eligible_rows(collect_eligible(tables, protocol, env.door.max_rows), protocol)
    return {"designs": designs_of(eligible, protocol, effects, env.disclosure.min_cell)}


def require_pairs(pairs: int, protocol: Protocol) -> None:
    """Stop a study in which nobody was matched.

    Raises:
        GuardError: There is no pair.
    """
    if not pairs:
        keys = ", ".join(protocol.matching.block_keys) or "none"
        raise GuardError(
            "Nobody was matched: no treated has a free comparator in its block and within the caliper.",
            where=f"matching: caliper_sd {protocol.matching.caliper_sd}, block_keys {keys}",
            rule="a study needs pairs",
            remedy="look at the overlap of the arms; use fewer block keys or a wider caliper",
        )


def _study(protocol: Protocol) -> dict[str, Any]:
    study = protocol.study
    return {
        "study": {
            "name": study.name,
            "title": study.title,
            "label": study.label,
            "seed": study.seed,
            "index_window": [day.isoformat() for day in study.index_window],
        },
        "arms": {name: arm.title for name, arm in zip(ARMS, protocol.arm_list(), strict=True)},
        "outcome_titles": {outcome.name: outcome.title for outcome in protocol.outcomes},
        "outcome_scales": {outcome.name: outcome.scale for outcome in protocol.outcomes},
        "published": [row.model_dump(mode="json") for row in protocol.published],
        "assumptions": assumption_rows(protocol),
        "protocol": protocol.model_dump(mode="json", exclude={"published", "assumptions"}),
    }


def _sets(protocol: Protocol, twins: int, min_cell: int) -> dict[str, Any]:
    """What is asked and found of several twins, where any are asked for; ``twins`` counts matched comparators."""
    asked = protocol.matching
    return {} if asked.ratio == 1 else {"ratio": asked.ratio, "floor": asked.floor, "twins": withhold(twins, min_cell)}


def _matching(protocol: Protocol, design: Design, flow: Flow, people: Matched, min_cell: int) -> dict[str, Any]:
    pairs, treated = design.pairs, flow.left["treated"]
    rest = None if treated is None else treated - pairs
    unmatched = None if rest is None or is_small(rest, min_cell) else rest
    return {
        "pairs": withhold(pairs, min_cell),
        "treated": treated,
        "unmatched_treated": unmatched,
        "comparators": flow.left["comparator"],
        **_sets(protocol, design.twins, min_cell),
        "effective": _effective(treated, flow.left["comparator"], withhold(pairs, min_cell), people),
        "caliper_sd": protocol.matching.caliper_sd,
        "caliper": design.caliper,
        **({"caliper_sd_of": "block", "warning": PER_BLOCK} if protocol.matching.per_block else {}),
        "block_keys": list(protocol.matching.block_keys),
        "reasons": collect_reasons(design, unmatched, min_cell),
        "invariants": design.invariants,
        "blocks": collect_blocks(design, min_cell),
    }


def _effective(treated: int | None, comparators: int | None, pairs: int | None, people: Matched) -> Rows:
    """Effective sample sizes, (sum w)^2 / sum w^2: with sets of one size everybody weighs 1, and they are people."""
    before = {"when": "before", "treated": treated, "comparator": comparators}
    weight = people.weight_of(~people.treated)
    twins = int((~people.treated).sum()) if weight is None else round(float(weight.sum() ** 2 / (weight @ weight)), 1)
    return [before, {"when": "after", "treated": pairs, "comparator": None if pairs is None else twins}]
