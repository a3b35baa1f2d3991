"""Attrition, balance, overlap and blocks: each one aggregation over everybody, exact in any order of the rows."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import log

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.spark.design import DesignColumn
from claimtwin.spark.pairing import build_pair_members
from claimtwin.stats.overlap import STEPS

BINS = 20
MOST_STEPS = 20 * STEPS
EIGHTHS, FIRST, PLACES = 8, 512, 4096
EXACT = "decimal(28,9)"
"""Sums of doubles depend on their order in the last digits; sums of decimals do not."""


def count_attrition(candidates: DataFrame, criteria: Sequence[str]) -> DataFrame:
    """One row per arm: ``n``, ``left_k`` after criteria 0 to k in order, ``without_k`` if criterion k were dropped."""
    everyone = (1 << len(criteria)) - 1
    in_order = [_count_met((2 << k) - 1).alias(f"left_{k}") for k in range(len(criteria))]
    dropped = [_count_met(everyone & ~(1 << k)).alias(f"without_{k}") for k in range(len(criteria))]
    return candidates.groupBy("treated").agg(F.count(F.lit(1)).alias("n"), *in_order, *dropped)


def sum_balance(
    eligible: DataFrame, pairs: DataFrame, columns: Sequence[DesignColumn], by: Sequence[str] = ()
) -> DataFrame:
    """One row per arm and whether matched: ``n``, and for column k ``sum_k`` and ``square_k``; and per ``by``.

    ``by`` may name ``twins``, the number of twins in the person's matched set (null for who is in none).
    """
    people = with_matched(eligible, pairs)
    sums = [F.sum(c.column().cast(EXACT)).alias(f"sum_{k}") for k, c in enumerate(columns)]
    squares = [F.sum((c.column() * c.column()).cast(EXACT)).alias(f"square_{k}") for k, c in enumerate(columns)]
    return people.groupBy(*by, "treated", "matched").agg(F.count(F.lit(1)).alias("n"), *sums, *squares)


def with_matched(eligible: DataFrame, pairs: DataFrame) -> DataFrame:
    """The candidates, whether each is in a matched set (``matched``), and the ``twins`` of it."""
    in_pair = build_pair_members(pairs).select("person_id", "treated", F.lit(True).alias("matched"), "twins")
    people = eligible.join(in_pair, ["person_id", "treated"], "left")
    return people.withColumn("matched", F.coalesce("matched", F.lit(False)))


def side_of(sizes: int = 1) -> Column:
    """Where a person counts: 2 x place + arm, place 0 for who is not matched, else the number of twins in the set.

    ``sizes``: most twins of a set; there are ``2 + 2 * sizes`` sides. With pairs place 1 is everybody matched.
    """
    place = F.least(F.coalesce("twins", F.lit(1)), F.lit(sizes)) * F.col("matched").cast("int")
    return (F.col("treated").cast("int") + 2 * place).cast("int").alias("side")


def count_values(eligible: DataFrame, pairs: DataFrame, names: Sequence[str], sizes: int = 1) -> DataFrame:
    """One row per task: people by covariate, side (``side_of``) and eighth, as (names, sides, ``PLACES``) counts.

    Values below -64 or from 448 on count as the outermost eighth; whole numbers between keep a step each.
    """
    people = with_matched(eligible, pairs)
    count = partial(_count_values, tuple(names), 2 + 2 * sizes)
    return people.select(side_of(sizes), *names).mapInArrow(count, schema="counts array<double>")


def _count_values(names: tuple[str, ...], sides: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    total = np.zeros((len(names), sides * PLACES), np.int64)
    for batch in batches:
        side = np.asarray(batch.column("side").to_numpy(zero_copy_only=False), np.int64)
        for k, name in enumerate(names):
            value = np.clip(DesignColumn(name).values(batch), -FIRST / EIGHTHS, PLACES / EIGHTHS)
            place = np.clip(np.floor(value * EIGHTHS).astype(np.int64) + FIRST, 0, PLACES - 1)
            total[k] += np.bincount(side * PLACES + place, minlength=sides * PLACES)
    counts = pa.array([total.ravel().astype(np.float64)], pa.list_(pa.float64()))
    yield pa.RecordBatch.from_arrays([counts], names=["counts"])


def count_overlap(scores: DataFrame, middle: float = 0.0) -> DataFrame:
    """One row per arm and twentieth of the propensity score (``bin`` 0 to 19): ``n``.

    With the logit of the share of treated as ``middle`` the twentieths are those of the preference score.
    """
    edges = [middle + log(k / (BINS - k)) for k in range(1, BINS)]
    place = sum((F.when(F.col("logit") >= edge, 1).otherwise(0) for edge in edges), F.lit(0))
    return scores.groupBy("treated", place.alias("bin")).agg(F.count(F.lit(1)).alias("n"))


def count_steps(scores: DataFrame) -> DataFrame:
    """One row per step of the logit (``stats.overlap.STEPS`` a unit, the outermost at 20) and arm: ``n``."""
    step = F.greatest(F.least(F.floor(F.col("logit") * STEPS), F.lit(MOST_STEPS)), F.lit(-MOST_STEPS))
    return scores.groupBy("treated", step.alias("step")).agg(F.count(F.lit(1)).alias("n"))


def count_blocks(scores: DataFrame, matches: DataFrame) -> DataFrame:
    """One row per block: candidates of each arm, ``pairs`` (matched treated) and ``twins``."""
    sizes = scores.groupBy("block").agg(
        F.count_if("treated").alias("treated"), F.count_if(~F.col("treated")).alias("comparator")
    )
    found = (F.count_if(F.col("nth") == 1).alias("pairs"), F.count("comparator_person").alias("twins"))
    pairs = matches.groupBy("block").agg(*found)
    counts = (F.coalesce(name, F.lit(0)).alias(name) for name in ("pairs", "twins"))
    return sizes.join(pairs, "block", "left").select("block", "treated", "comparator", *counts)


def count_reasons(matches: DataFrame) -> DataFrame:
    """One row per reason for having no twin: ``n``."""
    return matches.where(F.col("reason").isNotNull()).groupBy("reason").agg(F.count(F.lit(1)).alias("n"))


def _count_met(mask: int) -> Column:
    return F.count_if(F.col("met").bitwiseAND(F.lit(mask).cast("bigint")) == mask)
