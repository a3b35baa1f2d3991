"""Balance beyond the table of means: distributions, blocks, and the code groups that were chosen from the data."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from claimtwin.config.protocol import Protocol
from claimtwin.config.score import CATEGORIES
from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import DesignColumn
from claimtwin.spark.facts import is_eligible
from claimtwin.spark.held_groups import sum_held
from claimtwin.spark.pairing import keep_pairs
from claimtwin.spark.scores import block_name
from claimtwin.spark.summaries import PLACES, count_values, sum_balance
from claimtwin.stats.balance import ArmPair, ArmSums, balance_table, largest_after, largest_gap
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.withhold import is_small, withhold_means
from claimtwin.study.counts import FEW, Rows, arm_pairs, sets_apart, weighted_pairs
from claimtwin.study.scoring import MOST_TASKS
from claimtwin.study.tables import Design

WHENS = ("before", "after")
Counts = NDArray[np.int64]
Sides = tuple[dict[str, ArmPair], dict[str, ArmPair], dict[str, ArmPair]]


def detail_part(design: Design, protocol: Protocol, min_cell: int) -> tuple[dict[str, Any], float | None]:
    """``balance_detail`` of the results, with what the protocol asks for; nothing where it asks for nothing.

    And the largest difference of a chosen code group after matching, before anything is withheld; None without any.

    ``distributions``: a row per number and when, ``gap`` Kolmogorov and Smirnov's distance to an eighth of a unit.
    ``blocks``: rows of the balance table by block. ``chosen``: those of code groups. Small cells withheld: None.
    """
    eligible = design.candidates.frame.where(is_eligible(protocol))
    pairs, asked, model = keep_pairs(design.matches.frame), protocol.balance, design.model
    found: dict[str, Any] = {}
    largest = None
    if asked.distributions:
        numbers = [column.name for column in model.plain if column.covariate not in CATEGORIES]
        found["distributions"] = _distributions(eligible, pairs, numbers, protocol.matching.ratio, min_cell)
    if asked.by_block:
        placed = eligible.withColumn("block", block_name(protocol.matching.block_keys))
        found["blocks"] = _blocks(placed, pairs, model.plain, protocol, min_cell)
    if model.chosen:
        found["chosen"], largest = _chosen(eligible, pairs, model.chosen, protocol, min_cell)
    return ({"balance_detail": found} if found else {}), largest


def _distributions(eligible: DataFrame, pairs: DataFrame, names: Sequence[str], sizes: int, min_cell: int) -> Rows:
    counted = count_values(eligible, pairs, names, sizes)
    whole = _summed(counted).reshape(len(names), 1 + sizes, 2, PLACES)
    rows: Rows = []
    for name, places in zip(names, whole, strict=True):
        matched = places[1:]
        for when, arms, told in zip(WHENS, (places, matched), (places.sum(axis=0), _weighed(matched)), strict=True):
            small = any(is_small(int(arm.sum()), min_cell) for arm in arms.sum(axis=0))
            gap = None if small else largest_gap(told[1].tolist(), told[0].tolist())
            rows.append({"covariate": name, "when": when, "gap": gap})
    return rows


def _weighed(matched: Counts) -> Counts | FloatArray:
    """(2, k) from (sizes, 2, k) matched people by size of their set and arm: a comparator counts 1 over the size."""
    if len(matched) == 1:
        return np.asarray(matched[0])
    weight = np.ones((len(matched), 2))
    weight[:, 0] = 1 / np.arange(1, len(matched) + 1)
    return np.asarray(np.einsum("sa,sak->ak", weight, matched))


def _blocks(
    placed: DataFrame, pairs: DataFrame, columns: Sequence[DesignColumn], protocol: Protocol, min_cell: int
) -> Rows:
    sums = [f"{kind}_{k}" for kind in ("sum", "square") for k in range(len(columns))]
    by = ["block", *sets_apart(protocol)]
    names = [*by, "treated", "matched", "n", *sums]
    frame = sum_balance(placed, pairs, columns, by=by)
    found = collect_compact(frame, names, max_rows=FEW, text=["block"]).to_pylist()
    binary = {column.name for column in columns if column.is_binary}
    rows: Rows = []
    for block in sorted({row["block"] for row in found}):
        own = [row for row in found if row["block"] == block]
        matched = [row for row in own if row["matched"]]
        sides = arm_pairs(own, columns), arm_pairs(matched, columns), weighted_pairs(matched, columns, protocol)
        rows += [{"block": block, **row} for row in _shown(sides, binary, protocol, min_cell)[0]]
    return rows


def _chosen(
    eligible: DataFrame, pairs: DataFrame, columns: Sequence[DesignColumn], protocol: Protocol, min_cell: int
) -> tuple[Rows, float | None]:
    groups = [column.group for column in columns if column.group is not None]
    sizes = protocol.matching.ratio
    counted = _summed(sum_held(eligible, pairs, groups, sizes)).reshape(1 + len(groups), 1 + sizes, 2)
    names = [column.name for column in columns]

    def rows(whole: Counts | FloatArray) -> dict[str, ArmPair]:
        people = whole[0]
        return {
            name: ArmPair(*(ArmSums(_whole(people[k]), float(own[k]), float(own[k])) for k in (1, 0)))
            for name, own in zip(names, whole[1:], strict=True)
        }

    matched = np.moveaxis(counted[:, 1:], 1, 0)
    told = _weighed(np.moveaxis(matched, 2, 1)).T
    sides = rows(counted.sum(axis=1)), rows(counted[:, 1:].sum(axis=1)), rows(told)
    return _shown(sides, set(names), protocol, min_cell)


def _whole(people: Any) -> Any:
    """Counts of people as whole numbers, weights as they are."""
    return int(people) if float(people).is_integer() else float(people)


def _shown(sides: Sides, binary: set[str], protocol: Protocol, min_cell: int) -> tuple[Rows, float | None]:
    """Rows of the balance table as they may be shown, none of an arm of few people; the largest difference as it is.

    ``sides``: before, after as counted, and after as weighed, which is told.
    """
    before, counted, told = sides
    plain, rows = (
        balance_table(before, after, sorted(binary), protocol.balance.denominator) for after in (counted, told)
    )
    first = [next(iter(side.values())) for side in (before, counted)]
    sizes = {when: (int(pair.treated.n), int(pair.comparator.n)) for when, pair in zip(WHENS, first, strict=True)}
    few = {when for when, arms in sizes.items() if any(is_small(n, min_cell) for n in arms)}
    nothing = dict.fromkeys(("mean_treated", "mean_comparator", "smd", "variance_ratio"))
    shown = [
        asdict(row) | (nothing if few and (row.when in few or "before" in few) else {})
        for row in withhold_means(rows, sizes, binary, min_cell, counted=plain)
    ]
    return shown, largest_after(rows)


def _summed(counts: DataFrame) -> Counts:
    """Counts of all tasks together, in any order."""
    parts = collect_compact(counts, ["counts"], max_rows=MOST_TASKS)["counts"].to_pylist()
    total: Counts = np.sum([np.array(part, np.int64) for part in parts], axis=0)
    return total
