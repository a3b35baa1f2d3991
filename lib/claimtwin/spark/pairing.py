"""Matching on a cluster: each block's candidates are gathered in one task and matched by the kernel."""

from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.errors import GuardError
from claimtwin.kernel.certificate import count_envious
from claimtwin.kernel.matching import Rules, Units, match_units
from claimtwin.spark.arrow import ddl_of, each_group

MATCHES = pa.schema(
    [("block", pa.string()), ("rank", pa.int64()), ("treated_person", pa.string()), ("comparator_person", pa.string())]
    + [("distance", pa.float64()), ("reason", pa.string())]
)
NO_COMPARATOR = "no comparator in the block"
NONE_FREE = "no free comparator within the caliper"


def match_blocks(scores: DataFrame, caliper: float | None) -> DataFrame:
    """One row per treated candidate: its twin, or why it has none.

    ``rank`` counts the pairs of a block from 0 in the order in which the treated chose; null without a twin.
    ``distance`` is in units of the logit. Order, ties and caliper: see ``kernel.matching``.
    """
    return scores.groupBy("block").applyInArrow(each_group(partial(_match_block, caliper)), schema=ddl_of(MATCHES))


def keep_pairs(matches: DataFrame) -> DataFrame:
    """One row per pair."""
    return matches.where(F.col("comparator_person").isNotNull())


def build_pair_members(pairs: DataFrame) -> DataFrame:
    """One row per person in a pair: ``block``, ``rank``, ``distance``, ``person_id``, ``treated``."""
    both = F.array(
        F.struct(F.col("treated_person").alias("person_id"), F.lit(True).alias("treated")),
        F.struct(F.col("comparator_person").alias("person_id"), F.lit(False).alias("treated")),
    )
    member = pairs.select("block", "rank", "distance", F.explode(both).alias("member"))
    return member.select("block", "rank", "distance", "member.person_id", "member.treated")


def _match_block(caliper: float | None, block: str, rows: pa.Table) -> pa.Table:
    """Rows arrive in any order; sorting by person first makes a shared tie key harmless.

    Raises:
        GuardError: The match is not the greedy one, by its certificate.
    """
    rows = rows.sort_by("person_id").combine_chunks()
    people, treated = rows["person_id"], rows["treated"].to_numpy()
    units, rules = Units.of(treated, rows["logit"], rows["tie_key"]), Rules(caliper=caliper)
    found = match_units(units, rules)
    if envious := count_envious(units, rules, found):
        raise GuardError(
            f"{envious} treated have no twin, or one that is farther than a comparator free in their turn.",
            where="matches",
            rule="docs/decisions/005-matching.md",
            remedy="this is a fault in Claimtwin: please report it",
        )
    left = np.setdiff1d(np.flatnonzero(treated), found.treated)
    n, reason = len(found), NO_COMPARATOR if treated.all() else NONE_FREE
    columns = {
        "block": [block] * (n + len(left)),
        "rank": [*range(n), *[None] * len(left)],
        "treated_person": people.take(pa.array(np.concatenate([found.treated, left]))),
        "comparator_person": people.take(pa.array(found.control)).to_pylist() + [None] * len(left),
        "distance": found.distance.tolist() + [None] * len(left),
        "reason": [None] * n + [reason] * len(left),
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in MATCHES}, schema=MATCHES)
