"""Ingest: a feed to the four claims tables, every refused row kept with its reasons, and nothing lost in between."""

import difflib
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.config.deployment import Env, Ingest
from claimtwin.config.load import fingerprint
from claimtwin.errors import ConfigError, GuardError, InputError
from claimtwin.io.adapters.contract import read_contract
from claimtwin.io.adapters.desynpuf import read_desynpuf
from claimtwin.io.adapters.omop import read_omop
from claimtwin.io.adapters.tuva import read_tuva
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store, read_table, write_table
from claimtwin.schema.feed import Feed, Source, check_settings, find_sources
from claimtwin.schema.tables import CONTRACTS
from claimtwin.spark.contract import ALL, Judged, count_reasons, count_twins, judge, keep_accepted, keep_rejected
from claimtwin.spark.settle import REASONS as SETTLED
from claimtwin.spark.settle import count_settled, is_settled
from claimtwin.study.concepts import drop_concepts, write_concepts
from claimtwin.study.drug_codes import read_bare_codes
from claimtwin.study.progress import Say

Counts = dict[str, int]
Adapter = Callable[[SparkSession, Ingest, str], list[Feed]]
FORMATS: dict[str, Adapter] = {
    "contract": read_contract, "desynpuf": read_desynpuf, "tuva": read_tuva, "omop": read_omop,
}  # fmt: skip
SUMMARY = "ingest_summary"
PAGE = "docs/data-contract.md"
MOST_COUNTS = 10_000
SUMMARY_LAYOUT = "table string, reason string, rows_in bigint, accepted bigint, rejected bigint"


@dataclass(frozen=True)
class IngestCount:
    """Rows of one table: handed on by the adapter, accepted, refused, and refused by each reason.

    A row may have several reasons, so they can add up to more than ``rejected``.
    """

    table: str
    rows_in: int
    accepted: int
    rejected: int
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def settled(self) -> int:
        """Refused rows that are no fault: taken back, replaced or there again. Such a row has one reason."""
        return sum(rows for reason, rows in self.reasons.items() if reason in dict(SETTLED).values())


def ingest(spark: SparkSession, env: Env, source_format: str, source: str, say: Say) -> list[IngestCount]:
    """Write the four claims tables, ``rejected_<table>`` for each, and the summaries; one count a table.

    Args:
        spark: The session.
        env: Where to write, and how the feed is read.
        source_format: ``contract``, ``desynpuf``, ``tuva`` or ``omop``.
        source: A folder, or ``catalog.schema``.
        say: Told the counts, a line each; never a value.

    Raises:
        ConfigError: An unknown format, or a column map that cannot be used.
        InputError: A table or column is missing or mistyped, a table is empty, a key occurs twice, every row of a
            table is refused.
        GuardError: Rows read are not rows written.
    """
    feeds = adapter_of(source_format)(spark, env.ingest, source)
    judged = _judge_all(spark, feeds, env, say)
    with _reading_headers():
        rows_in = _count_feeds(feeds)
        _tell_files(feeds, rows_in, say)
        _refuse_unusable(judged, rows_in, _twins(judged) if env.ingest.on_duplicate_key == "stop" else {})
        _write_rejected(env, source_format, judged)
    counts = _count_refused(spark, env, rows_in)
    for count in counts:
        _tell(count, say)
    _refuse_all_refused(counts)
    for one in judged:
        write_table(keep_accepted(one), Store(env.tables).table(one.contract.name))
    if source_format == "omop":
        write_concepts(spark, env, source)
    else:
        drop_concepts(spark, env)
    _compare(spark, env, counts)
    _write_settlement(env, judged)
    _write_summary(spark, env, counts)
    return counts


