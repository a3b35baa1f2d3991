"""What is asked of the candidates before they are matched: sizes of blocks, scores to cut at, covariances."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

EXACT = "decimal(28,9)"
"""Sums of decimals are the same in any order."""
ACCURACY = 10_000


def count_large(scores: DataFrame, above: int) -> DataFrame:
    """One row per block of more than ``above`` candidates: ``n``, ``comparators``."""
    sizes = scores.groupBy("block").agg(
        F.count(F.lit(1)).alias("n"), F.count_if(~F.col("treated")).alias("comparators")
    )
    return sizes.where(F.col("n") > above)


def find_cuts(scores: DataFrame, blocks: Sequence[str], ranges: int) -> DataFrame:
    """One row per block named: ``cuts``, scores that divide it into about equally many people.

    They may differ by a hair from run to run; the match does not, since any cuts give the same pairs.
    """
    shares = [k / ranges for k in range(1, ranges)]
    cuts = F.percentile_approx("logit", shares, ACCURACY).alias("cuts")
    return scores.where(F.col("block").isin(*blocks)).groupBy("block").agg(cuts)


def sum_within(scores: DataFrame, names: Sequence[str]) -> DataFrame:
    """One row per arm: ``n``, ``total_k`` of covariate k, ``product_j_k`` for j up to k."""
    totals = [F.sum(F.col(name).cast(EXACT)).cast("double").alias(f"total_{k}") for k, name in enumerate(names)]
    products = [
        F.sum((F.col(names[j]) * F.col(name)).cast(EXACT)).cast("double").alias(f"product_{j}_{k}")
        for k, name in enumerate(names)
        for j in range(k + 1)
    ]
    return scores.groupBy("treated").agg(F.count(F.lit(1)).alias("n"), *totals, *products)
