"""Fitting the propensity model: each round one pass over the design matrices, and only sums come back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from claimtwin.config.score import CATEGORIES, Penalty, Score
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import DesignColumn, design_columns, levels_of
from claimtwin.spark.scores import sum_logit, sum_moments, sum_requests
from claimtwin.stats.design import PLAIN, Tolerance, check_arms, check_design, faulty_columns
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import no_moments
from claimtwin.stats.newton import (
    LogitFit,
    LogitSums,
    Moments,
    SeparationError,
    add_moments,
    add_sums,
    fit_logit,
    sd_of_logit,
)
from claimtwin.stats.penalised import PathPoint, Request, as_fit, fit_path, path_of, run_fits, validate
from claimtwin.study.model_table import ScoreModel

MOST_TASKS = 1_000_000
"""Rows of sums that may come back in one round: one a task."""
TOGETHER = "separates the arms together with others"


def read_columns(eligible: DataFrame, covariates: Sequence[str]) -> tuple[DesignColumn, ...]:
    """Columns of the covariates, a category by the levels that occur."""
    named = [name for name in dict.fromkeys(covariates) if name in CATEGORIES]
    found = collect_compact(levels_of(eligible, named), ["n", *named], max_rows=1, text=named).to_pylist()[0]
    return design_columns(covariates, found)


@dataclass(frozen=True)
class Data:
    """The design matrices of everybody, of which a model looks at the columns ``kept``."""

    design: DataFrame
    columns: tuple[DesignColumn, ...]
    kept: tuple[int, ...]
    moments: Moments

    @property
    def names(self) -> list[str]:
        """Names of the columns kept."""
        return [self.columns[k].name for k in self.kept]

    @property
    def _places(self) -> NDArray[np.int64] | None:
        return None if len(self.kept) == len(self.columns) else np.array(self.kept, np.int64)

    def only(self, kept: Sequence[int]) -> "Data":
        """The same with fewer columns: ``kept`` are places among those kept so far."""
        places = tuple(self.kept[k] for k in kept)
        return replace(self, kept=places, moments=self.moments.only(kept))

    def sums_at(self, beta: FloatArray) -> LogitSums:
        """Sums of everybody at ``beta``: one pass."""
        sums = sum_logit(self.design, beta, self.moments, len(self.columns), self._places)
        return add_sums([LogitSums.unpack(row) for row in _packed(sums)])

    def answer(self, requests: Sequence[Request], folds: int) -> list[LogitSums]:
        """Sums for all requests in one pass."""
        sums = sum_requests(self.design, requests, self.moments, len(self.columns), self._places, folds)
        by_request: dict[int, list[LogitSums]] = {}
        for row in _packed(sums):
            by_request.setdefault(int(row[0]), []).append(LogitSums.unpack(row[1:]))
        return [add_sums(by_request[k]) for k in range(len(requests))]


def fit_score(design: DataFrame, columns: Sequence[DesignColumn], score: Score | None = None) -> ScoreModel:
    """Fit as the protocol asks; without one by maximum likelihood, see ``stats.newton`` and ``stats.penalised``.

    Raises:
        GuardError: An arm is empty, or a column is missing, constant, collinear, rare or separates the arms, and is
            not to be dropped; or no column is left.
    """
    p = len(columns)
    moments = add_moments([no_moments(p), *map(Moments.unpack, _packed(sum_moments(design)))])
    data = Data(design, tuple(columns), tuple(range(p)), moments)
    bears = _tolerance(score, columns)
    if score is None or score.on_fault == "stop":
        check_design(moments, data.names, bears)
        fit, path = _fit(data, score, bears)
        return ScoreModel(tuple(columns), (None,) * p, fit, sd_of_logit(fit, moments), path)
    return _fit_without_faults(data, score, bears)


def _tolerance(score: Score | None, columns: Sequence[DesignColumn]) -> Tolerance:
    if score is None:
        return PLAIN
    levels = frozenset(column.name for column in columns if column.is_binary and column.times is None)
    asked = score.penalty
    return Tolerance(levels, score.min_level, asked is not None, asked is not None and asked.l1_share < 1)


def _fit_without_faults(data: Data, score: Score, bears: Tolerance) -> ScoreModel:
    """Take columns out until the model has a solution."""
    check_arms(data.moments)
    faults = faulty_columns(data.moments, data.names, bears)
    whole = data
    while True:
        kept = [k for k, name in enumerate(whole.names) if name not in faults]
        if not kept:
            raise GuardError(
                "no column of the propensity model is left", "score.covariates",
                "a model holds at least one column", "name covariates that vary in both arms",
            )  # fmt: skip
        data = whole.only(kept)
        try:
            fit, path = _fit(data, score, bears)
        except SeparationError as error:
            faults[error.column] = f"column '{error.column}' {TOGETHER}"
            continue
        reasons = tuple(faults.get(name) for name in whole.names)
        return ScoreModel(data.columns, reasons, fit, sd_of_logit(fit, data.moments), path)


def _fit(data: Data, score: Score | None, bears: Tolerance) -> tuple[LogitFit, dict[str, Any] | None]:
    if score is None or score.penalty is None:
        return fit_logit(data.sums_at, data.moments, data.names, bears), None
    return _fit_penalised(data, score.penalty)


def _fit_penalised(data: Data, asked: Penalty) -> tuple[LogitFit, dict[str, Any]]:
    """The fit at the strength asked for, or at that chosen by cross-validation; and the path as a record."""
    p, folds = len(data.kept), 0 if asked.strength else asked.folds

    def evaluate(requests: Sequence[Request]) -> list[LogitSums]:
        return data.answer(requests, folds)

    if asked.strength:
        points = run_fits([fit_path(p, asked.l1_share, [asked.strength])], evaluate)[0]
        return as_fit(points[0], data.moments, data.names), _record(asked, points, {"chosen": 0})
    strengths, spreads = path_of(p, evaluate, asked.l1_share, asked.strengths, asked.reach)
    grid = strengths.tolist()
    fits = [fit_path(p, asked.l1_share, grid, fold, spreads) for fold in (None, *range(folds))]
    points, *left_out = run_fits(fits, evaluate)
    whole = evaluate([Request(np.zeros(p + 1))])[0].information[0, 0]
    rest = evaluate([Request(np.zeros(p + 1), fold, held_out=True) for fold in range(folds)])
    shares = [float(sums.information[0, 0] / whole) for sums in rest]
    chosen = validate(left_out, [share * 4 * float(whole) for share in shares], asked.rule)
    told = {"chosen": chosen.chosen, "deviance": chosen.mean.tolist(), "error": chosen.error.tolist()}
    return as_fit(points[chosen.chosen], data.moments, data.names), _record(asked, points, told)


def _record(asked: Penalty, points: Sequence[PathPoint], told: dict[str, Any]) -> dict[str, Any]:
    found = {"strengths": [point.strength for point in points], "kept": [point.kept for point in points]}
    return {"l1_share": asked.l1_share, "folds": 0 if asked.strength else asked.folds, **found, **told}


def _packed(sums: DataFrame) -> list[list[float]]:
    """Packed sums in an order of their own: tasks end in any order."""
    rows: list[list[float]] = collect_compact(sums, ["sums"], max_rows=MOST_TASKS)["sums"].to_pylist()
    return sorted(rows)
