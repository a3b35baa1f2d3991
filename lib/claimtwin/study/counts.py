"""Compact counts of a study, collected through the one door and with small cells withheld."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from claimtwin.config.protocol import Protocol
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store, read_table, table_state
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.spark.design import DesignColumn
from claimtwin.spark.facts import is_eligible
from claimtwin.spark.pairing import keep_pairs
from claimtwin.spark.summaries import BINS, count_attrition, count_blocks, count_overlap, count_reasons, sum_balance
from claimtwin.stats.balance import ArmPair, ArmSums, BalanceRow, WeightedSums, balance_table, largest_after
from claimtwin.stats.withhold import hide_lone, withhold, withhold_beside, withhold_flow, withhold_means, withhold_split
from claimtwin.study.tables import Design
from claimtwin.study.words import criterion_texts

Rows = list[dict[str, Any]]
ARMS = ("treated", "comparator")
FEW = 100_000
"""More rows than any summary has: groups by arm, block, bin or reason."""


@dataclass(frozen=True)
class Flow:
    """People left at each step of both arms, as they may be shown; the last step is the match."""

    attrition: Rows
    left: dict[str, int | None]


def collect_flow(candidates: DataFrame, protocol: Protocol, matched: tuple[int, int], min_cell: int) -> Flow:
    """Attrition of both arms, in order and with each criterion dropped; ``matched`` people of either, treated first."""
    names = criteria_of(protocol)
    columns = ["treated", "n", *(f"{kind}_{k}" for kind in ("left", "without") for k in range(len(names)))]
    found = collect_compact(count_attrition(candidates, names), columns, max_rows=2).to_pylist()
    counted = {row["treated"]: row for row in found}
    rows: Rows = []
    left: dict[str, int | None] = {}
    for arm, treated, rule, pairs in zip(ARMS, (True, False), protocol.arm_list(), matched, strict=True):
        row = counted.get(treated, dict.fromkeys(columns, 0))
        remaining = [row["n"], *(row[f"left_{k}"] for k in range(len(names)))]
        shown = withhold_flow([*remaining, pairs], min_cell)[:-1]
        final = [shown[-1], withhold(pairs, min_cell)]
        dropped = [None, *(withhold_beside(row[f"without_{k}"], final, min_cell) for k in range(len(names)))]
        texts = criterion_texts(protocol, rule)
        rows += [
            {"arm": arm, "criterion": name, "text": text, "remaining": count, "if_dropped": without}
            for (name, text), count, without in zip(texts.items(), shown, dropped, strict=True)
        ]
        left[arm] = shown[-1]
    return Flow(rows, left)


BLOCK = ("block", "treated", "comparator", "pairs", "twins")


def collect_blocks(design: Design, min_cell: int) -> Rows:
    """Candidates and pairs of each block, by name; a single withheld cell takes the smallest other with it."""
    table = collect_compact(
        count_blocks(design.score_rows(), design.matches.frame), BLOCK, max_rows=FEW, text=BLOCK[:1]
    )
    found = sorted(table.to_pylist(), key=lambda row: row["block"])
    rows = [_block(row, min_cell) for row in found]
    for name in BLOCK[1:4]:
        for row, value in zip(rows, hide_lone([row[name] for row in rows]), strict=True):
            row[name] = value
    return rows


def collect_reasons(design: Design, unmatched: int | None, min_cell: int) -> dict[str, int | None]:
    """Treated without a twin by reason; all withheld where their number is."""
    table = collect_compact(count_reasons(design.matches.frame), ["reason", "n"], max_rows=FEW, text=["reason"])
    found = {row["reason"]: withhold(row["n"], min_cell) for row in table.to_pylist()}
    hidden = unmatched is None or None in found.values()
    return {reason: None if hidden else found[reason] for reason in sorted(found)}


def collect_overlap(scores: DataFrame, min_cell: int, middle: float = 0.0) -> dict[str, list[Any]]:
    """People of each arm by twentieth of the propensity score; ``middle`` as in ``count_overlap``."""
    table = collect_compact(count_overlap(scores, middle), ["treated", "bin", "n"], max_rows=2 * BINS)
    found = {(row["treated"], row["bin"]): row["n"] for row in table.to_pylist()}
    arms = {
        arm: hide_lone([withhold(found.get((treated, k), 0), min_cell) for k in range(BINS)])
        for arm, treated in zip(ARMS, (True, False), strict=True)
    }
    return {"edges": [k / BINS for k in range(BINS + 1)], **arms}


def collect_balance(
    design: Design, protocol: Protocol, columns: Sequence[DesignColumn], min_cell: int
) -> tuple[Rows, float | None]:
    """Balance of every column before and after, from one aggregation over everybody.

    And the largest difference after matching as it is, before small cells are withheld: what a gate judges.
    """
    eligible = design.candidates.frame.where(is_eligible(protocol))
    by = sets_apart(protocol)
    frame = sum_balance(eligible, keep_pairs(design.matches.frame), columns, by)
    names = [*by, "treated", "matched", "n"]
    names += [f"{kind}_{k}" for kind in ("sum", "square") for k in range(len(columns))]
    found = collect_compact(frame, names, max_rows=4 + 2 * protocol.matching.ratio).to_pylist()
    rows, largest = shown_balance(found, columns, protocol, min_cell)
    return [asdict(row) for row in rows], largest


def sets_apart(protocol: Protocol) -> list[str]:
    """What balance is summed by, so that people can be weighed afterwards: the size of their set, if sizes differ."""
    return ["twins"] if protocol.matching.ratio > 1 else []


def shown_balance(
    found: Rows, columns: Sequence[DesignColumn], protocol: Protocol, min_cell: int
) -> tuple[list[BalanceRow], float | None]:
    """Rows of the balance table from rows of ``spark.summaries.sum_balance``, small cells withheld; largest as it is.

    With several twins a treated, means after matching are weighted; whether few people stand behind one is judged by
    counts.
    """
    before, counted = arm_pairs(found, columns), arm_pairs([row for row in found if row["matched"]], columns)
    binary = {column.name for column in columns if column.is_binary}
    first = columns[0].name
    sizes = {
        when: (int(now[first].treated.n), int(now[first].comparator.n))
        for when, now in (("before", before), ("after", counted))
    }
    plain = balance_table(before, counted, sorted(binary), protocol.balance.denominator)
    after = weighted_pairs([row for row in found if row["matched"]], columns, protocol)
    rows = balance_table(before, after, sorted(binary), protocol.balance.denominator)
    return withhold_means(rows, sizes, binary, min_cell, counted=plain), largest_after(rows)


def read_ingest_counts(spark: SparkSession, tables: str, min_cell: int) -> Rows:
    """Rows in, accepted and rejected by table and reason, as the ingest wrote them; none where it wrote none."""
    ref = Store(tables).table("ingest_summary")
    if table_state(spark, ref) is None:
        return []
    columns = ["table", "reason", "rows_in", "accepted", "rejected"]
    frame = read_table(spark, ref, made_by="claimtwin ingest").select(*columns)
    found = collect_compact(frame, columns, max_rows=FEW, text=columns[:2]).to_pylist()
    totals = {row["table"]: row for row in found if row["reason"] == "all"}
    return [_ingested(name, totals[name], found, min_cell) for name in sorted(totals)]


def _ingested(name: str, total: Mapping[str, Any], found: Rows, min_cell: int) -> dict[str, Any]:
    rows_in, accepted, rejected = withhold_split(total["rows_in"], total["accepted"], min_cell)
    counts = {row["reason"]: row["rejected"] for row in found if row["table"] == name and row["reason"] != "all"}
    shown = hide_lone([withhold(counts[reason], min_cell) for reason in sorted(counts)])
    reasons = dict(zip(sorted(counts), shown, strict=True))
    return {"table": name, "rows_in": rows_in, "accepted": accepted, "rejected": rejected, "reasons": reasons}


def _block(row: Mapping[str, Any], min_cell: int) -> dict[str, Any]:
    whole, pairs, _ = withhold_split(row["treated"], row["pairs"], min_cell)
    comparator = withhold_beside(row["comparator"], [row["twins"]], min_cell)
    return {"block": row["block"], "treated": whole, "comparator": comparator, "pairs": pairs}


def weighted_pairs(found: Rows, columns: Sequence[DesignColumn], protocol: Protocol) -> dict[str, ArmPair]:
    """Both arms of each column among the matched: a treated weighs 1, each of its m twins 1/m."""
    if protocol.matching.ratio == 1:
        return arm_pairs(found, columns)

    def sums(treated: bool, k: int) -> WeightedSums:
        rows = [row for row in found if row["treated"] == treated]
        weights = [1.0 if treated else 1 / row["twins"] for row in rows]
        own = [(float(row["n"]), float(row[f"sum_{k}"]), float(row[f"square_{k}"])) for row in rows]
        return WeightedSums.of(weights, own)

    return {column.name: ArmPair(sums(True, k), sums(False, k)) for k, column in enumerate(columns)}


def arm_pairs(found: Rows, columns: Sequence[DesignColumn]) -> dict[str, ArmPair]:
    """Both arms of each column, from rows of ``spark.summaries.sum_balance``."""

    def sums(treated: bool, k: int) -> ArmSums:
        rows = [row for row in found if row["treated"] == treated]
        total, square = (sum((row[f"{kind}_{k}"] for row in rows), start=0) for kind in ("sum", "square"))
        return ArmSums(sum(row["n"] for row in rows), float(total), float(square))

    return {column.name: ArmPair(sums(True, k), sums(False, k)) for k, column in enumerate(columns)}
