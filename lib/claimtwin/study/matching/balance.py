"""The balance table of a match of somebody's own units: how alike the arms are, before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.kernel.columns import Flags, starts_run
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.units import Scores
from claimtwin.kernel.matching.weights import person_weights
from claimtwin.stats.weighted_balance import WeightedBalance, weighted_balance
from claimtwin.study.matching.columns import (
    MISSING,
    is_numeric,
    numbers_or_missing,
    refused,
    require_columns,
    texts,
)

FIGURES = ("mean_treated", "mean_control", "smd", "variance_ratio", "ecdf_mean", "ecdf_max",
           "effective_treated", "effective_control")  # fmt: skip
BALANCE = pa.schema(
    [("covariate", pa.string()), ("column", pa.string()), ("when", pa.string())]
    + [(name, pa.float64()) for name in FIGURES]
)
MOST_LEVELS = 50
Named = tuple[str, str, Scores]
"""Name of a row of the table, column that it comes from, values; not a number where missing."""


def measure_balance(covariates: Sequence[Named], treated: Flags, weight: Scores | None) -> pa.Table:
    """One row per covariate before matching, and one after where weights are given.

    ``smd`` is in standard deviations of the treated before matching. A covariate is measured on those who have it, and
    so are the effective sample sizes, (sum w)^2 / sum w^2 of either arm.
    Null: a figure that is not defined, such as the variance ratio of a 0/1 covariate, or any mean after a match
    without pairs.
    """
    times = [("before", np.ones(len(treated)))] + ([] if weight is None else [("after", weight)])
    rows = [
        (name, column, when, *astuple(_measure(values, treated, weights)))
        for when, weights in times
        for name, column, values in covariates
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(BALANCE)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, BALANCE, strict=True)], schema=BALANCE)


def covariates_of(table: pa.Table, names: Sequence[str], *, skip_wide: bool = False) -> list[Named]:
    """Numbers as they are; other columns as one 0/1 covariate per value, named ``column=value``.

    Where values are missing, another one, ``column=(missing)``, says where. Numbers that are infinite are refused.

    Args:
        skip_wide: Leave out a column with too many values for that, such as a name, instead of refusing it.
    """
    wanted = require_columns(table.column_names, names)
    return [named for name in wanted for named in _covariate(table, name, skip_wide)]


def weights_of(treated: Flags, pairs: Pairs) -> Scores:
    """Weights for the effect on the treated; see ``kernel.matching.weights``."""
    return person_weights(treated, pairs)


def pairs_by_id(ids: pa.ChunkedArray, couples: pa.Table) -> Pairs:
    """Couples, a table of ``treated_id`` and ``control_id``, as rows of the units.

    Raises:
        InputError: Ids of couples that no unit has; how many.
    """
    place = {}
    for side in ("treated_id", "control_id"):
        found = pc.index_in(texts(couples[side]), texts(ids).combine_chunks())
        if lost := found.null_count:
            raise refused(f"{lost:,} couples name nobody of the units.", side, "both of a couple are in the units")
        place[side] = found.to_numpy().astype(np.int64)
    row = place["treated_id"]
    order = np.argsort(row, kind="stable")
    first = starts_run(row[order])
    rank = np.empty(len(row), np.int64)
    rank[order] = np.arange(len(row)) - (np.flatnonzero(first)[np.cumsum(first) - 1] if len(row) else 0) + 1
    return Pairs(row, place["control_id"], rank, np.zeros(len(row)))


def _measure(values: Scores, treated: Flags, weight: Scores) -> WeightedBalance:
    there = ~np.isnan(values)
    return weighted_balance(values[there], treated[there], weight[there])


def _covariate(table: pa.Table, name: str, skip_wide: bool) -> Iterator[Named]:
    column = table[name]
    if is_numeric(column):
        values = numbers_or_missing(table, name)
        if infinite := int(np.count_nonzero(np.isinf(values))):
            raise refused(f"{infinite:,} values of {name} are infinite.", name, "a covariate is finite")
        missing = np.isnan(values)
        if not missing.all():
            yield name, name, values
    else:
        text = texts(column)
        levels = pc.unique(text).drop_null().sort().to_pylist()
        if len(levels) > MOST_LEVELS and skip_wide:
            return
        if len(levels) > MOST_LEVELS:
            what = f"{name} has {len(levels):,} values that are no numbers."
            raise refused(what, name, f"at most {MOST_LEVELS} values", "leave it out of the covariates")
        missing = np.asarray(pc.is_null(text).to_numpy(), np.bool_)
        for level in levels:
            is_level = np.asarray(pc.fill_null(pc.equal(text, level), False).to_numpy(), np.float64)
            is_level[missing] = np.nan
            yield f"{name}={level}", name, is_level
    if missing.any():
        yield f"{name}={MISSING}", name, missing.astype(np.float64)
