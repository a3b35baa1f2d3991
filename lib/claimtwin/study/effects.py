"""From the matched people, collected without ids or dates, to outcomes by arm and effects."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.io.collect import collect_compact
from claimtwin.stats.arms import ArmOutcome, arm_outcome
from claimtwin.stats.effects import Estimates, binary_effects, count_effects
from claimtwin.stats.intervals import Effect
from claimtwin.stats.models import Plan, binary_models, count_models
from claimtwin.stats.paired import pair_table
from claimtwin.stats.person_time import NO_TIME, person_time, rate_effects
from claimtwin.stats.standard import Draws
from claimtwin.stats.withhold import (
    NOTHING,
    is_small,
    withhold_arm,
    withhold_cost,
    withhold_paired,
    withhold_two_by_two,
)
from claimtwin.study.counts import ARMS, Rows
from claimtwin.study.matched import MatchedRows
from claimtwin.study.tables import StudyTables
from claimtwin.study.times import over_time_effects

VALUES = 100_000
"""More values than counts of one outcome can take in all."""


@dataclass(frozen=True)
class Outcomes:
    """Rows of results: outcomes by arm, effects, those of other models, and covariates that no model could use."""

    outcomes: Rows
    effects: Rows
    models: Rows
    left_out: dict[str, list[str]]


def estimate(matched: MatchedRows, protocol: Protocol, min_cell: int) -> Outcomes:
    """Outcomes of both arms and all effects among the matched, by the main and by all other models.

    Small cells are withheld. A model that cannot be fitted is a row that says why.
    """
    found = Outcomes([], [], [], {})
    for outcome in protocol.outcomes:
        count, people = matched.count(outcome.name), matched.people
        sides = (people.treated, ~people.treated)
        arms = [arm_outcome(_as_counted(outcome, count[side]), people.weight_of(side)) for side in sides]
        made, others = _effects(outcome, matched), other_models(outcome, matched, protocol)
        hide = withhold_cost if outcome.kind == "cost" else withhold_two_by_two
        treated, comparator, shown = hide(arms[0], arms[1], (*made.effects, *others), min_cell)
        shown = withhold_paired(shown, pair_table(count > 0, matched.people), min_cell)
        found.outcomes.extend(_outcome_rows(outcome, "matched", (treated, comparator)))
        found.effects.extend(map(effect_row, shown[: len(made.effects)]))
        found.models.extend(map(effect_row, shown[len(made.effects) :]))
        found.left_out[outcome.name] = list(made.left_out)
    return found


def other_models(outcome: Outcome, matched: MatchedRows, protocol: Protocol) -> list[Effect]:
    """The rows of all models that the protocol asks for beside the main one."""
    count, people = matched.count(outcome.name), matched.people
    if outcome.over_time:
        return over_time_effects(outcome, count, matched.days(outcome.name), people, protocol)
    asked, seed = protocol.models, protocol.study.seed
    names = asked.binary if outcome.kind == "binary" else asked.count
    plan = Plan(tuple(names), tuple(asked.errors), tuple(asked.other_errors), Draws(asked.bootstrap_draws, seed))
    if outcome.kind == "binary":
        return binary_models(outcome.name, count > 0, people, plan)
    return count_models(outcome.name, count, people, plan, scale=outcome.scale)


def effect_row(effect: Effect) -> dict[str, Any]:
    """An effect as a row of results; its number of people stands with the arms."""
    return {key: value for key, value in asdict(effect).items() if key != "n"}


def whole_outcomes(protocol: Protocol) -> list[Outcome]:
    """Outcomes of which everybody is followed to the end of the window."""
    return [outcome for outcome in protocol.outcomes if not outcome.over_time]


def person_time_rows(matched: MatchedRows, protocol: Protocol, outcomes: Rows, min_cell: int) -> Rows:
    """Events, person-days and rates of both arms, for outcomes over time; none where the arm's outcome is withheld.

    People at risk are not told where few of the arm never were.
    """
    rows: Rows = []
    for outcome in (outcome for outcome in protocol.outcomes if outcome.over_time):
        count, days = matched.count(outcome.name), matched.days(outcome.name)
        shown = {row["arm"]: row["people"] is not None for row in outcomes if row["outcome"] == outcome.name}
        for arm, side in zip(ARMS, (matched.people.treated, ~matched.people.treated), strict=True):
            weight = matched.people.weight_of(side)
            found = person_time(count[side], days[side], weight) if shown[arm] else NO_TIME
            never = int((days[side] == 0).sum())
            found = replace(found, n=None) if is_small(never, min_cell) else found
            rows.append({"outcome": outcome.name, "arm": arm, **asdict(found)})
    return rows


def describe_candidates(tables: StudyTables, protocol: Protocol, matched: Rows, min_cell: int) -> Rows:
    """Outcomes of all who met the criteria, arms apart and before matching, where the protocol asks for them.

    An arm is withheld when it is small, or differs from its matched part by few people. Costs and outcomes over time
    are left out: almost everybody has a value of their own.
    """
    rows: Rows = []
    asked = [outcome for outcome in whole_outcomes(protocol) if outcome.kind != "cost"]
    for outcome in asked if protocol.describe_candidates else []:
        counted = _counts_by_arm(tables.outcomes.frame, outcome.name)
        arms = [withhold_arm(arm_outcome(_as_counted(outcome, counted[side])), min_cell) for side in (True, False)]
        beside = {row["arm"]: row for row in matched if row["outcome"] == outcome.name}
        safe = [_beside(arm, beside[name], min_cell) for name, arm in zip(ARMS, arms, strict=True)]
        rows += _outcome_rows(outcome, "candidates", (safe[0], safe[1]))
    return rows


def _as_counted(outcome: Outcome, count: np.ndarray) -> np.ndarray:
    """A yes-no outcome happens once at most; its total is its people."""
    return np.minimum(count, 1) if outcome.kind == "binary" else count


def _effects(outcome: Outcome, matched: MatchedRows) -> Estimates:
    count, people = matched.count(outcome.name), matched.people
    if outcome.over_time:
        return rate_effects(outcome.name, count, matched.days(outcome.name), people)
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
