"""How a feed takes lines back, told before its ingest: the evidence, and the setting that it speaks for."""

from functools import reduce

from pyspark.sql import DataFrame, SparkSession

from claimtwin.config.deployment import Env, Settle
from claimtwin.io.collect import collect_compact
from claimtwin.spark.contract import judge_unsettled
from claimtwin.spark.settle import DAY, STYLE_COUNTS, count_styles, style_of
from claimtwin.stats.withhold import withhold
from claimtwin.study.ingest import adapter_of, sources_of
from claimtwin.study.progress import Say

Evidence = dict[str, int]
ANY = Settle(pharmacy="net_reversals", medical="mixed", duplicates="keep")
"""Under which a line below 0 is no fault, so that the detector gets to see it."""


def tell_styles(spark: SparkSession, env: Env, source_format: str, source: str, say: Say) -> list[str]:
    """Lines to print, two a claims table: the counts, and the keys of ``ingest.settle`` that they speak for.

    Only rows without a fault are counted; whatever ``ingest.settle`` says, nothing is settled. Counts are of lines;
    those of few lines are shown as ``few``.

    Raises:
        ConfigError: An unknown form, or a column map that cannot be used.
        InputError: A table or a column is missing or mistyped.
    """
    loose = env.model_copy(update={"ingest": env.ingest.model_copy(update={"settle": ANY})})
    feeds = adapter_of(source_format)(spark, loose.ingest, source)
    sources = sources_of(spark, feeds, loose, say)
    frames = [
        count_styles(judge_unsettled(feed, own, loose.ingest).rows, feed.table)
        for feed, own in zip(feeds, sources, strict=True)
        if feed.table in DAY
    ]
    together = reduce(DataFrame.unionAll, frames)
    rows = collect_compact(together, ["table", *STYLE_COUNTS], max_rows=len(DAY), text=["table"]).to_pylist()
    found = {row.pop("table"): row for row in rows}
    return [line for name in sorted(found) for line in style_lines(name, found[name], env.disclosure.min_cell)]


def style_lines(table: str, evidence: Evidence, min_cell: int) -> list[str]:
    """The evidence of one table and what it speaks for.

    Args:
        table: ``medical_claim`` or ``pharmacy_claim``.
        evidence: As ``count_styles`` has it.
        min_cell: Counts of 1 up to below this are shown as ``few``.
    """
    loose = evidence["negative"] - evidence["paired_same_id"] - evidence["paired_new_id"]
    shown = {name: _shown(count, min_cell) for name, count in {**evidence, "loose": loose}.items()}
    return [
        f"{table}: {shown['n']} lines without a fault, {shown['negative']} of them below 0: {shown['paired_same_id']} "
        f"take back a line of their claim and line number, {shown['paired_new_id']} one of another, {shown['loose']} "
        f"none; {shown['versions']} lines share claim and line number with another",
        f"{table}: speaks for " + _setting(table, evidence),
    ]


def _setting(table: str, evidence: Evidence) -> str:
    if table == "medical_claim":
        return f"ingest.settle.medical: {style_of(evidence)}"
    if not evidence["negative"]:
        return "ingest.settle.pharmacy: already_final"
    claim = evidence["paired_same_id"] > 0 and not evidence["paired_new_id"]
    return "ingest.settle.pharmacy: net_reversals, pharmacy_key: " + ("claim" if claim else "fill")


def _shown(count: int, min_cell: int) -> str:
    told = withhold(count, min_cell)
    return "few" if told is None else f"{told:,}"
