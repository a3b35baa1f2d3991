"""The propensity model on a cluster: design matrices stay where they are, only p x p sums come back."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.spark.arrow import ddl_of
from claimtwin.spark.design import DesignColumn, matrix_of
from claimtwin.spark.packing import PACKED, PERSON, pack_batches
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.newton import (
    LogitFit,
    Moments,
    add_moments,
    add_sums,
    linear_predictor,
    logit_sums,
    moments_of,
)

DESIGN = pa.schema([("x", pa.binary()), ("treated", pa.binary())])
SUMS = pa.schema([("sums", pa.list_(pa.float64()))])
Batches = Iterator[pa.RecordBatch]
Shard = tuple[FloatArray, np.ndarray]


def pack_design(eligible: DataFrame, columns: Sequence[DesignColumn]) -> DataFrame:
    """One row per stretch of candidates: their (n, p) design matrix and arms as bytes. Nothing is shuffled."""
    wanted = list(dict.fromkeys(["treated", *(column.covariate for column in columns)]))
    return eligible.select(*wanted).mapInArrow(partial(_pack, tuple(columns)), schema=ddl_of(DESIGN))


def sum_moments(design: DataFrame, p: int) -> DataFrame:
    """One row per task: ``stats.moments.Moments`` of its candidates, packed."""
    return design.mapInArrow(_per_task(p, lambda x, y: moments_of(x, y), add_moments), schema=ddl_of(SUMS))


def sum_logit(design: DataFrame, beta: FloatArray, moments: Moments) -> DataFrame:
    """One row per task: ``stats.newton.LogitSums`` of its candidates at ``beta``, packed."""
    at = partial(logit_sums, beta=beta, moments=moments)
    return design.mapInArrow(_per_task(len(beta) - 1, at, add_sums), schema=ddl_of(SUMS))


def with_scores(
    eligible: DataFrame,
    columns: Sequence[DesignColumn],
    fit: LogitFit,
    block_keys: Sequence[str],
    extra: Sequence[str] = (),
) -> DataFrame:
    """The candidates in the match with the logit of their propensity, packed by block (``spark.packing.PACKED``).

    ``extra`` names covariates that the match looks at itself, kept as numbers.
    """
    placed = eligible.withColumn("block", block_name(block_keys)).withColumns(
        {name: F.col(name).cast("double") for name in extra}
    )
    known = [name for name in ("block", *PERSON.names) if name != "logit"]
    wanted = list(dict.fromkeys([*known, *extra, *(column.covariate for column in columns)]))
    score = partial(_score, tuple(columns), fit, (*known, *extra))
    return placed.select(*wanted).mapInArrow(score, schema=ddl_of(PACKED))


def block_name(keys: Sequence[str]) -> Column:
    """The block's keys in one text; equal texts mean equal keys, since slashes inside a key are doubled."""
    if not keys:
        return F.lit("all")
    return F.concat_ws(" / ", *(F.replace(F.coalesce(F.col(k), F.lit("none")), F.lit("/"), F.lit("//")) for k in keys))


def _pack(columns: tuple[DesignColumn, ...], batches: Batches) -> Batches:
    for batch in batches:
        x = matrix_of(batch, columns)
        arms = np.asarray(batch.column("treated").to_numpy(zero_copy_only=False), np.bool_)
        yield pa.RecordBatch.from_pydict({"x": [x.tobytes()], "treated": [arms.tobytes()]}, DESIGN)


def _shards(p: int, batches: Batches) -> Iterator[Shard]:
    for batch in batches:
        for x, arms in zip(batch.column("x"), batch.column("treated"), strict=True):
            yield (
                np.frombuffer(x.as_buffer(), np.float64).reshape(-1, p),
                np.frombuffer(arms.as_buffer(), np.bool_),
            )


def _per_task(p: int, measure: Callable[..., object], add: Callable[..., object]) -> Callable[[Batches], Batches]:
    """Measure each shard of a task, add as it goes, and hand on one packed row."""

    def run(batches: Batches) -> Batches:
        measured = (measure(x, y) for x, y in _shards(p, batches))
        total = reduce(lambda so_far, new: new if so_far is None else add([so_far, new]), measured, None)
        if total is not None:
            yield pa.RecordBatch.from_pydict({"sums": [total.pack()]}, SUMS)  # type: ignore[attr-defined]

    return run


def _score(columns: tuple[DesignColumn, ...], fit: LogitFit, kept: Sequence[str], batches: Batches) -> Batches:
    scored = (
        pa.RecordBatch.from_pydict(
            {name: batch.column(name) for name in kept} | {"logit": linear_predictor(matrix_of(batch, columns), fit)}
        )
        for batch in batches
    )
    yield from pack_batches([name for name in kept if name not in ("block", *PERSON.names)], scored)
