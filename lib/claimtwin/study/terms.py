"""The columns of the propensity model: covariates as they are, splines with knots told by the data, products."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.codes.groups import KINDS, group_of
from claimtwin.config.score import DataDriven, Score
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import DesignColumn, count_grid, with_terms
from claimtwin.spark.held_groups import most_held
from claimtwin.stats.terms import BINS, grid_step, knots_from
from claimtwin.study.scoring import MOST_TASKS, read_columns

FEWEST_KNOTS = 3


def read_terms(eligible: DataFrame, score: Score) -> tuple[DesignColumn, ...]:
    """Columns that the protocol asks for: main effects, then curved parts of splines, then products.

    Raises:
        GuardError: A covariate takes too few values for the knots of its spline, and faults are not to be dropped.
    """
    plain = read_columns(eligible, score.covariates)
    asked = {str(name): count for name, count in score.splines.items()}
    knots = _read_knots(eligible, asked) if asked else {}
    short = [name for name, places in knots.items() if len(places) < asked[name]]
    if short and score.on_fault == "stop":
        named = ", ".join(f"'{name}'" for name in short)
        raise GuardError(
            f"a spline of {named} has knots that fall on one value",
            "score.splines",
            "knots are quantiles, and all different",
            "ask for fewer knots or none",
        )
    usable = {name: places for name, places in knots.items() if len(places) >= FEWEST_KNOTS}
    more = [DesignColumn(name) for name in score.measured()] + choose_groups(eligible, score.data_driven)
    return with_terms([*plain, *more], usable, score.interactions)


def choose_groups(eligible: DataFrame, asked: DataDriven | None) -> list[DesignColumn]:
    """The code groups that most candidates have, by kind, those of one kind by falling count; one scan, no outcome.

    Ties: the smaller number of the group, which is the order of its characters.
    """
    if asked is None:
        return []
    kinds = [n for n, kind in enumerate(KINDS) if kind.removesuffix("_icd9") in asked.kinds]
    counted = most_held(eligible, kinds, asked.top, asked.least)
    rows = collect_compact(counted, ["kind", "group", "n"], max_rows=MOST_TASKS).to_pylist()
    found = sorted((row["kind"], -row["n"], row["group"]) for row in rows)
    return [DesignColumn(*group_of(group), group=group) for _, _, group in found]


def _read_knots(eligible: DataFrame, splines: Mapping[str, int]) -> dict[str, tuple[float, ...]]:
    """Two passes: the ranges, then counts on a grid of each."""
    names = list(splines)
    ends = [F.min(n).cast("double").alias(f"low_{n}") for n in names]
    ends += [F.max(n).cast("double").alias(f"high_{n}") for n in names]
    columns = [f"{end}_{name}" for end in ("low", "high") for name in names]
    found: dict[str, Any] = collect_compact(eligible.agg(*ends), columns, max_rows=1).to_pylist()[0]
    ranges = [(found[f"low_{name}"], found[f"high_{name}"]) for name in names]
    if any(low is None for low, _ in ranges):
        return {}  # nobody is left, or a covariate is missing: the check of the design says so
    lows, steps = [low for low, _ in ranges], [grid_step(low, high) for low, high in ranges]
    return _knots(eligible, splines, lows, steps)


def _knots(
    eligible: DataFrame, splines: Mapping[str, int], lows: Sequence[float], steps: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    counted = collect_compact(count_grid(eligible, list(splines), lows, steps), ["counts"], max_rows=MOST_TASKS)
    total = np.sum([np.array(row, np.int64) for row in counted["counts"].to_pylist()], axis=0)
    counts = total.reshape(len(splines), BINS)
    return {name: knots_from(counts[k], lows[k], steps[k], asked) for k, (name, asked) in enumerate(splines.items())}
