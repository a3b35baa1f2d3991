"""Settling: reversals netted with what they take back, adjusted claims reduced to their last word, duplicates found.

Works on the typed rows of a table before they part ways, and only marks: every row that is settled away goes with
its reason where refused rows go, so that nothing is lost and everything is counted.
"""

from collections.abc import Callable
from datetime import date
from functools import partial, reduce

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from claimtwin.config.deployment import Settle, TableName

Reasons = tuple[tuple[str, str], ...]
Step = Callable[[DataFrame], DataFrame]
REASONS: Reasons = (
    ("settled_reversed", "settled: taken back by a reversal"),
    ("settled_reversal", "settled: takes a line back"),
    ("settled_orphan", "settled: a reversal of no line in the feed"),
    ("settled_replaced", "settled: a later version of the line stands"),
    ("settled_duplicate", "settled: the same line again"),
)
"""Id and words of each way to be settled away, in the order of their numbers."""
REVERSED, REVERSAL, ORPHAN, REPLACED, DUPLICATE = range(len(REASONS))
STYLE_COUNTS = ("n", "negative", "paired_same_id", "paired_new_id", "versions")
"""Counts of ``count_styles``."""
MAY_BE_NEGATIVE = ("quantity", "days_supply")
"""Columns that may lie below 0 in a line that takes another back."""
DAY = {"pharmacy_claim": "dispensing_date", "medical_claim": "claim_start_date"}
SAME_FILL = ("person_id", "data_source", "dispensing_date", "ndc_code")
SAME_SERVICE = ("person_id", "data_source", "claim_start_date", "claim_end_date", "hcpcs_code", "hcpcs_modifier_1",
                "hcpcs_modifier_2", "revenue_center_code", "place_of_service_code")  # fmt: skip
SAME_LINE = ("data_source", "claim_id", "claim_line_number")
NO_DAY = date(1000, 1, 1)
"""Where a line has no day of payment: before all others."""


def is_settled(table: str, rules: Settle) -> bool:
    """Whether anything is settled in a table."""
    final = {"pharmacy_claim": rules.pharmacy, "medical_claim": rules.medical}.get(table, "already_final")
    return final != "already_final"


def settle(rows: DataFrame, table: TableName, rules: Settle, first: int) -> DataFrame:
    """Mark rows that are settled away: ``broken`` of a row without a fault becomes the number of its reason.

    Args:
        rows: ``raw``, ``value_<column>``, ``broken``; a row with a fault stays out of it.
        table: Whose rows they are; a table without reversals comes back as it is.
        rules: How the feed takes lines back.
        first: Number of the first of ``REASONS`` among the table's reasons.

    Settling twice is settling once, and the order of the rows does not matter: of rows that are alike the first by
    all source columns as text is settled away, or stays.
    Source: docs/decisions/013-settling.md.
    """
    if not is_settled(table, rules):
        return rows
    rows = rows.withColumn("fate", F.when(F.size("broken") > 0, F.lit(-1)))
    for step in _steps(table, rules):
        rows = step(rows)
    away = F.coalesce(F.col("fate"), F.lit(-1)) >= 0
    broken = F.when(away, F.array(F.lit(first) + F.col("fate"))).otherwise(F.col("broken"))
    return rows.withColumn("broken", broken).drop("fate")


def count_settled(rows: DataFrame, table: TableName, reasons: Reasons) -> DataFrame:
    """One row per employer, month and fate: table, employer_id, month, fate, rows, cents.

    ``fate`` is ``accepted``, or the id of the first broken rule or of the way a row was settled; employer and month
    are null where they cannot be read, ``cents`` the sum of allowed amounts. The rows add up to the rows of the feed.
    """
    ids = F.array(*(F.lit(rule_id) for rule_id, _ in reasons))
    fate = F.when(F.size("broken") == 0, F.lit("accepted")).otherwise(F.get(ids, F.get("broken", F.lit(0))))
    keyed = rows.select(
        F.lit(table).alias("table"), F.col("value_employer_id").alias("employer_id"),
        F.date_format(f"value_{DAY[table]}", "yyyy-MM").alias("month"), fate.alias("fate"),
        (F.col("value_allowed_amount") * 100).cast("bigint").alias("cents"),
    )  # fmt: skip
    return keyed.groupBy("table", "employer_id", "month", "fate").agg(
        F.count("*").alias("rows"), F.coalesce(F.sum("cents"), F.lit(0)).alias("cents")
    )


