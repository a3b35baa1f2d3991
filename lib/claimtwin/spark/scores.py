"""The propensity model on a cluster: design matrices stay where they are, only p x p sums come back."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.kernel.matching.turns import rehash
from claimtwin.spark.arrow import ddl_of
from claimtwin.spark.design import DesignColumn, matrix_of
from claimtwin.spark.design_cells import DESIGN, pack_matrix, unpack_matrix
from claimtwin.spark.packing import PACKED, PERSON, pack_batches
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.newton import (
    LogitFit,
    LogitSums,
    Moments,
    add_moments,
    add_sums,
    linear_predictor,
    logit_sums,
    moments_of,
)
from claimtwin.stats.penalised import Request, sums_for

FOLDS_SALT = 0x5EED
"""Folds are told by another mix of the tie key than the random orders of the match."""

MATRIX = "x", "treated", "weight", "tie"
"""What a step of a fit reads of the design."""
SUMS = pa.schema([("sums", pa.list_(pa.float64()))])
Batches = Iterator[pa.RecordBatch]
Kept = NDArray[np.int64] | None
Fold = NDArray[np.int64] | None
Shard = tuple[FloatArray, NDArray[np.bool_], FloatArray | None]


def pack_design(
    eligible: DataFrame, columns: Sequence[DesignColumn], weight: str | None = None, tie: str | None = None
) -> DataFrame:
    """One row per stretch of candidates: their design matrix, arms and moments (``DESIGN``). Nothing is shuffled.

    ``weight`` and ``tie`` name the columns of weights, and of the tie key that tells the folds of a cross-validation;
    none: null cells.
    """
    more = [name for name in (weight, tie) if name]
    wanted = list(dict.fromkeys(["treated", *more, *(name for column in columns for name in column.covariates)]))
    pack = partial(_pack, tuple(columns), weight, tie)
    return eligible.select(*wanted).mapInArrow(pack, schema=ddl_of(DESIGN))


def sum_moments(design: DataFrame) -> DataFrame:
    """One row per task: ``stats.moments.Moments`` of its candidates, packed; no matrix is read."""
    return design.select("moments").mapInArrow(_per_task(_moments, add_moments), schema=ddl_of(SUMS))


def sum_logit(design: DataFrame, beta: FloatArray, moments: Moments, p: int, kept: Kept = None) -> DataFrame:
    """One row per task: ``stats.newton.LogitSums`` of its candidates at ``beta``, packed.

    ``kept`` are the places of the columns that the model holds, of the ``p`` in the design; null: all.
    """
    at = partial(logit_sums, beta=beta, moments=moments)
    measure = lambda batches: (at(*shard) for shard, _ in _shards(p, kept, 0, batches))  # noqa: E731
    return design.select(*MATRIX).mapInArrow(_per_task(measure, add_sums), schema=ddl_of(SUMS))


def sum_requests(
    design: DataFrame, requests: Sequence[Request], moments: Moments, p: int, kept: Kept = None, folds: int = 0
) -> DataFrame:
    """One row per task and request: as ``sum_logit``, the place of the request before the sums.

    ``folds``: how many folds the tie keys are dealt to; 0: none.
    """

    def run(batches: Batches) -> Batches:
        total: list[LogitSums] | None = None
        for shard, fold in _shards(p, kept, folds, batches):
            new = sums_for(*shard, fold, requests, moments)
            total = new if total is None else [add_sums(pair) for pair in zip(total, new, strict=True)]
        if total is not None:
            rows = [np.append(float(k), sums.pack()) for k, sums in enumerate(total)]
            yield pa.RecordBatch.from_pydict({"sums": rows}, SUMS)

    return design.select(*MATRIX).mapInArrow(run, schema=ddl_of(SUMS))


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
    wanted = list(dict.fromkeys([*known, *extra, *(name for column in columns for name in column.covariates)]))
    score = partial(_score, tuple(columns), fit, (*known, *extra))
    return placed.select(*wanted).mapInArrow(score, schema=ddl_of(PACKED))


def block_name(keys: Sequence[str]) -> Column:
    """The block's keys in one text; equal texts mean equal keys, since slashes inside a key are doubled."""
    if not keys:
        return F.lit("all")
    return F.concat_ws(" / ", *(F.replace(F.coalesce(F.col(k), F.lit("none")), F.lit("/"), F.lit("//")) for k in keys))


def _pack(columns: tuple[DesignColumn, ...], weight: str | None, tie: str | None, batches: Batches) -> Batches:
    for batch in batches:
        arms = np.asarray(batch.column("treated").to_numpy(zero_copy_only=False), np.bool_)
        x, heavy, ties = matrix_of(batch, columns), _values(batch, weight, np.float64), _values(batch, tie, np.int64)
        beside = [None if values is None else values.tobytes() for values in (arms, heavy, ties)]
        cells = pack_matrix(x), *beside, moments_of(x, arms, heavy).pack()
        yield pa.RecordBatch.from_pydict({name: [cell] for name, cell in zip(DESIGN.names, cells, strict=True)}, DESIGN)


def _values(batch: pa.RecordBatch, name: str | None, kind: type) -> NDArray[Any] | None:
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), kind) if name else None


def _moments(batches: Batches) -> Iterator[Moments]:
    """Moments of each stretch of candidates, as packed with it."""
    return (Moments.unpack(cell.values.to_numpy()) for batch in batches for cell in batch.column("moments"))


def _shards(p: int, kept: Kept, folds: int, batches: Batches) -> Iterator[tuple[Shard, Fold]]:
    """Design, arms and weights of each stretch of candidates, and the fold of each candidate."""
    for batch in batches:
        for x, arms, weight, tie in zip(*(batch.column(name) for name in MATRIX), strict=True):
            design = unpack_matrix(x.as_buffer(), p)
            heavy = np.frombuffer(weight.as_buffer(), np.float64) if weight.is_valid else None
            fold = fold_of(np.frombuffer(tie.as_buffer(), np.int64), folds) if folds else None
            treated = np.frombuffer(arms.as_buffer(), np.bool_)
            yield (design if kept is None else design[:, kept], treated, heavy), fold


def fold_of(tie: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """Fold of each person, 0 to ``folds`` - 1, by a hash of the tie key, which is one of seed and person."""
    return (rehash(tie, FOLDS_SALT) % np.uint64(folds)).astype(np.int64)


def _per_task(measure: Callable[[Batches], Iterator[Any]], add: Callable[..., Any]) -> Callable[[Batches], Batches]:
    """Measure each shard of a task, add as it goes, and hand on one packed row."""

    def run(batches: Batches) -> Batches:
        total = reduce(lambda so_far, new: new if so_far is None else add([so_far, new]), measure(batches), None)
        if total is not None:
            yield pa.RecordBatch.from_pydict({"sums": [total.pack()]}, SUMS)

    return run


def _score(columns: tuple[DesignColumn, ...], fit: LogitFit, kept: Sequence[str], batches: Batches) -> Batches:
    scored = (
        pa.RecordBatch.from_pydict(
            {name: batch.column(name) for name in kept} | {"logit": linear_predictor(matrix_of(batch, columns), fit)}
        )
        for batch in batches
    )
    yield from pack_batches([name for name in kept if name not in ("block", *PERSON.names)], scored)
