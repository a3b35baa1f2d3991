"""What the claims hold of the code lists of a study: a stage of counts, and the rows that a report shows of them.

Nothing of it is in ``results.json``: it tells of the feed, and not of the people compared.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.nearness import FeedCodes, Near
from claimtwin.codes.rules import SYSTEMS, Procedures
from claimtwin.codes.usage import ListUsage, usage_of_drugs, usage_of_procedures, usage_of_rules
from claimtwin.codes.used import UsedList, spans_of_diagnoses
from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store
from claimtwin.report.code_tables import code_lines
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.code_counts import COUNTS, OF_LISTS, count_usage
from claimtwin.stats.withhold import at_least, is_small
from claimtwin.study.codebook import drug_list_fingerprints
from claimtwin.study.progress import Say
from claimtwin.study.stages import Made, make_table
from claimtwin.study.used_lists import used_lists

TABLE = "code_counts"
MOST_CODES = 2_000_000
Usage = dict[str, Any]
Counts = Mapping[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True)
class CodeUsage:
    """The counted claims, and one row per list and kind of code (``usage_rows``)."""

    made: Made
    rows: list[Usage] = field(default_factory=list)


def tell_usage(spark: SparkSession, protocol: Protocol, env: Env, book: CodeBook, blocks: Made, say: Say) -> CodeUsage:
    """Count the codes of the claims and of each list of the study, unless that was done before, and say how they meet.

    Said are numbers of lists and codes, and the names of lists that nothing meets; never a code.

    Raises:
        GuardError: The claims hold more distinct codes than any feed could.
    """
    lists = used_lists(protocol, book)
    asked = [(one.name, one.kind, repr(one.rules)) for one in lists if not isinstance(one.rules, DrugList)]
    drugs = [(one.name, one.rules.digits) for one in lists if isinstance(one.rules, DrugList)]
    made_from = {"blocks": blocks.identity, "lists": drug_list_fingerprints(book), "rules": asked, "drugs": drugs}
    ref = Store(env.tables).table(TABLE, study=protocol.study.name)
    made = make_table(spark, ref, made_from, lambda: count_usage(blocks.frame, lists), say)
    table = collect_compact(made.frame, COUNTS.names, max_rows=MOST_CODES, text=["kind", "code"]).to_pylist()
    rows = usage_rows(lists, {(row["kind"], row["code"]): (row["lines"], row["people"]) for row in table}, env)
    for line in code_lines(rows):
        say(line)
    return CodeUsage(made, rows)


def usage_rows(lists: Sequence[UsedList], counts: Counts, env: Env) -> list[Usage]:
    """One row per list and kind of its codes, in the order of the lists.

    ``list``, ``used_for``, ``kind``, ``needed``; ``rules`` and ``met``, the number of its rules and of those that some
    code of the claims meets; ``idle``, the others as written; ``lines`` and ``people`` (distinct) of the list, rounded
    down to a multiple of ``disclosure.min_cell``, null where people are few; ``near``: the codes that almost meet it
    (``kind``, ``code``, ``why``, ``lines``, ``people``), and ``near_few``, how many more stay unnamed because few
    people have them. A coding system that no line states is left out where the list has rules of another.
    """
    by_kind: dict[str, dict[str, int]] = defaultdict(dict)
    for (kind, code), (lines, _) in counts.items():
        if not kind.startswith(OF_LISTS):
            by_kind[kind][code] = lines
    feed, cell = FeedCodes(by_kind), env.disclosure.min_cell
    return [_row(one, usage, counts, cell) for one in lists for usage in _usages(one, feed)]


def _usages(one: UsedList, feed: FeedCodes) -> Iterator[ListUsage]:
    if isinstance(one.rules, DrugList):
        yield usage_of_drugs(one.name, one.rules.told_by, one.rules.digits, feed)
    elif isinstance(one.rules, Procedures):
        yield usage_of_procedures(one.name, one.rules, feed)
    elif isinstance(one.rules, str):
        spans = spans_of_diagnoses(one.rules)
        stated = [system for system in spans if feed.of(system)] or list(spans)[:1]
        yield from (usage_of_rules(one.name, system, spans[system], feed) for system in SYSTEMS if system in stated)
    else:
        yield usage_of_rules(one.name, one.kind, one.rules, feed)


def _row(one: UsedList, usage: ListUsage, counts: Counts, min_cell: int) -> Usage:
    lines, people = counts.get((OF_LISTS + usage.kind, one.name), (0, 0))
    named = [near for near in usage.near if not is_small(counts[near.kind, near.code][1], min_cell)]
    return {
        "list": one.name,
        "used_for": ", ".join(one.used_for),
        "kind": usage.kind,
        "needed": one.needed,
        "rules": usage.rules,
        "met": usage.rules - len(usage.idle),
        "idle": list(usage.idle),
        **_shown(lines, people, min_cell),
        "near": [_near(near, counts, min_cell) for near in named],
        "near_few": len(usage.near) - len(named),
    }


def _near(near: Near, counts: Counts, min_cell: int) -> Usage:
    lines, people = counts[near.kind, near.code]
    return {"kind": near.kind, "code": near.code, "why": near.why, **_shown(lines, people, min_cell)}


def _shown(lines: int, people: int, min_cell: int) -> Usage:
    told = None if is_small(people, min_cell) else at_least(lines, min_cell)
    return {"lines": told, "people": at_least(people, min_cell)}
