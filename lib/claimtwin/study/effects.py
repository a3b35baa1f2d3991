"""From the matched people, collected without ids or dates, to outcomes by arm and effects."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import CATEGORIES, design_columns, matrix_of
from claimtwin.spark.pairing import build_pair_members, keep_pairs
from claimtwin.stats.arms import ArmOutcome, arm_outcome
from claimtwin.stats.effects import Matched, binary_effects, count_effects
from claimtwin.stats.withhold import NOTHING, is_small, withhold_arm, withhold_two_by_two
from claimtwin.study.counts import ARMS, Rows
from claimtwin.study.tables import StudyTables

VALUES = 100_000
"""More values than counts of one outcome can take in all."""


@dataclass(frozen=True)
class Outcomes:
    """Rows of results: outcomes by arm, effects, and by outcome the covariates that no model could use."""

    outcomes: Rows
    effects: Rows
    left_out: dict[str, list[str]]


def collect_matched(tables: StudyTables, protocol: Protocol, max_rows: int) -> pa.Table:
    """One row a matched person, sorted by pair, the treated first: arm, covariates, outcome counts.

    The pair is named by its block and its rank there: no id, no date.
    """
    covariates = list(protocol.adjust)
    members = build_pair_members(keep_pairs(tables.design.matches.frame))
    people = tables.design.candidates.frame.select("person_id", "treated", *covariates)
    rows = members.join(people, ["person_id", "treated"]).join(tables.outcomes.frame, ["person_id", "treated"])
    columns = ["block", "rank", "treated", *covariates, *(outcome.name for outcome in protocol.outcomes)]
    text = ["block", *(name for name in covariates if name in CATEGORIES)]
    found = collect_compact(rows.select(*columns), columns, max_rows=max_rows, text=text)
    return found.sort_by([("block", "ascending"), ("rank", "ascending"), ("treated", "descending")])


def estimate(rows: pa.Table, protocol: Protocol, min_cell: int) -> Outcomes:
    """Outcomes of both arms and all effects among the matched; small cells withheld."""
    people = _matched(rows, protocol)
    outcomes: Rows = []
    effects: Rows = []
    left_out = {}
    for outcome in protocol.outcomes:
        count = rows[outcome.name].to_numpy()
        arms = [arm_outcome(_as_counted(outcome, count[people.treated == side])) for side in (True, False)]
        found = _effects(outcome, count, people)
        treated, comparator, shown = withhold_two_by_two(arms[0], arms[1], found.effects, min_cell)
        outcomes += _outcome_rows(outcome, "matched", (treated, comparator))
        effects += [asdict(effect) for effect in shown]
        left_out[outcome.name] = list(found.left_out)
    return Outcomes(outcomes, effects, left_out)


def describe_candidates(tables: StudyTables, protocol: Protocol, matched: Rows, min_cell: int) -> Rows:
    """Outcomes of all who met the criteria, arms apart and before matching, where the protocol asks for them.

    An arm is withheld when it is small, or differs from its matched part by few people.
    """
    rows: Rows = []
    for outcome in protocol.outcomes if protocol.describe_candidates else []:
        counted = _counts_by_arm(tables.outcomes.frame, outcome.name)
        arms = [withhold_arm(arm_outcome(_as_counted(outcome, counted[side])), min_cell) for side in (True, False)]
        beside = {row["arm"]: row for row in matched if row["outcome"] == outcome.name}
        safe = [_beside(arm, beside[name], min_cell) for name, arm in zip(ARMS, arms, strict=True)]
        rows += _outcome_rows(outcome, "candidates", (safe[0], safe[1]))
    return rows


def _matched(rows: pa.Table, protocol: Protocol) -> Matched:
    levels: dict[str, list[str]] = {
        name: sorted(set(rows[name].to_pylist())) for name in protocol.adjust if name in CATEGORIES
    }
    columns = design_columns(protocol.adjust, levels)
    pair = np.arange(rows.num_rows, dtype=np.int64) // 2
    treated = np.asarray(rows["treated"].to_numpy(), np.bool_)
    return Matched(treated, pair, matrix_of(rows, columns), tuple(column.name for column in columns))


def _as_counted(outcome: Outcome, count: np.ndarray) -> np.ndarray:
    """A yes-no outcome happens once at most; its total is its people."""
    return np.minimum(count, 1) if outcome.kind == "binary" else count


def _effects(outcome: Outcome, count: np.ndarray, people: Matched) -> Any:
    if outcome.kind == "binary":
        return binary_effects(outcome.name, count > 0, people)
    return count_effects(outcome.name, count, people, scale=outcome.scale)


def _counts_by_arm(frame: DataFrame, name: str) -> dict[bool, np.ndarray]:
    grouped = frame.groupBy("treated", F.col(name).alias("value")).agg(F.count(F.lit(1)).alias("n"))
    found = collect_compact(grouped, ["treated", "value", "n"], max_rows=VALUES).to_pylist()
    rows = sorted((row["treated"], row["value"], row["n"]) for row in found)
    return {
        side: np.repeat(
            np.array([value for arm, value, _ in rows if arm == side], np.int64),
            np.array([n for arm, _, n in rows if arm == side], np.int64),
        )
        for side in (True, False)
    }


def _beside(arm: ArmOutcome, matched: Mapping[str, Any], min_cell: int) -> ArmOutcome:
    figures = [(getattr(arm, name), matched[name]) for name in ("n", "people", "total")]
    gives_away = any(a is None or b is None or is_small(abs(a - b), min_cell) for a, b in figures)
    return NOTHING if gives_away else arm


def _outcome_rows(outcome: Outcome, scope: str, arms: Sequence[ArmOutcome]) -> Rows:
    return [
        {"outcome": outcome.name, "scope": scope, "arm": name, **asdict(arm)}
        for name, arm in zip(ARMS, arms, strict=True)
    ]