def adapter_of(source_format: str) -> Adapter:
    """The reader of a form of feed.

    Raises:
        ConfigError: No form has that name.
    """
    if source_format not in FORMATS:
        close = difflib.get_close_matches(source_format, FORMATS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise ConfigError(
            f"No feed format is called '{source_format}'{hint}", "--format", PAGE, f"use {' or '.join(FORMATS)}"
        )
    return FORMATS[source_format]


def _judge_all(spark: SparkSession, feeds: list[Feed], env: Env, say: Say) -> list[Judged]:
    sources = sources_of(spark, feeds, env, say)
    return [judge(feed, own, env.ingest) for feed, own in zip(feeds, sources, strict=True)]


def sources_of(spark: SparkSession, feeds: list[Feed], env: Env, say: Say) -> list[dict[str, Source]]:
    """Where each feed has the columns of its table; what it lacks or has beside them is told.

    Raises:
        ConfigError: A column map that cannot be used.
        InputError: A column that a table must have is missing or mistyped; all are named.
    """
    settings = env.ingest
    check_settings(settings)
    found = [find_sources(feed, settings) for feed in feeds]
    faults = [fault for one in found for fault in one.faults]
    if faults:
        raise InputError(
            "The feed does not have the columns of the contract:\n" + "\n".join(f"  - {fault}" for fault in faults),
            rule=PAGE,
            remedy="map it under ingest.columns in env.yaml, or fill it under ingest.constants",
        )
    for note in (note for one in found for note in one.notes):
        say(note)
    for feed, one in zip(feeds, found, strict=True):
        if "ndc_code" in one.sources:
            one.sources["ndc_code"] = read_bare_codes(spark, env, feed, one.sources["ndc_code"], say)
    return [one.sources for one in found]


def _count_feeds(feeds: list[Feed]) -> Counts:
    """Rows that each adapter hands on, by table, and rows that it read, by kind of file; nothing is judged yet."""
    frames: list[tuple[str, DataFrame]] = [(feed.table, feed.frame) for feed in feeds]
    frames += [(kind, frame) for feed in feeds for kind, frame in feed.counted.items()]
    return _counts_of([_rows_of(frame, name) for name, frame in frames])


@contextmanager
def _reading_headers() -> Iterator[None]:
    """Spark finds headers of CSV files that contradict each other only when it reads their columns.

    Raises:
        InputError: Instead of Spark's error, which holds the headers.
    """
    try:
        yield
    except Exception as error:  # classic Spark hands on the JVM's error as it is, Connect its own
        if "CSV header" not in str(error):
            raise
        raise InputError(
            "A CSV header names a column twice, or files of one table have different headers.",
            rule=PAGE,
            remedy="give every file of a table the same header, each name once",
        ) from None


def _rows_of(frame: DataFrame, name: str) -> DataFrame:
    return frame.agg(F.count("*").alias("n")).select(F.lit(name).alias("table"), "n")


def _counts_of(frames: list[DataFrame]) -> Counts:
    together = reduce(DataFrame.unionAll, frames)
    rows = collect_compact(together, ["table", "n"], max_rows=MOST_COUNTS, text=["table"]).to_pylist()
    return {row["table"]: row["n"] for row in rows}


def _twins(judged: list[Judged]) -> Counts:
    """Good rows that share their key, by table; their rules are judged only where keys alone leave a doubt."""
    doubtful = _counts_of([count_twins(one, good_only=False) for one in judged])
    asked = [count_twins(one, good_only=True) for one in judged if doubtful[one.contract.name]]
    return _counts_of(asked) if asked else {}


def _tell_files(feeds: list[Feed], rows_in: Counts, say: Say) -> None:
    for feed in feeds:
        read = [f"{rows_in[kind]:,} {kind}" for kind in feed.counted]
        if read:
            say(f"{feed.table}: read {', '.join(read)} rows; {rows_in[feed.table]:,} rows handed on")


def _refuse_unusable(judged: list[Judged], rows_in: Counts, twins: Counts) -> None:
    faults = []
    for one in judged:
        name = one.contract.name
        if not rows_in[name] and not one.contract.optional:
            faults.append(f"{name}: no rows")
        if shared := twins.get(name, 0):
            faults.append(
                f"{name}: duplicate key: {shared:,} rows share their {', '.join(one.contract.key)} with another"
            )
    if faults:
        raise InputError(
            "The feed cannot be used:\n" + "\n".join(f"  - {fault}" for fault in faults),
            rule=PAGE,
            remedy="correct the feed; ingest.on_duplicate_key: reject keeps one row of each key and refuses the others",
        )


def _write_rejected(env: Env, source_format: str, judged: list[Judged]) -> None:
    for one in judged:
        name = one.contract.name
        stamp = f"{source_format}|{name}|{fingerprint(env.ingest)}"
        run_id = hashlib.sha256(stamp.encode()).hexdigest()[:16]
        rows = keep_rejected(one, f"{source_format}:{name}", run_id)
        write_table(rows, Store(env.tables).table(f"rejected_{name}"))


def _count_refused(spark: SparkSession, env: Env, rows_in: Counts) -> list[IngestCount]:
    """Refused rows by reason, as they were written; what is not refused will be accepted."""
    frames = [count_reasons(_open(spark, env, f"rejected_{name}"), name) for name in CONTRACTS]
    columns = ["table", "reason", "n"]
    together = reduce(DataFrame.unionAll, frames)
    rows = collect_compact(together, columns, max_rows=MOST_COUNTS, text=columns[:2]).to_pylist()
    found = {name: {row["reason"]: row["n"] for row in rows if row["table"] == name} for name in CONTRACTS}
    return [_counted(name, rows_in[name], found[name]) for name in CONTRACTS]


def _counted(name: str, rows_in: int, refused: dict[str, int]) -> IngestCount:
    rejected = refused.pop(ALL, 0)
    reasons = dict(sorted(refused.items(), key=lambda item: (-item[1], item[0])))
    return IngestCount(name, rows_in, rows_in - rejected, rejected, reasons)


def _tell(count: IngestCount, say: Say) -> None:
    away = f", {count.settled:,} of them settled away" if count.settled else ""
    say(f"{count.table}: {count.rows_in:,} rows in = {count.accepted:,} accepted + {count.rejected:,} rejected{away}")
    for reason, rows in count.reasons.items():
        say(f"  {rows:,} rows: {reason}")


def _refuse_all_refused(counts: list[IngestCount]) -> None:
    faults = []
    for count in counts:
        if count.rows_in and not count.accepted:
            common = [f"{reason} ({rows:,})" for reason, rows in list(count.reasons.items())[:3]]
            faults.append(f"{count.table}: all {count.rows_in:,} rows are refused; most often: {'; '.join(common)}")
    if faults:
        raise InputError(
            "No row of a table keeps its contract:\n" + "\n".join(f"  - {fault}" for fault in faults),
            rule=PAGE,
            remedy="look into rejected_<table>; often ingest.date_format, ingest.delimiter or a column map is wrong",
        )


def _compare(spark: SparkSession, env: Env, counts: list[IngestCount]) -> None:
    """Rows read from the feed against rows now in the two tables, counted apart from each other."""
    names = [name for count in counts for name in (count.table, f"rejected_{count.table}")]
    written = _counts_of([_rows_of(_open(spark, env, name), name) for name in names])
    for count in counts:
        accepted, rejected = written[count.table], written[f"rejected_{count.table}"]
        if count.rows_in != accepted + rejected or (accepted, rejected) != (count.accepted, count.rejected):
            raise GuardError(
                f"{count.table}: {count.rows_in:,} rows were read, but {accepted:,} accepted and {rejected:,} rejected"
                " were written.",
                where=env.tables,
                rule="rows in = rows accepted + rows rejected",
                remedy="the feed changed while it was read, or this is a fault of Claimtwin; run the ingest again",
            )


def _open(spark: SparkSession, env: Env, name: str) -> DataFrame:
    return read_table(spark, Store(env.tables).table(name), made_by="claimtwin ingest")


def _write_settlement(env: Env, judged: list[Judged]) -> None:
    """``settlement_summary``: rows and cents of each settled table by employer, month and fate."""
    settled = [one for one in judged if is_settled(one.contract.name, env.ingest.settle)]
    if settled:
        counted = [count_settled(one.rows, one.contract.name, one.rules) for one in settled]
        write_table(reduce(DataFrame.unionAll, counted), Store(env.tables).table("settlement_summary"))


def _write_summary(spark: SparkSession, env: Env, counts: list[IngestCount]) -> None:
    rows: list[tuple[str, str, int | None, int | None, int]] = []
    for count in counts:
        rows.append((count.table, "all", count.rows_in, count.accepted, count.rejected))
        rows += [(count.table, reason, None, None, n) for reason, n in count.reasons.items()]
    frame = spark.createDataFrame(rows, SUMMARY_LAYOUT).coalesce(1)
    write_table(frame, Store(env.tables).table(SUMMARY))
