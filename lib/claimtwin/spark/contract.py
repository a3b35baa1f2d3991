"""The contract at work: a feed's text is typed, every rule is judged for every row, and rows part ways.

A row is accepted or refused as a whole. A refused row keeps all of its source columns as text, with every rule
that it broke. Nothing here tells a value: words name tables and columns, numbers count rows.
"""

from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from claimtwin.codes.states import known_states
from claimtwin.config.deployment import Ingest
from claimtwin.schema.feed import CORRUPT, Feed, Source, named, rejected_names
from claimtwin.schema.parse import ISO, clean, parse
from claimtwin.schema.tables import CONTRACTS, Column, TableContract
from claimtwin.spark.settle import MAY_BE_NEGATIVE, is_settled, settle
from claimtwin.spark.settle import REASONS as SETTLED

FIRST_DAY = date(1900, 1, 1)
ALL = "all"
"""The word for all refused rows where others are reasons."""
FORMS = {
    "icd": ("code_form", "not a code"),
    "ndc": ("ndc_form", "neither 11 or 12 digits nor hyphenated 6-4-2, 5-4-2, 4-4-2, 5-3-2 or 5-4-1"),
    "state": ("domain", "not a state of the US"),
    "boolean": ("boolean_form", "neither yes nor no"),
    "integer": ("integer_form", "not a whole number"),
    "decimal": ("decimal_form", "not a number of its size"),
}
DUPLICATE = ("duplicate_key", "duplicate key")


@dataclass(frozen=True)
class Rule:
    """One rule of a table: its id, what is wrong in words, and whether a row breaks it (never null)."""

    rule_id: str
    words: str
    broken: Cell


@dataclass(frozen=True)
class Judged:
    """A feed with every rule judged.

    ``rows`` has one row a feed row: ``raw`` (a struct of all source columns as text), ``value_<column>`` (each of
    the contract's columns, typed), ``broken`` (numbers of the broken rules, in order).
    """

    contract: TableContract
    rules: tuple[tuple[str, str], ...]
    rows: DataFrame


def judge(feed: Feed, sources: dict[str, Source], settings: Ingest) -> Judged:
    """Type every column and judge every rule of every row.

    With ``on_duplicate_key: reject``, of the good rows with one key the first by all source columns as text stays.

    Args:
        feed: The raw rows.
        sources: Where each contract column comes from (``feed.find_sources``).
        settings: The deployment's rules: last complete day, settling, duplicates.
    """
    judged = judge_unsettled(feed, sources, settings)
    contract, number = judged.contract, judged.rules.index(DUPLICATE)
    rows = settle(judged.rows, contract.name, settings.settle, number + 1)
    if settings.on_duplicate_key == "reject":
        rows = _flag_duplicates(rows, contract.key, number)
    return replace(judged, rows=rows)


def judge_unsettled(feed: Feed, sources: dict[str, Source], settings: Ingest) -> Judged:
    """The same before anything is settled and before keys are looked at; for the arguments see ``judge``."""
    contract = CONTRACTS[feed.table]
    rows = _typed(feed, sources, contract)
    rules = _rules(feed, sources, contract, settings)
    numbers = [F.when(rule.broken, F.lit(k)) for k, rule in enumerate(rules)]
    values = [f"value_{name}" for name in contract.names]
    rows = rows.select("raw", *values, F.array_compact(F.array(*numbers)).alias("broken"))
    told = tuple((rule.rule_id, rule.words) for rule in rules)
    return Judged(contract, (*told, DUPLICATE, *SETTLED), rows)


def keep_accepted(judged: Judged) -> DataFrame:
    """One row per accepted feed row, in the contract's columns and types."""
    good = judged.rows.where(F.size("broken") == 0)
    return good.select(*(F.col(f"value_{name}").alias(name) for name in judged.contract.names))


def keep_rejected(judged: Judged, source: str, run_id: str) -> DataFrame:
    """One row per refused feed row: source columns as text, reasons and rule ids side by side, source, run id."""
    ids, words = (F.array(*(F.lit(rule[k]) for rule in judged.rules)) for k in (0, 1))
    bad = judged.rows.where(F.size("broken") > 0)
    return bad.select(
        "raw.*",
        F.transform("broken", lambda k: F.get(words, k)).alias("reasons"),
        F.transform("broken", lambda k: F.get(ids, k)).alias("rule_ids"),
        F.lit(source).alias("source"),
        F.lit(run_id).alias("run_id"),
    )


def count_reasons(rejected: DataFrame, table: str) -> DataFrame:
    """One row per reason of a ``rejected_<table>``, and one for ``ALL`` refused rows: table, reason, n."""
    reasons = F.explode(F.concat(F.array(F.lit(ALL)), F.col("reasons"))).alias("reason")
    return rejected.select(F.lit(table).alias("table"), reasons).groupBy("table", "reason").agg(F.count("*").alias("n"))


