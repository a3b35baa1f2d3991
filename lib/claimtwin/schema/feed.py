"""A feed table as it comes, and where each column of the contract is found in it."""

import difflib
import re
from dataclasses import dataclass, field

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from claimtwin.config.deployment import Ingest, TableName
from claimtwin.errors import ConfigError
from claimtwin.schema.parse import ISO, fits
from claimtwin.schema.tables import CONTRACTS, Column

CORRUPT = "corrupt_line"
"""Column of a CSV reader: the whole line where it does not split into the header's fields, else null."""
OURS = ("reasons", "rule_ids", "source", "run_id")


@dataclass(frozen=True)
class Feed:
    """One table of a feed; ``frame`` has one row a feed row.

    Attributes:
        columns: Contract column to the feed's own name, where they differ.
        constants: Contract column to one text for all rows.
        counted: What was read to make ``frame``, by kind, where its rows are not the feed's own rows.
        tells_corrupt: The frame has the column ``CORRUPT``.
    """

    table: TableName
    frame: DataFrame
    date_format: str = ISO
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    counted: dict[str, DataFrame] = field(default_factory=dict)
    tells_corrupt: bool = False


@dataclass(frozen=True)
class Source:
    """Where one contract column comes from."""

    cell: Cell
    type: T.DataType

    @property
    def is_day(self) -> bool:
        """Whether the feed holds days and not text."""
        return isinstance(self.type, (T.DateType, T.TimestampType, T.TimestampNTZType))


@dataclass
class Findings:
    """Sources by contract column; faults that stop the run and notes that do not, each a sentence."""

    sources: dict[str, Source] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_settings(settings: Ingest) -> None:
    """Refuse a column map that names what the contract does not have.

    Raises:
        ConfigError: An unknown contract column, or one both mapped and constant; all of them.
    """
    faults = []
    for part, tables in (("columns", settings.columns), ("constants", settings.constants)):
        for table, entries in tables.items():
            known = CONTRACTS[table].names
            faults += [
                f"ingest.{part}.{table}.{name}: no such column{_hint(name, known)}"
                for name in entries
                if name not in known
            ]
    for table in settings.columns.keys() & settings.constants.keys():
        both = settings.columns[table].keys() & settings.constants[table].keys()
        faults += [f"ingest.*.{table}.{name}: is both mapped and constant" for name in sorted(both)]
    if faults:
        raise ConfigError("The column map cannot be used:\n" + "\n".join(faults), "env.yaml", "docs/data-contract.md")


def find_sources(feed: Feed, settings: Ingest) -> Findings:
    """Find every contract column in the feed by exact name; nothing is guessed."""
    fields = {field.name: field.dataType for field in feed.frame.schema.fields}
    found, absent = Findings(), []
    used = {CORRUPT} if feed.tells_corrupt else set()
    twins = sorted({name for name in fields if [n.lower() for n in fields].count(name.lower()) > 1})
    found.faults += [f"{feed.table}: column '{name}' is there twice, but for its case" for name in twins]
    for column in CONTRACTS[feed.table].columns:
        wanted = feed.columns.get(column.name, column.name)
        if column.name in feed.constants:
            found.sources[column.name] = Source(F.lit(feed.constants[column.name]), T.StringType())
        elif wanted in fields:
            used.add(wanted)
            found.sources[column.name] = Source(named(wanted), fields[wanted])
            if not fits(column, fields[wanted]):
                found.faults.append(_mistyped(feed.table, column, wanted, fields[wanted]))
        elif column.name == "employer_id" and settings.assign_employers and column.name not in feed.columns:
            person = found.sources["person_id"].cell.cast("string")
            found.sources[column.name] = Source(employer_of(person, settings.assign_employers), T.StringType())
        else:
            found.sources[column.name] = Source(F.lit(None), T.NullType())
            absent.append((column, wanted))
    extra = [name for name in fields if name not in used]
    _tell_absent(feed, absent, list(fields), extra, found)
    if extra:
        found.notes.append(f"{feed.table}: columns beyond the contract are kept out: {', '.join(extra)}")
    return found


def employer_of(person: Cell, employers: int) -> Cell:
    """One of so many made-up employers, the same for a person wherever and whenever asked."""
    return F.format_string("employer_%04d", F.pmod(F.xxhash64(F.trim(person)), F.lit(employers)))


def named(name: str) -> Cell:
    """A column by its exact name, whatever characters it holds."""
    return F.col("`" + name.replace("`", "``") + "`")


def rejected_names(names: list[str]) -> dict[str, str]:
    """Names under which source columns are kept: Delta takes no blanks and brackets, and ours are taken."""
    safe: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[ ,;{}()\n\t=]", "_", name)
        plain = f"feed_{plain}" if plain.lower() in OURS else plain
        while plain.lower() in (taken.lower() for taken in safe.values()):
            plain += "_"
        safe[name] = plain
    return safe


def _tell_absent(
    feed: Feed, absent: list[tuple[Column, str]], names: list[str], extra: list[str], to: Findings
) -> None:
    """A required, mapped, or nearly named column that is not there stops the run; others stay null."""
    quiet = []
    for column, wanted in absent:
        close = difflib.get_close_matches(wanted.lower(), [name.lower() for name in extra], n=1, cutoff=0.5)
        other_case = wanted.lower() in (name.lower() for name in extra)
        if len([k for k, name in enumerate(names) if name == f"{wanted}{k}"]) > 1:
            to.faults.append(f"{feed.table}: the header names '{wanted}' more than once")
        elif column.required or column.name in feed.columns or other_case:
            hint = next((f"; the feed has '{name}'" for name in extra if close and name.lower() == close[0]), "")
            to.faults.append(f"{feed.table}: column '{wanted}' is missing{hint}")
        else:
            quiet.append(column.name)
    if quiet:
        to.notes.append(f"{feed.table}: not in the feed, so unknown in every row: {', '.join(quiet)}")


def _mistyped(table: str, column: Column, wanted: str, found: T.DataType) -> str:
    return f"{table}: column '{wanted}' is of type {found.simpleString()}, which cannot hold {column.form}"


def _hint(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
