"""What must hold of every match, checked on the tables that were written, after every run."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.config.protocol import Protocol
from claimtwin.config.score import Number
from claimtwin.spark.facts import is_eligible
from claimtwin.spark.pairing import build_pair_members, keep_pairs

INVARIANTS = ("outside_block", "outside_caliper", "used_twice", "wrong_arm", "not_eligible", "envious")

ROUNDING = 1 + 1e-9
"""How far a standard deviation that is added up in another order may be off; the task's own proof allows nothing."""


def count_broken(
    matches: DataFrame, scores: DataFrame, candidates: DataFrame, protocol: Protocol, caliper: float | None
) -> DataFrame:
    """One row: ``pairs``, and for each invariant the pairs (the people, for ``used_twice``) that break it.

    A caliper per block is measured anew, from ``scores``.

    ``wrong_arm``: a member of the pair was never scored in the arm that it stands for. ``envious``: treated who would
    rather have a twin that was free in their turn, as the certificate counted them when the match was made.
    """
    pairs = keep_pairs(matches)
    members = build_pair_members(pairs)
    widths = protocol.matching.covariate_calipers
    scored = scores.select("person_id", "treated", F.col("block").alias("own_block"), "logit", *widths)
    if protocol.matching.per_block:
        scored = scored.join(_own_calipers(scored, protocol), "own_block", "left")
    eligible = candidates.select("person_id", "treated", is_eligible(protocol).alias("eligible"))
    known = members.join(scored, ["person_id", "treated"], "left").join(eligible, ["person_id", "treated"], "left")
    broken = known.groupBy("block", "rank").agg(*_flags(caliper, widths, per_block=protocol.matching.per_block))
    twice = members.groupBy("person_id").agg((F.count(F.lit(1)) > 1).alias("used_twice"))
    counted = broken.agg(
        F.count(F.lit(1)).alias("pairs"),
        *(_count(name) for name in INVARIANTS if name not in ("used_twice", "envious")),
    )
    envious = matches.agg(F.coalesce(F.sum("envious"), F.lit(0)).alias("envious"))
    return counted.crossJoin(twice.agg(_count("used_twice"))).crossJoin(envious).select("pairs", *INVARIANTS)


def _own_calipers(scored: DataFrame, protocol: Protocol) -> DataFrame:
    """One row per block: ``own_caliper``, 0 for a block of one."""
    sd = F.coalesce(F.stddev_samp("logit"), F.lit(0.0))
    return scored.groupBy("own_block").agg((sd * F.lit(protocol.matching.caliper_sd) * ROUNDING).alias("own_caliper"))


def _flags(caliper: float | None, widths: Mapping[Number, float], *, per_block: bool) -> list[Column]:
    calipers = [*widths.items()] if caliper is None else [("logit", caliper), *widths.items()]
    width = reduce(Column.__or__, (_is_outside(name, most) for name, most in calipers), F.lit(False))
    if per_block:
        width = width | F.coalesce(F.max("logit") - F.min("logit") > F.max("own_caliper"), F.lit(True))
    return [
        (~F.coalesce(F.bool_and(F.col("own_block") == F.col("block")), F.lit(False))).alias("outside_block"),
        width.alias("outside_caliper"),
        (F.count("logit") != 2).alias("wrong_arm"),
        (~F.coalesce(F.bool_and(F.coalesce("eligible", F.lit(False))), F.lit(False))).alias("not_eligible"),
    ]


def _is_outside(name: str, width: float) -> Column:
    """Whether the two of a pair are farther apart than a caliper, or nearer than a negative one; so is one alone."""
    apart = F.max(name) - F.min(name)
    return F.coalesce(apart > width if width >= 0 else apart < -width, F.lit(True))


def _count(flag: str) -> Column:
    return F.count_if(F.col(flag)).alias(flag)
