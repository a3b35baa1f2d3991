"""Fitting the propensity model: each round one pass over the design matrices, and only sums come back."""

from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame

from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import CATEGORIES, DesignColumn, design_columns, levels_of
from claimtwin.spark.scores import sum_logit, sum_moments
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.newton import LogitSums, Moments, add_moments, add_sums, fit_logit, sd_of_logit
from claimtwin.study.model_table import ScoreModel

MOST_TASKS = 1_000_000
"""Rows of sums that may come back in one round: one a task."""


def read_columns(eligible: DataFrame, covariates: Sequence[str]) -> tuple[DesignColumn, ...]:
    """Columns of the covariates, a category by the levels that occur."""
    named = [name for name in dict.fromkeys(covariates) if name in CATEGORIES]
    found = collect_compact(levels_of(eligible, named), ["n", *named], max_rows=1, text=named).to_pylist()[0]
    return design_columns(covariates, found)


def fit_score(design: DataFrame, columns: Sequence[DesignColumn]) -> ScoreModel:
    """Fit by maximum likelihood; see ``stats.newton``.

    Raises:
        GuardError: An arm is empty, or a column is missing, constant, collinear or separates the arms.
    """
    moments = add_moments([_nothing(len(columns)), *map(Moments.unpack, _packed(sum_moments(design, len(columns))))])

    def sums_at(beta: FloatArray) -> LogitSums:
        return add_sums([LogitSums.unpack(row) for row in _packed(sum_logit(design, beta, moments))])

    fit = fit_logit(sums_at, moments, [column.name for column in columns])
    return ScoreModel(tuple(columns), fit, sd_of_logit(fit, moments))


def _packed(sums: DataFrame) -> list[list[float]]:
    """Packed sums in an order of their own: tasks end in any order."""
    rows: list[list[float]] = collect_compact(sums, ["sums"], max_rows=MOST_TASKS)["sums"].to_pylist()
    return sorted(rows)


def _nothing(p: int) -> Moments:
    """Moments of nobody, so that an empty table is an empty arm and not a special case."""
    inf = np.full((2, p), np.inf)
    return Moments(0, 0, np.zeros(p), np.zeros((p, p)), inf, -inf, 0.0, 0.0, 2.0**-500)
