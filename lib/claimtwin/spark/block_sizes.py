"""What is asked of the candidates before they are matched: sizes of blocks, scores to cut at, covariances."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

EXACT = "decimal(28,9)"
"""Sums of decimals are the same in any order."""


def count_large(packed: DataFrame, above: int, by: Sequence[str] = ()) -> DataFrame:
    """One row per block (and ``by``) of more than ``above`` candidates: ``n``, ``comparators``. No cell is unpacked."""
    comparators = (F.sum("n") - F.sum("n_treated")).alias("comparators")
    return packed.groupBy(*by, "block").agg(F.sum("n").alias("n"), comparators).where(F.col("n") > above)


def read_marks(packed: DataFrame, blocks: Sequence[str]) -> DataFrame:
    """One row per piece of the blocks named: ``block``, ``n``, ``marks``. No cell is unpacked."""
    return packed.where(F.col("block").isin(*blocks)).select("block", "n", "marks")


def sum_within(scores: DataFrame, names: Sequence[str]) -> DataFrame:
    """One row per arm: ``n``, ``total_k`` of covariate k, ``product_j_k`` for j up to k."""
    totals = [F.sum(F.col(name).cast(EXACT)).cast("double").alias(f"total_{k}") for k, name in enumerate(names)]
    products = [
        F.sum((F.col(names[j]) * F.col(name)).cast(EXACT)).cast("double").alias(f"product_{j}_{k}")
        for k, name in enumerate(names)
        for j in range(k + 1)
    ]
    return scores.groupBy("treated").agg(F.count(F.lit(1)).alias("n"), *totals, *products)
