"""The fitted score as a table of one row, so that a kept stage gives back just what was fitted."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import DesignColumn
from claimtwin.stats.newton import LogitFit

DDL = (
    "columns array<string>, faults array<string>, params array<double>, covariance array<double>, "
    "iterations int, log_likelihood double, n bigint, sd_logit double, path string"
)
NAMES = ("columns", "faults", "params", "covariance", "iterations", "log_likelihood", "n", "sd_logit", "path")
TEXT = ("columns", "faults", "path")


@dataclass(frozen=True)
class ScoreModel:
    """The fit, and how it came about.

    Attributes:
        asked: The columns that the protocol asks for.
        faults: For each null, or why the model does without it.
        fit: The fit of the columns without a fault.
        sd_logit: Standard deviation of the logit over all candidates in the match.
        path: Strengths of the penalty tried, and what came of each; null without a penalty.
    """

    asked: tuple[DesignColumn, ...]
    faults: tuple[str | None, ...]
    fit: LogitFit
    sd_logit: float
    path: dict[str, Any] | None = None

    @property
    def columns(self) -> tuple[DesignColumn, ...]:
        """The columns that the model holds, in the order of its slopes."""
        return tuple(column for column, fault in zip(self.asked, self.faults, strict=True) if fault is None)

    @property
    def plain(self) -> tuple[DesignColumn, ...]:
        """Covariates and levels as they are, whether the model holds them or not: those whose balance is told."""
        return tuple(column for column in self.asked if column.is_plain)

    @property
    def chosen(self) -> tuple[DesignColumn, ...]:
        """Code groups that were chosen from the data, whether the model holds them or not."""
        return tuple(column for column in self.asked if column.group is not None)


def model_frame(spark: SparkSession, model: ScoreModel) -> DataFrame:
    """One row: columns and their faults, coefficients and their covariance, the path."""
    fit = model.fit
    row = (
        [_told(column) for column in model.asked],
        list(model.faults),
        fit.params.tolist(),
        fit.covariance.ravel().tolist(),
        fit.iterations,
        fit.log_likelihood,
        fit.n,
        model.sd_logit,
        None if model.path is None else json.dumps(model.path),
    )
    return spark.createDataFrame([row], DDL)


def read_model(frame: DataFrame) -> ScoreModel:
    """Undo ``model_frame``."""
    row = collect_compact(frame, NAMES, max_rows=1, text=TEXT).to_pylist()[0]
    asked, faults = tuple(map(_read, row["columns"])), tuple(row["faults"])
    params, covariance = np.array(row["params"]), np.array(row["covariance"])
    covariance = covariance.reshape(len(params), len(params))
    kept = [column.name for column, fault in zip(asked, faults, strict=True) if fault is None]
    errors = np.sqrt(np.diag(covariance))
    names = ("intercept", *kept)
    fit = LogitFit(names, params, covariance, errors, row["iterations"], row["log_likelihood"], row["n"])
    return ScoreModel(asked, faults, fit, row["sd_logit"], None if row["path"] is None else json.loads(row["path"]))


def _told(column: DesignColumn) -> str:
    times = None if column.times is None else _told(column.times)
    return json.dumps([column.covariate, column.level, column.knots, column.basis, times, column.group])


def _read(text: str) -> DesignColumn:
    covariate, level, knots, basis, times, group = json.loads(text)
    return DesignColumn(covariate, level, tuple(knots), basis, None if times is None else _read(times), group)