def count_twins(judged: Judged, *, good_only: bool) -> DataFrame:
    """One row: table, and n, the feed rows that share their whole key with another.

    Over good rows only that is the fault; over all rows it takes the key alone to tell that there is none.
    """
    key = [f"value_{name}" for name in judged.contract.key]
    rows = judged.rows.where(F.size("broken") == 0) if good_only else judged.rows
    counted = rows.groupBy(*key).agg(F.count("*").alias("rows")).where(F.col("rows") > 1)
    total = F.coalesce(F.sum("rows"), F.lit(0)).alias("n")
    return counted.agg(total).select(F.lit(judged.contract.name).alias("table"), "n")


def _flag_duplicates(rows: DataFrame, key: tuple[str, ...], number: int) -> DataFrame:
    """Bad rows are spread by a hash of their own, since they may have no key at all."""
    bad = F.size("broken") > 0
    same = Window.partitionBy(F.when(bad, F.xxhash64("raw")), *(F.col(f"value_{name}") for name in key)).orderBy("raw")
    again = ~bad & (F.col("rank") > 1)
    ranked = rows.withColumn("rank", F.row_number().over(same))
    return ranked.withColumn("broken", F.when(again, F.array(F.lit(number))).otherwise(F.col("broken"))).drop("rank")


def _typed(feed: Feed, sources: dict[str, Source], contract: TableContract) -> DataFrame:
    """Source text under safe names in the struct ``raw``; ``text_<column>`` cleaned; ``value_<column>`` typed.

    Columns are flat on purpose: Spark would inline the fields of a struct into every rule that reads them, and the
    plan would grow beyond all bounds.
    """
    safe = rejected_names(feed.frame.columns)
    raw = F.struct(*(named(name).cast("string").alias(safe[name]) for name in feed.frame.columns)).alias("raw")
    text = [clean(sources[n].cell, sources[n].type).alias(f"text_{n}") for n in contract.names]
    broken = named(CORRUPT).isNotNull() if feed.tells_corrupt else F.lit(False)
    states = known_states()
    values = [_value(column, _format(feed, sources, column), states) for column in contract.columns]
    return feed.frame.select(raw, broken.alias("corrupt"), *text).select("*", *values)


def _value(column: Column, date_format: str, states: tuple[str, ...]) -> Cell:
    text = F.col(f"text_{column.name}")
    value = parse(column, text, date_format, states)
    if column.when_null is not None:
        value = F.when(text.isNull(), F.lit(column.when_null)).otherwise(value)
    return value.alias(f"value_{column.name}")


def _format(feed: Feed, sources: dict[str, Source], column: Column) -> str:
    return ISO if sources[column.name].is_day else feed.date_format


def _rules(feed: Feed, sources: dict[str, Source], contract: TableContract, settings: Ingest) -> tuple[Rule, ...]:
    rules = [Rule("corrupt_line", "line has too few or too many fields, or a broken quote", F.col("corrupt"))]
    for column in contract.columns:
        found = _column_rules(column, _format(feed, sources, column), settings.data_through)
        reversal = is_settled(contract.name, settings.settle) and column.name in MAY_BE_NEGATIVE
        rules += [rule for rule in found if not (reversal and rule.rule_id == "not_negative")]
    for order in contract.orders:
        words = f"{order.later} lies before {order.earlier}"
        late = F.col(f"value_{order.earlier}") > F.col(f"value_{order.later}")
        rules.append(Rule(order.rule_id, words, F.coalesce(late, F.lit(False))))
    return tuple(rules)


def _column_rules(column: Column, date_format: str, data_through: date | None) -> list[Rule]:
    text, value = F.col(f"text_{column.name}"), F.col(f"value_{column.name}")
    found: list[tuple[str, str, Cell]] = []
    if column.required:
        found.append(("required", "missing", text.isNull()))
    if column.needed_with:
        given = [F.col(f"text_{name}").isNotNull() for name in column.needed_with]
        found.append(("needed", "missing where a diagnosis is given", text.isNull() & _any(given)))
    if column.form not in ("text", "code"):
        found.append((*_form_fault(column, date_format), text.isNotNull() & value.isNull()))
    if column.form == "date":
        found.append(("before_1900", f"before {FIRST_DAY}", value < F.lit(FIRST_DAY)))
    if column.within_data and data_through is not None:
        found.append(("after_data", "after ingest.data_through", value > F.lit(data_through)))
    if column.not_negative:
        found.append(("not_negative", "below 0", value < F.lit(0)))
    return [Rule(name, f"{column.name}: {words}", F.coalesce(cell, F.lit(False))) for name, words, cell in found]


def _form_fault(column: Column, date_format: str) -> tuple[str, str]:
    if column.form == "date":
        return "date_form", f"not a date of the form {date_format}"
    if column.form == "choice":
        return "domain", "none of " + ", ".join(dict.fromkeys(column.choices.values()))
    return FORMS[column.form]


def _any(cells: list[Cell]) -> Cell:
    answer = cells[0]
    for cell in cells[1:]:
        answer = answer | cell
    return answer