def count_styles(rows: DataFrame, table: TableName) -> DataFrame:
    """One row of evidence for how a feed takes lines back; see ``style_of``.

    ``n`` good rows; ``negative`` of them below 0; ``paired_same_id`` and ``paired_new_id`` of these that take back a
    line of their own claim and line, or of another; ``versions`` rows whose claim and line another row has too,
    neither being below 0.
    """
    good = rows.where(F.size("broken") == 0).withColumn("negative", _is_reversal(table))
    alike = Window.partitionBy(*_cells(_key(table)), _size(table))
    line = Window.partitionBy(*_cells(SAME_LINE), _size(table))
    version = Window.partitionBy(*_cells(SAME_LINE), "negative")
    counted = good.select(
        "negative",
        (F.count_if(~F.col("negative")).over(line) > 0).alias("own"),
        (F.count_if(~F.col("negative")).over(alike) > 0).alias("any"),
        (F.count("*").over(version) > 1).alias("again"),
    )
    negative = F.col("negative")
    return counted.agg(
        F.count("*").alias("n"),
        F.count_if(negative).alias("negative"),
        F.count_if(negative & F.col("own")).alias("paired_same_id"),
        F.count_if(negative & ~F.col("own") & F.col("any")).alias("paired_new_id"),
        F.count_if(~negative & F.col("again")).alias("versions"),
    ).select(F.lit(table).alias("table"), *STYLE_COUNTS)


def style_of(evidence: dict[str, int]) -> str:
    """How lines are taken back, by the counts of ``count_styles``.

    ``already_final`` without a negative line and a second version; ``same_id_code`` where only lines of one id
    answer each other, ``new_id`` where only lines of different ids do, else ``mixed``.
    """
    same = evidence["paired_same_id"] + evidence["versions"]
    new = evidence["paired_new_id"]
    if not same and not evidence["negative"]:
        return "already_final"
    if same and not new:
        return "same_id_code"
    return "new_id" if not same else "mixed"


def _steps(table: TableName, rules: Settle) -> list[Step]:
    net: Step = partial(_net, table=table, key=_key(table, by_claim=rules.pharmacy_key == "claim"))
    last: Step = partial(_keep_last_version, table=table)
    again: Step = _mark_duplicates
    medical = {"new_id": [net], "same_id_code": [last], "mixed": [net, last]}
    steps = [net] if table == "pharmacy_claim" else medical[rules.medical]
    return {"keep": steps, "after_netting": [*steps, again], "before_netting": [again, *steps]}[rules.duplicates]


def _key(table: TableName, *, by_claim: bool = False) -> tuple[str, ...]:
    """Columns on which a line and its reversal agree, the size of the amount apart."""
    if table == "medical_claim":
        return SAME_SERVICE
    return (*SAME_FILL, "claim_id") if by_claim else SAME_FILL


def _net(rows: DataFrame, *, table: TableName, key: tuple[str, ...]) -> DataFrame:
    """The n-th reversal of a line takes back the n-th line alike; a reversal beyond their number is an orphan."""
    open_, negative = F.col("fate").isNull(), _is_reversal(table)
    same = [*_cells(key), _size(table), *_apart(open_)]
    alike = Window.partitionBy(*same)
    turn = F.row_number().over(Window.partitionBy(*same, negative).orderBy("raw"))
    others = F.count_if(~negative).over(alike), F.count_if(negative).over(alike)
    fate = (
        F.when(negative & (turn <= others[0]), F.lit(REVERSAL))
        .when(negative, F.lit(ORPHAN))
        .when(turn <= others[1], F.lit(REVERSED))
    )
    return rows.withColumn("fate", F.when(open_, fate).otherwise(F.col("fate")))


