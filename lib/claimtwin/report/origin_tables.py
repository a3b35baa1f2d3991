"""Where a result comes from: rows taken in, choices made, versions of all that was used."""

from collections.abc import Mapping
from typing import Any

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import DASH, Results, count, plain_value, sentence_case

TITLES = {
    "result_hash": "Hash of the results",
    "protocol_hash": "Fingerprint of the protocol",
    "code_version": "Version of Claimtwin",
    "code_fingerprint": "Fingerprint of its source",
    "seed": "Seed",
}
DIGITS = 12


def ingest_table(results: Results) -> Table | None:
    """Rows in, accepted and rejected by table, then by reason; None when the input was not counted."""
    cells = []
    for row in results["ingest"]:
        totals = (count(row[key]) for key in ("rows_in", "accepted", "rejected"))
        cells.append((row["table"], "all rows", *totals))
        cells += [(row["table"], sentence_case(why), "", "", count(n)) for why, n in sorted(row["reasons"].items())]
    totals_at = frozenset(place for place, cell in enumerate(cells) if cell[1] == "all rows")
    head = ("Table", "Reason", "Rows in", "Accepted", "Rejected")
    note = "A row may break several rules: the reasons of a table may add up to more than its rejected rows."
    caption = "Input rows accepted and rejected"
    return Table(caption, head, in_rows(cells), words=2, strong=totals_at, note=note) if cells else None


def rejected_in_words(results: Results) -> str:
    """Rows rejected over all tables; a withheld number is named, not guessed."""
    if not results["ingest"]:
        return "not counted"
    known = [row["rejected"] for row in results["ingest"] if row["rejected"] is not None]
    rows_in = [row["rows_in"] for row in results["ingest"]]
    hidden = len(results["ingest"]) - len(known)
    of = "" if None in rows_in else f" of {count(sum(rows_in))}"
    more = f", and a withheld number in {hidden} table{'s' if hidden > 1 else ''}" if hidden else ""
    return f"{count(sum(known))}{of}{more}"


def assumptions_table(results: Results) -> Table | None:
    """Each choice that a reader may dispute; None when the study lists none."""
    cells = [
        (row["key"], plain_value(row["value"]), row["origin"], str(row["alternatives"] or DASH))
        for row in results["assumptions"]
    ]
    head = ("Setting", "Value here", "Where it comes from", "What else it could be")
    return Table("Choices that a reader may dispute", head, in_rows(cells), words=4) if cells else None


def provenance_table(manifest: Mapping[str, Any]) -> Table:
    """Every entry of the manifest, those of ``TITLES`` first, then the others by name; a row for each table read."""
    names = [*(name for name in TITLES if name in manifest), *sorted(set(manifest) - set(TITLES))]
    cells = [row for name in names for row in _entry(name, manifest[name])]
    return Table("What this result was made from", ("What", "Value"), in_rows(cells), words=2)


def _entry(name: str, value: Any) -> list[tuple[str, str]]:
    """One entry; of a table known by its folder only the last name is told, of its stamp the first digits."""
    if name != "tables":
        return [(TITLES.get(name, sentence_case(name)), plain_value(value))]
    return [
        (f"Table {str(row['table']).rsplit('/', 1)[-1]}", f"version {row['version']}, stamp {row['stamp'][:DIGITS]}")
        for row in value
    ]
