"""The fitted score as a table of one row, so that a kept stage gives back just what was fitted."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import DesignColumn
from claimtwin.stats.newton import LogitFit

DDL = (
    "covariates array<string>, levels array<string>, params array<double>, covariance array<double>, "
    "iterations int, log_likelihood double, n bigint, sd_logit double"
)
NAMES = ("covariates", "levels", "params", "covariance", "iterations", "log_likelihood", "n", "sd_logit")


@dataclass(frozen=True)
class ScoreModel:
    """The columns, the fit, and the standard deviation of the logit over all candidates in the match."""

    columns: tuple[DesignColumn, ...]
    fit: LogitFit
    sd_logit: float


def model_frame(spark: SparkSession, model: ScoreModel) -> DataFrame:
    """One row: columns by covariate and level (null for a number), coefficients and their covariance."""
    fit = model.fit
    row = (
        [column.covariate for column in model.columns],
        [column.level for column in model.columns],
        fit.params.tolist(),
        fit.covariance.ravel().tolist(),
        fit.iterations,
        fit.log_likelihood,
        fit.n,
        model.sd_logit,
    )
    return spark.createDataFrame([row], DDL)


def read_model(frame: DataFrame) -> ScoreModel:
    """Undo ``model_frame``."""
    row = collect_compact(frame, NAMES, max_rows=1, text=["covariates", "levels"]).to_pylist()[0]
    columns = tuple(map(DesignColumn, row["covariates"], row["levels"]))
    params, covariance = np.array(row["params"]), np.array(row["covariance"])
    covariance = covariance.reshape(len(params), len(params))
    names = ("intercept", *(column.name for column in columns))
    errors = np.sqrt(np.diag(covariance))
    fit = LogitFit(names, params, covariance, errors, row["iterations"], row["log_likelihood"], row["n"], True)
    return ScoreModel(columns, fit, row["sd_logit"])
