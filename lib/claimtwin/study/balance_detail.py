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
from claimtwin.spark.summaries import PLACES, SIDES, count_values, sum_balance
from claimtwin.stats.balance import ArmPair, ArmSums, balance_table, largest_after, largest_gap
from claimtwin.stats.withhold import is_small, withhold_means
from claimtwin.study.counts import FEW, Rows, arm_pairs
from claimtwin.study.scoring import MOST_TASKS
from claimtwin.study.tables import Design

WHENS = ("before", "after")
Counts = NDArray[np.int64]


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
        found["distributions"] = _distributions(eligible, pairs, numbers, min_cell)
    if asked.by_block:
        placed = eligible.withColumn("block", block_name(protocol.matching.block_keys))
        found["blocks"] = _blocks(placed, pairs, model.plain, protocol, min_cell)
    if model.chosen:
        found["chosen"], largest = _chosen(eligible, pairs, model.chosen, protocol, min_cell)
    return ({"balance_detail": found} if found else {}), largest


def _distributions(eligible: DataFrame, pairs: DataFrame, names: Sequence[str], min_cell: int) -> Rows:
    whole = _summed(count_values(eligible, pairs, names)).reshape(len(names), SIDES, PLACES)
    rows: Rows = []
    for name, sides in zip(names, whole, strict=True):
        matched = sides[2:]
        for when, arms in zip(WHENS, (sides[:2] + matched, matched), strict=True):
            small = any(is_small(int(arm.sum()), min_cell) for arm in arms)
            gap = None if small else largest_gap(arms[1].tolist(), arms[0].tolist())
            rows.append({"covariate": name, "when": when, "gap": gap})
    return rows


def _blocks(
    placed: DataFrame, pairs: DataFrame, columns: Sequence[DesignColumn], protocol: Protocol, min_cell: int
) -> Rows:
    sums = [f"{kind}_{k}" for kind in ("sum", "square") for k in range(len(columns))]
    names = ["block", "treated", "matched", "n", *sums]
    frame = sum_balance(placed, pairs, columns, by=["block"])
    found = collect_compact(frame, names, max_rows=FEW, text=["block"]).to_pylist()
    binary = {column.name for column in columns if column.is_binary}
    rows: Rows = []
    for block in sorted({row["block"] for row in found}):
        own = [row for row in found if row["block"] == block]
        before, after = arm_pairs(own, columns), arm_pairs([row for row in own if row["matched"]], columns)
        rows += [{"block": block, **row} for row in _shown((before, after), binary, protocol, min_cell)[0]]
    return rows


def _chosen(
    eligible: DataFrame, pairs: DataFrame, columns: Sequence[DesignColumn], protocol: Protocol, min_cell: int
) -> tuple[Rows, float | None]:
    groups = [column.group for column in columns if column.group is not None]
    whole = _summed(sum_held(eligible, pairs, groups)).reshape(1 + len(groups), SIDES)
    people, held = whole[0], whole[1:]

    def pair(own: Counts, of: Counts) -> ArmPair:
        one, zero = (ArmSums(int(of[k]), float(own[k]), float(own[k])) for k in (1, 0))
        return ArmPair(one, zero)

    names = [column.name for column in columns]
    after = {name: pair(own[2:], people[2:]) for name, own in zip(names, held, strict=True)}
    all_of = people[:2] + people[2:]
    before = {name: pair(own[:2] + own[2:], all_of) for name, own in zip(names, held, strict=True)}
    return _shown((before, after), set(names), protocol, min_cell)


def _shown(
    sides: tuple[dict[str, ArmPair], dict[str, ArmPair]], binary: set[str], protocol: Protocol, min_cell: int
) -> tuple[Rows, float | None]:
    """Rows of the balance table as they may be shown, none of an arm of few people; the largest difference as it is."""
    rows = balance_table(*sides, sorted(binary), protocol.balance.denominator)
    first = [next(iter(side.values())) for side in sides]
    sizes = {when: (pair.treated.n, pair.comparator.n) for when, pair in zip(WHENS, first, strict=True)}
    few = {when for when, arms in sizes.items() if any(is_small(n, min_cell) for n in arms)}
    nothing = dict.fromkeys(("mean_treated", "mean_comparator", "smd", "variance_ratio"))
    shown = [
        asdict(row) | (nothing if few and (row.when in few or "before" in few) else {})
        for row in withhold_means(rows, sizes, binary, min_cell)
    ]
    return shown, largest_after(rows)


def _summed(counts: DataFrame) -> Counts:
    """Counts of all tasks together, in any order."""
    parts = collect_compact(counts, ["counts"], max_rows=MOST_TASKS)["counts"].to_pylist()
    total: Counts = np.sum([np.array(part, np.int64) for part in parts], axis=0)
    return total
