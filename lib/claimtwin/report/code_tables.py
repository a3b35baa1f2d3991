"""How the codes of the claims met the lists of a study: sections of the page, and files."""

from collections.abc import Sequence
from dataclasses import dataclass

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.tables import as_csv
from claimtwin.report.words import Row, count

LISTS = ("list", "used_for", "kind", "rules", "met", "lines", "people", "near", "near_few")
IDLE = ("list", "kind", "rule")
NEAR = ("list", "kind", "code", "why", "lines", "people")
KINDS = {
    "icd-10-cm": "ICD-10-CM", "icd-9-cm": "ICD-9-CM", "hcpcs": "HCPCS", "revenue": "revenue centre",
    "place": "place of service", "ndc": "NDC",
}  # fmt: skip
MOST_RULES, MOST_NEAR = 12, 40
NOTE = (
    "Of all claims, whoever they belong to. Lines and people are rounded down to a multiple of the smallest count that "
    "is shown; withheld: few people."
)
NEAR_NOTE = "Not counted for anything: the list, or the feed, may want a correction."


@dataclass(frozen=True)
class Totals:
    """Numbers of lists, rules and near codes; ``needed`` names lists without a line that the study asks for."""

    lists: int
    unmet: int
    needed: tuple[str, ...]
    rules: int
    idle: int
    near: int
    few: int


def code_words(rows: Sequence[Row]) -> str:
    """How many lists and rules nothing meets, and which lists the study cannot do without among them."""
    sums = _totals(rows)
    words = f"Of {sums.lists:,} code lists that the study uses, {sums.unmet:,} meet no line of the claims, and so do "
    words += f"{sums.idle:,} of their {sums.rules:,} rules."
    if sums.needed:
        words += f" The study asks for {', '.join(sums.needed)}, which no line has."
    hidden = f" ({sums.few:,} of them unnamed, because few people have them)" if sums.few else ""
    return words + f" Codes that almost meet a list: {sums.near + sums.few:,}{hidden}."


def code_lines(rows: Sequence[Row]) -> list[str]:
    """The same for a screen: numbers, and names of lists; never a code."""
    sums = _totals(rows)
    told = (
        f"codes: {sums.unmet:,} of {sums.lists:,} lists of the study, and {sums.idle:,} of their "
        f"{sums.rules:,} rules, meet no line of the claims; {sums.near + sums.few:,} codes almost meet one"
    )
    needed = f"warning: no line of the claims has a code of: {', '.join(sums.needed)}"
    return [told, needed] if sums.needed else [told]


def _totals(rows: Sequence[Row]) -> Totals:
    names = dict.fromkeys(row["list"] for row in rows)
    met = {row["list"] for row in rows if row["met"]}
    unmet = [name for name in names if name not in met]
    needed = {row["list"] for row in rows if row["needed"]}
    return Totals(
        len(names), len(unmet), tuple(name for name in unmet if name in needed),
        sum(row["rules"] for row in rows), sum(len(row["idle"]) for row in rows),
        sum(len(row["near"]) for row in rows), sum(row["near_few"] for row in rows),
    )  # fmt: skip


def code_tables(rows: Sequence[Row]) -> list[Table]:
    """Every list, codes that almost meet one, those on most lines first, and rules that nothing meets; none of them
    where there is nothing to show.
    """
    near = sorted(_near(rows), key=lambda row: (-row["lines"], row["list"], row["code"]))
    parts = ((_lists_table, rows), (_near_table, near), (_idle_table, [row for row in rows if row["idle"]]))
    return [make(part) for make, part in parts if part]


def _lists_table(rows: Sequence[Row]) -> Table:
    cells = [
        (
            row["list"], row["used_for"], KINDS[row["kind"]], f"{row['met']:,} of {row['rules']:,}",
            count(row["lines"]), count(row["people"]), count(len(row["near"]) + row["near_few"]),
        )
        for row in rows
    ]  # fmt: skip
    head = ("List", "Used for", "Codes", "Rules met", "Lines", "People", "Near codes")
    unmet = frozenset(place for place, row in enumerate(rows) if row["needed"] and not row["met"])
    return Table("Code lists in the claims", head, in_rows(cells), words=3, strong=unmet, note=NOTE)


def _idle_table(rows: Sequence[Row]) -> Table:
    cells = [(row["list"], KINDS[row["kind"]], _idle(row["idle"])) for row in rows]
    return Table("Rules that no code of the claims meets", ("List", "Codes", "Rules"), in_rows(cells), words=3)


def _near_table(near: Sequence[Row]) -> Table:
    cells = [
        (row["code"], row["list"], KINDS[row["kind"]], row["why"], count(row["lines"]), count(row["people"]))
        for row in near[:MOST_NEAR]
    ]
    more = f" {len(near) - MOST_NEAR:,} more are in near_codes.csv." if len(near) > MOST_NEAR else ""
    head = ("Code", "Almost on", "Stated as", "Why", "Lines", "People")
    return Table("Codes that almost meet a list", head, in_rows(cells), words=4, note=NEAR_NOTE + more)


def code_files(rows: Sequence[Row]) -> dict[str, str]:
    """``code_lists.csv``, ``idle_codes.csv`` and ``near_codes.csv``; no file where nothing was counted."""
    if not rows:
        return {}
    idle = [{"list": row["list"], "kind": row["kind"], "rule": rule} for row in rows for rule in row["idle"]]
    return {
        "code_lists.csv": as_csv(LISTS, [{**row, "near": len(row["near"])} for row in rows]),
        "idle_codes.csv": as_csv(IDLE, idle),
        "near_codes.csv": as_csv(NEAR, _near(rows)),
    }


def _near(rows: Sequence[Row]) -> list[Row]:
    return [{**near, "list": row["list"]} for row in rows for near in row["near"]]


def _idle(rules: Sequence[str]) -> str:
    """The first rules, and how many there are beside them."""
    more = len(rules) - MOST_RULES
    return ", ".join(rules[:MOST_RULES]) + (f" and {more:,} more" if more > 0 else "")
