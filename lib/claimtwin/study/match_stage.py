"""The match of a study: what the protocol asks for in the words of the kernel, and where each block is matched."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.matching import Matching
from claimtwin.errors import InputError
from claimtwin.io.collect import collect_compact
from claimtwin.kernel.matching import Rules
from claimtwin.kernel.matching.ranges import SWEPT_ORDERS
from claimtwin.kernel.matching.shape import ArmTotals, pooled_covariance, whitening
from claimtwin.spark.block_sizes import count_large, find_cuts, sum_within
from claimtwin.spark.packing import Places
from claimtwin.spark.pairing import Distance
from claimtwin.spark.ranges import match_all

LARGE = 100_000
"""People of a block above which it has a task of its own."""
RANGES = 4
"""Ranges that a block of just over the bound is cut into: each a quarter of what a task may hold."""
MOST_LARGE = 100_000


def covariates_of(matching: Matching) -> tuple[str, ...]:
    """Covariates that the match looks at itself, once each."""
    return tuple(dict.fromkeys([*matching.distance_covariates, *matching.covariate_calipers]))


def match_study(scores: DataFrame, matching: Matching, caliper: float | None, seed: int, split_above: int) -> DataFrame:
    """One row per treated candidate, as ``spark.pairing.MATCHES``.

    Args:
        scores: One row a candidate, with ``covariates_of`` the protocol.
        matching: What the protocol asks for.
        caliper: In units of the logit.
        seed: Of the study; decides the order ``random``.
        split_above: People that a task may hold of one block.

    Raises:
        InputError: A block is larger and cannot be cut.
    """
    rules, distance = rules_of(matching, caliper, seed), _distance(scores, matching)
    return match_all(scores, rules, distance, find_places(scores, rules, distance, split_above))


def rules_of(matching: Matching, caliper: float | None, seed: int) -> Rules:
    """The protocol's choices as rules of the kernel."""
    return Rules(
        order=matching.order,
        ratio=matching.ratio,
        floor=matching.floor,
        replace=matching.replace,
        max_reuse=matching.max_reuse,
        caliper=caliper,
        widths=tuple(matching.covariate_calipers.values()),
        seed=seed,
    )


def find_places(scores: DataFrame, rules: Rules, distance: Distance, split_above: int) -> Places:
    """Where blocks are matched, from one aggregation; from none where there are few candidates in all.

    Raises:
        InputError: A block of more than ``split_above`` people cannot be cut.
    """
    total = collect_compact(scores.agg(F.count(F.lit(1)).alias("n")), ["n"], max_rows=1)["n"][0].as_py()
    bound = min(LARGE, split_above)
    if total <= bound:
        return Places()
    columns = ["block", "n", "comparators"]
    found = collect_compact(count_large(scores, bound), columns, max_rows=MOST_LARGE, text=["block"]).to_pylist()
    giants = {row["block"]: row for row in found if row["n"] > split_above}
    if giants and not _can_be_cut(rules, distance):
        raise _too_large(max(row["n"] for row in giants.values()), split_above)
    return Places(
        frozenset(row["block"] for row in found),
        _cuts(scores, giants, split_above) if giants else {},
        frozenset(name for name, row in giants.items() if not row["comparators"]),
    )


def _can_be_cut(rules: Rules, distance: Distance) -> bool:
    one_to_one = rules.ratio == 1 and not rules.replace
    return rules.order in SWEPT_ORDERS and one_to_one and rules.caliper is not None and not distance.columns


def _cuts(scores: DataFrame, giants: Mapping[str, Any], split_above: int) -> dict[str, list[float]]:
    ranges = ceil(max(row["n"] for row in giants.values()) * RANGES / split_above)
    found = collect_compact(
        find_cuts(scores, sorted(giants), ranges), ["block", "cuts"], max_rows=len(giants), text=["block"]
    )
    return {row["block"]: sorted(set(row["cuts"])) for row in found.to_pylist()}


def _distance(scores: DataFrame, matching: Matching) -> Distance:
    names, near = tuple(matching.distance_covariates), tuple(matching.covariate_calipers)
    if not names:
        return Distance(near=near)
    p = range(len(names))
    columns = ["treated", "n", *(f"total_{k}" for k in p), *(f"product_{j}_{k}" for k in p for j in range(k + 1))]
    arms = collect_compact(sum_within(scores, names), columns, max_rows=2).to_pylist()
    totals = [
        ArmTotals(
            arm["n"],
            np.array([arm[f"total_{k}"] for k in p]),
            np.array([[arm[f"product_{min(j, k)}_{max(j, k)}"] for k in p] for j in p]),
        )
        for arm in sorted(arms, key=lambda arm: bool(arm["treated"]))
    ]
    white = whitening(pooled_covariance(totals))
    return Distance(names, tuple(tuple(row) for row in white.tolist()), near)


def _too_large(n: int, split_above: int) -> InputError:
    return InputError(
        f"A block has {n:,} people, more than the {split_above:,} that a task may hold, and cannot be cut.",
        where="study.matching and env.matching.split_above",
        rule="only a 1:1 match on the score, largest or smallest first, with a caliper, is made range by range",
        remedy="name more block_keys; or match on the score alone, largest or smallest first, with a caliper; "
        "or raise split_above to what a worker's memory holds (docs/decisions/005-matching.md)",
    )
