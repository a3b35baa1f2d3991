"""What must hold of every match, checked on the tables that were written, after every run."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from claimtwin.config.protocol import Protocol
from claimtwin.config.score import Number
from claimtwin.spark.facts import is_eligible
from claimtwin.spark.pairing import build_couple_members, build_pair_members, keep_pairs

INVARIANTS = ("outside_block", "outside_caliper", "used_twice", "wrong_arm", "not_eligible", "envious")

OF_SETS = ("outside_ratio",)
"""What must hold of matches with several twins, too."""
ROUNDING = 1 + 1e-9
"""How far a standard deviation that is added up in another order may be off; the task's own proof allows nothing."""


def invariants_of(protocol: Protocol) -> tuple[str, ...]:
    """Names of what must hold of the match that a protocol asks for."""
    return INVARIANTS + (OF_SETS if protocol.matching.ratio > 1 else ())


def count_broken(
    matches: DataFrame, scores: DataFrame, candidates: DataFrame, protocol: Protocol, caliper: float | None
) -> DataFrame:
    """One row: ``pairs`` (matched treated), ``twins``, and for each invariant the couples that break it.

    A caliper per block is measured anew, from ``scores``.

    ``wrong_arm``: a member of the couple was never scored in the arm that it stands for. ``used_twice`` counts people.
    ``envious``: treated who would rather have a twin that was free in their turn, as the certificate counted them when
    the match was made. ``outside_ratio``: sets with more twins than asked, or fewer than the floor, or told wrongly.
    """
    pairs = keep_pairs(matches)
    members = build_couple_members(pairs)
    widths = protocol.matching.covariate_calipers
    scored = scores.select("person_id", "treated", F.col("block").alias("own_block"), "logit", *widths)
    if protocol.matching.per_block:
        scored = scored.join(_own_calipers(scored, protocol), "own_block", "left")
    eligible = candidates.select("person_id", "treated", is_eligible(protocol).alias("eligible"))
    known = members.join(scored, ["person_id", "treated"], "left").join(eligible, ["person_id", "treated"], "left")
    broken = known.groupBy("block", "rank", "couple").agg(
        *_flags(caliper, widths, per_block=protocol.matching.per_block)
    )
    twice = build_pair_members(pairs).groupBy("person_id").agg((F.count(F.lit(1)) > 1).alias("used_twice"))
    counted = broken.agg(
        F.count_if(F.col("couple") == 1).alias("pairs"),
        F.count(F.lit(1)).alias("twins"),
        *(_count(name) for name in INVARIANTS if name not in ("used_twice", "envious")),
    )
    envious = matches.agg(F.coalesce(F.sum("envious"), F.lit(0)).alias("envious"))
    found = counted.crossJoin(twice.agg(_count("used_twice"))).crossJoin(envious)
    if protocol.matching.ratio > 1:
        found = found.crossJoin(_outside_ratio(pairs, protocol))
    return found.select("pairs", "twins", *invariants_of(protocol))


def _outside_ratio(pairs: DataFrame, protocol: Protocol) -> DataFrame:
    """One row: the sets whose twins are not as many as they say, or not between floor and ratio."""
    asked, own = protocol.matching, F.col("n")
    sets = pairs.groupBy("block", "rank").agg(
        F.count(F.lit(1)).alias("n"), F.min("twins").alias("least"), F.max("twins").alias("most"),
        F.count_distinct("treated_person").alias("treated"), F.count_distinct("nth").alias("places"),
    )  # fmt: skip
    sound = (own == F.col("least")) & (own == F.col("most")) & (own == F.col("places")) & (F.col("treated") == 1)
    inside = own.between(asked.floor, asked.ratio)
    return sets.agg(F.count_if(~(sound & inside)).alias("outside_ratio"))


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
