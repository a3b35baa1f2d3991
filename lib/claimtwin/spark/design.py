"""Covariates as the columns of a model: numbers as they are, categories as one 0/1 column a level but the first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

from claimtwin.config.score import CATEGORIES
from claimtwin.stats.terms import BINS, grid_counts, spline_basis

COUNTS = pa.schema([("counts", pa.list_(pa.float64()))])
Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class DesignColumn:
    """One column: a covariate, or whether a category has one level; bent by a spline, or times another column.

    With a ``group`` the column is whether the candidate's code groups hold that one (``codes.groups``); covariate and
    level are its kind and characters.
    """

    covariate: str
    level: str | None = None
    knots: tuple[float, ...] = ()
    basis: int = 0
    times: "DesignColumn | None" = None
    group: int | None = None

    @property
    def name(self) -> str:
        """Name of the column: ``age``, ``sex=male``, ``age'`` (first curved part), ``age:sex=male`` (a product)."""
        own = self.covariate + "'" * self.basis if self.level is None else f"{self.covariate}={self.level}"
        return own if self.times is None else f"{own}:{self.times.name}"

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns of the candidates that this one is made of."""
        if self.group is not None:
            return ("groups",)
        return (self.covariate, *(self.times.covariates if self.times else ()))

    @property
    def is_plain(self) -> bool:
        """Whether the column is a covariate or a level as it is, not chosen from the data."""
        return not self.basis and self.times is None and self.group is None

    @property
    def is_binary(self) -> bool:
        """Whether the column holds 0 and 1 only."""
        return self.level is not None or self.group is not None or self.covariate.startswith("has_")

    def values(self, rows: pa.Table | pa.RecordBatch) -> NDArray[np.float64]:
        """The column of each row; a null category is of no level."""
        values = rows.column(self.covariate)
        if self.level is not None:
            values = pc.fill_null(pc.equal(values, self.level), False)
        found = np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        if self.basis:
            found = spline_basis(found, self.knots, self.basis)
        return found if self.times is None else found * self.times.values(rows)

    def column(self) -> Column:
        """The same in Spark, of a plain column."""
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


def with_terms(
    plain: Sequence[DesignColumn], knots: Mapping[str, tuple[float, ...]], interactions: Sequence[tuple[str, str]]
) -> tuple[DesignColumn, ...]:
    """The columns, then the curved ones of each spline, then the products of all columns of two covariates."""
    bent = [
        DesignColumn(name, knots=places, basis=basis)
        for name, places in knots.items()
        for basis in range(1, len(places) - 1)
    ]
    of = {name: [column for column in plain if column.covariate == name] for pair in interactions for name in pair}
    products = [replace(one, times=other) for a, b in interactions for one in of[a] for other in of[b]]
    return (*plain, *bent, *products)


def count_grid(candidates: DataFrame, names: Sequence[str], lows: Sequence[float], steps: Sequence[float]) -> DataFrame:
    """One row per task: for each covariate how many candidates lie in each step of its grid (``stats.terms``)."""
    count = partial(_count_grid, tuple(names), tuple(lows), tuple(steps))
    return candidates.select(*names).mapInArrow(count, schema="counts array<double>")


def _count_grid(names: tuple[str, ...], lows: tuple[float, ...], steps: tuple[float, ...], batches: Batches) -> Batches:
    total = np.zeros((len(names), BINS))
    for batch in batches:
        for k, name in enumerate(names):
            total[k] += grid_counts(DesignColumn(name).values(batch), lows[k], steps[k])
    yield pa.RecordBatch.from_pydict({"counts": [total.ravel()]}, COUNTS)


def matrix_of(rows: pa.Table | pa.RecordBatch, columns: Sequence[DesignColumn]) -> NDArray[np.float64]:
    """(n, p) values of the columns, column by column in memory."""
    found = np.zeros((len(columns), rows.num_rows)).T
    for k, column in enumerate(columns):
        if column.group is None:
            found[:, k] = column.values(rows)
    place = {column.group: k for k, column in enumerate(columns) if column.group is not None}
    if place:
        row, group = groups_held(rows)
        known = np.array(sorted(place), np.int64)
        at = np.minimum(np.searchsorted(known, group), len(known) - 1)
        hit = known[at] == group
        found[row[hit], np.array([place[number] for number in known.tolist()])[at[hit]]] = 1.0
    return found


def groups_held(rows: pa.Table | pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and code group of all that the candidates hold; the rows ascend."""
    cells = rows.column("groups")
    cells = (cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells).cast(pa.large_binary())
    ends = np.frombuffer(cells.buffers()[1], np.int64)[cells.offset : cells.offset + len(cells) + 1]
    held = np.frombuffer(cells.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]].tobytes()
    return np.repeat(np.arange(len(cells)), np.diff(ends) // 8), np.frombuffer(held, np.int64)
