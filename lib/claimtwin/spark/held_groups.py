"""Code groups that candidates hold: which are the commonest, and how the arms differ in them, each in one scan."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from claimtwin.codes.groups import KIND_AT
from claimtwin.spark.arrow import ddl_of
from claimtwin.spark.design import groups_held
from claimtwin.spark.summaries import side_of, with_matched

HELD = pa.schema([("group", pa.int64()), ("n", pa.int64()), ("people", pa.int64())])
Batches = Iterator[pa.RecordBatch]
Counts = NDArray[np.int64]


def most_held(eligible: DataFrame, kinds: Sequence[int], top: int, least: int) -> DataFrame:
    """The ``top`` groups of each kind that most candidates hold: kind, group, n.

    ICD-9 and ICD-10 groups are kinds of their own. A group that fewer than ``least`` candidates hold, or do not hold,
    is left out. Ties: the smaller number.
    """
    counted = eligible.select("groups").mapInArrow(_count_held, schema=ddl_of(HELD))
    whole = counted.groupBy("group").agg(F.sum("n").alias("n"), F.sum("people").alias("people"))
    total = F.max("people").over(Window.partitionBy(F.lit(0)))  # group -1 stands for everybody
    kind = F.shiftright("group", KIND_AT).cast("int")
    common = whole.withColumns({"total": total, "kind": kind}).where(
        F.col("kind").isin(list(kinds)) & (F.col("n") >= least) & (F.col("total") - F.col("n") >= least)
    )
    rank = F.row_number().over(Window.partitionBy("kind").orderBy(F.desc("n"), F.asc("group")))
    return common.withColumn("rank", rank).where(F.col("rank") <= top).select("kind", "group", "n")


def sum_held(eligible: DataFrame, pairs: DataFrame, groups: Sequence[int], sizes: int = 1) -> DataFrame:
    """One row per task: people of each side (``side_of``), then those of each who hold each group, as counts.

    Whatever the number of groups, one scan; sums of whole numbers are the same in any order.
    """
    people = with_matched(eligible.select("person_id", "treated", "groups"), pairs)
    sides = people.select(side_of(sizes), "groups")
    count = partial(_count_sides, np.array(groups, np.int64), 2 + 2 * sizes)
    return sides.mapInArrow(count, schema="counts array<double>")


def _count_held(batches: Batches) -> Batches:
    groups, counts, people = np.zeros(0, np.int64), np.zeros(0, np.int64), 0
    for batch in batches:
        found, times = np.unique(groups_held(batch)[1], return_counts=True)
        groups, place = np.unique(np.concatenate([groups, found]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([counts, times]), minlength=len(groups)).astype(np.int64)
        people += batch.num_rows
    whole = [np.append(groups, -1), np.append(counts, 0), np.append(np.zeros(len(groups), np.int64), people)]
    yield pa.RecordBatch.from_arrays([pa.array(column) for column in whole], schema=HELD)


def _count_sides(groups: Counts, sides: int, batches: Batches) -> Batches:
    known, order = np.sort(groups), np.argsort(groups)
    total = np.zeros((1 + len(groups), sides), np.int64)
    for batch in batches:
        side = np.asarray(batch.column("side").to_numpy(zero_copy_only=False), np.int64)
        total[0] += np.bincount(side, minlength=sides)
        row, group = groups_held(batch)
        at = np.minimum(np.searchsorted(known, group), len(known) - 1)
        hit = known[at] == group
        cell = at[hit] * sides + side[row[hit]]
        total[1 + order] += np.bincount(cell, minlength=len(groups) * sides).reshape(-1, sides)
    counts = pa.array([total.ravel().astype(np.float64)], pa.list_(pa.float64()))
    yield pa.RecordBatch.from_arrays([counts], names=["counts"])
