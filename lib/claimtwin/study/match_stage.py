"""The match of a study: what the protocol asks for in the words of the kernel, and where each block is matched."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from pyspark.sql import DataFrame

from claimtwin.config.matching import Matching
from claimtwin.errors import InputError
from claimtwin.io.collect import collect_compact
from claimtwin.kernel.matching import Rules
from claimtwin.kernel.matching.ranges import SWEPT_ORDERS
from claimtwin.kernel.matching.shape import ArmTotals, pooled_covariance, whitening
from claimtwin.spark.block_sizes import count_large, read_marks, sum_within
from claimtwin.spark.packing import Places, unpack_people
from claimtwin.spark.pairing import Distance
from claimtwin.spark.ranges import match_all

LARGE = 100_000
"""People of a block above which it has a task of its own."""
RANGES = 4
"""Ranges that a block of just over the bound is cut into: each a quarter of what a task may hold."""
MOST_LARGE = 100_000
MOST_PIECES = 1_000_000


def covariates_of(matching: Matching) -> tuple[str, ...]:
    """Covariates that the match looks at itself, once each."""
    return tuple(dict.fromkeys([*matching.distance_covariates, *matching.covariate_calipers]))


def match_study(packed: DataFrame, matching: Matching, caliper: float | None, seed: int, split_above: int) -> DataFrame:
    """One row per treated candidate, as ``spark.pairing.MATCHES``.

    Args:
        packed: The candidates by block (``spark.packing.PACKED``), with ``covariates_of`` the protocol.
        matching: What the protocol asks for.
        caliper: In units of the logit; null for none, or where each block has its own.
        seed: Of the study; decides the order ``random``.
        split_above: People that a task may hold of one block.

    Raises:
        InputError: A block is larger and cannot be cut.
    """
    rules, distance = rules_of(matching, caliper, seed), distance_of(packed, matching)
    return match_all(packed, rules, distance, find_places(packed, rules, distance, split_above))


def rules_of(matching: Matching, caliper: float | None, seed: int) -> Rules:
    """The protocol's choices as rules of the kernel; a caliper per block stays in standard deviations."""
    return Rules(
        order=matching.order,
        ratio=matching.ratio,
        floor=matching.floor,
        replace=matching.replace,
        max_reuse=matching.max_reuse,
        caliper=matching.caliper_sd if matching.per_block else caliper,
        widths=tuple(matching.covariate_calipers.values()),
        seed=seed,
    )


def caliper_of(matching: Matching, sd_logit: float) -> float | None:
    """The caliper in units of the logit; null for none, or where each block has its own."""
    return None if matching.caliper_sd is None or matching.per_block else matching.caliper_sd * sd_logit


def find_places(packed: DataFrame, rules: Rules, distance: Distance, split_above: int) -> Places:
    """Where blocks are matched, from one aggregation over what is told of the pieces.

    Raises:
        InputError: A block of more than ``split_above`` people cannot be cut.
    """
    columns = ["block", "n", "comparators"]
    large = count_large(packed, large_above(split_above))
    found = collect_compact(large, columns, max_rows=MOST_LARGE, text=["block"]).to_pylist()
    return places_of(found, packed, rules, distance, split_above)


def large_above(split_above: int) -> int:
    """People of a block above which it has a task of its own."""
    return min(LARGE, split_above)


def places_of(
    found: Sequence[Mapping[str, Any]], packed: DataFrame, rules: Rules, distance: Distance, split_above: int
) -> Places:
    """The same, where the large blocks are known: ``block``, ``n`` and ``comparators`` of each.

    Raises:
        InputError: As ``find_places``.
    """
    giants = {row["block"]: row for row in found if row["n"] > split_above}
    if giants and not _can_be_cut(rules, distance):
        raise _too_large(max(row["n"] for row in giants.values()), split_above)
    return Places(
        frozenset(row["block"] for row in found),
        _cuts(packed, giants, split_above) if giants else {},
        frozenset(name for name, row in giants.items() if not row["comparators"]),
    )


def _can_be_cut(rules: Rules, distance: Distance) -> bool:
    one_to_one = rules.ratio == 1 and not rules.replace
    return rules.order in SWEPT_ORDERS and one_to_one and rules.caliper is not None and distance.is_plain


def _cuts(packed: DataFrame, giants: Mapping[str, Any], split_above: int) -> dict[str, list[float]]:
    columns = ["block", "n", "marks"]
    found = collect_compact(read_marks(packed, sorted(giants)), columns, max_rows=MOST_PIECES, text=["block"])
    pieces = found.to_pylist()
    return {
        name: quantiles([piece for piece in pieces if piece["block"] == name], ceil(row["n"] * RANGES / split_above))
        for name, row in giants.items()
    }


def quantiles(pieces: Sequence[Mapping[str, Any]], ranges: int) -> list[float]:
    """Scores that divide the people of some pieces into about equally many, from the marks of each; ascending."""
    marks = np.concatenate([piece["marks"] for piece in pieces])
    weight = np.concatenate([np.full(len(p["marks"]), p["n"] / len(p["marks"])) for p in pieces])
    order = np.argsort(marks, kind="stable")
    total = np.cumsum(weight[order])
    at = np.searchsorted(total, total[-1] * np.arange(1, ranges) / ranges)
    return sorted(set(marks[order][at].tolist()))


def distance_of(packed: DataFrame, matching: Matching) -> Distance:
    """What else than the score decides who is near; one aggregation where it is a distance of its own."""
    names, near = tuple(matching.distance_covariates), tuple(matching.covariate_calipers)
    if not names:
        return Distance(near=near, per_block=matching.per_block)
    p = range(len(names))
    columns = ["treated", "n", *(f"total_{k}" for k in p), *(f"product_{j}_{k}" for k in p for j in range(k + 1))]
    arms = collect_compact(sum_within(unpack_people(packed, names), names), columns, max_rows=2).to_pylist()
    totals = [
        ArmTotals(
            arm["n"],
            np.array([arm[f"total_{k}"] for k in p]),
            np.array([[arm[f"product_{min(j, k)}_{max(j, k)}"] for k in p] for j in p]),
        )
        for arm in sorted(arms, key=lambda arm: bool(arm["treated"]))
    ]
    white = whitening(pooled_covariance(totals))
    return Distance(names, tuple(tuple(row) for row in white.tolist()), near, matching.per_block)


def _too_large(n: int, split_above: int) -> InputError:
    return InputError(
        f"A block has {n:,} people, more than the {split_above:,} that a task may hold, and cannot be cut.",
        where="study.matching and env.matching.split_above",
        rule="only a 1:1 match on the score, largest or smallest first, with one caliper, is made range by range",
        remedy="name more block_keys; or match on the score alone, largest or smallest first, with one caliper for "
        "all blocks; or raise split_above to what a worker's memory holds (docs/decisions/005-matching.md)",
    )
