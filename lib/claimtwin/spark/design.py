"""Covariates as the columns of a model: numbers as they are, categories as one 0/1 column a level but the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

CATEGORIES = ("sex", "census_region", "body_region")


@dataclass(frozen=True)
class DesignColumn:
    """One column: a covariate, or whether a category has one level."""

    covariate: str
    level: str | None = None

    @property
    def name(self) -> str:
        """Name of the column: ``age``, ``sex=male``."""
        return self.covariate if self.level is None else f"{self.covariate}={self.level}"

    def values(self, rows: pa.Table | pa.RecordBatch) -> NDArray[np.float64]:
        """The column of each row; a null category is of no level."""
        values = rows.column(self.covariate)
        if self.level is not None:
            values = pc.fill_null(pc.equal(values, self.level), False)
        return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)

    def column(self) -> Column:
        """The same in Spark."""
        plain = F.col(self.covariate)
        return plain if self.level is None else F.coalesce((plain == self.level).cast("int"), F.lit(0))


def levels_of(candidates: DataFrame | GroupedData, covariates: Sequence[str]) -> DataFrame:
    """One row (of groups one each): for each category among the covariates its levels, sorted."""
    found = [F.array_sort(F.collect_set(name)).alias(name) for name in covariates if name in CATEGORIES]
    return candidates.agg(F.count(F.lit(1)).alias("n"), *found)


def design_columns(covariates: Sequence[str], levels: Mapping[str, Sequence[str]]) -> tuple[DesignColumn, ...]:
    """Columns in the order of the covariates; of a category the first level is the reference."""
    return tuple(
        column
        for name in covariates
        for column in (
            [DesignColumn(name, level) for level in levels[name][1:]] if name in CATEGORIES else [DesignColumn(name)]
        )
    )


def matrix_of(rows: pa.Table | pa.RecordBatch, columns: Sequence[DesignColumn]) -> NDArray[np.float64]:
    """(n, p) values of the columns."""
    return np.stack([column.values(rows) for column in columns], axis=1) if columns else np.zeros((rows.num_rows, 0))