def _keep_last_version(rows: DataFrame, *, table: TableName) -> DataFrame:
    """Of the lines of one id that no reversal of their size takes back the one paid last stands.

    In the order of payment the n-th reversal takes back the n-th line of its id, line number and size; a line or
    reversal without a payment day comes first. The last line is the one paid last, of one day one that is not taken
    back before one that is, then the last by all source columns as text. It stands unless it is taken back, or a
    reversal of its size, or one that is left over, is paid on a later day. A reversal that takes nothing back is an
    orphan.
    """
    open_, negative = F.col("fate").isNull(), _is_reversal(table)
    size, line = _size(table), Window.partitionBy(*_cells(SAME_LINE), *_apart(open_))
    day = F.coalesce("value_paid_date", F.lit(NO_DAY))
    rows = rows.withColumn("paired", _pairs_in_order(table, negative, open_, day))
    told = F.struct(day.alias("day"), (~F.col("paired")).alias("free"), "raw", size.alias("size"))
    rows = rows.withColumn("last", F.max(F.when(~negative, told)).over(line))
    fits = ~F.col("paired") | size.eqNullSafe(F.col("last.size"))
    rows = rows.withColumn("voids", F.coalesce(negative & (day > F.col("last.day")) & fits, F.lit(False)))
    same = Window.partitionBy(*_cells(SAME_LINE), negative, *_apart(open_))
    is_last = F.row_number().over(same.orderBy(told.desc())) == 1
    fate = (
        F.when(negative & (F.col("paired") | F.col("voids")), F.lit(REVERSAL))
        .when(negative, F.lit(ORPHAN))
        .when(F.col("paired") | (is_last & F.max("voids").over(line)), F.lit(REVERSED))
        .when(~is_last, F.lit(REPLACED))
    )
    return rows.withColumn("fate", F.when(open_, fate).otherwise(F.col("fate"))).drop("paired", "last", "voids")


def _pairs_in_order(table: TableName, negative: Cell, open_: Cell, day: Cell) -> Cell:
    """Whether a line has a reversal of its size, or a reversal a line, each taken in the order of payment."""
    alike = Window.partitionBy(*_cells(SAME_LINE), _size(table), *_apart(open_))
    same = Window.partitionBy(*_cells(SAME_LINE), _size(table), negative, *_apart(open_))
    others = F.when(negative, F.count_if(~negative).over(alike)).otherwise(F.count_if(negative).over(alike))
    return F.row_number().over(same.orderBy(day, "raw")) <= others


def _mark_duplicates(rows: DataFrame) -> DataFrame:
    """Of lines alike in every column of the contract the first by all source columns as text stays."""
    open_ = F.col("fate").isNull()
    values = [name for name in rows.columns if name.startswith("value_")]
    same = Window.partitionBy(*values, *_apart(open_)).orderBy("raw")
    again = F.row_number().over(same) > 1
    return rows.withColumn("fate", F.when(open_ & again, F.lit(DUPLICATE)).otherwise(F.col("fate")))


def _apart(open_: Cell) -> list[Cell]:
    """Rows that are out already: kept from those still in, and spread by a hash, since they may have no key."""
    return [open_, F.when(~open_, F.xxhash64("raw"))]


def _is_reversal(table: TableName) -> Cell:
    """Whether a line takes another back: a quantity below 0 or, as for services, an amount below 0."""
    below = [F.col("value_allowed_amount") < 0]
    if table == "pharmacy_claim":
        below += [F.col("value_quantity") < 0, F.col("value_days_supply") < 0]
    return reduce(Cell.__or__, [F.coalesce(cell, F.lit(False)) for cell in below])


def _size(table: TableName) -> Cell:
    return F.abs(F.col("value_quantity" if table == "pharmacy_claim" else "value_allowed_amount"))


def _cells(names: tuple[str, ...]) -> list[Cell]:
    return [F.col(f"value_{name}") for name in names]
