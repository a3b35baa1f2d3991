"""Balance beyond the table of means, where a study asks for it: distributions, blocks, code groups."""

from collections.abc import Sequence

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import DASH, Results, Row, covariate_title, number, sentence_case

MOST_GROUPS = 25
"""Code groups that a page shows; the results hold all."""
WHENS = ("before", "after")


def detail_tables(results: Results) -> list[Table]:
    """The tables that the results have figures for, in a fixed order."""
    told = results.get("balance_detail", {})
    parts = (("distributions", _distributions), ("blocks", _blocks), ("chosen", _chosen))
    return [build(told[name]) for name, build in parts if told.get(name)]


def _distributions(rows: Sequence[Row]) -> Table:
    found = {(row["covariate"], row["when"]): row["gap"] for row in rows}
    names = dict.fromkeys(row["covariate"] for row in rows)
    cells = [(covariate_title(name), *(number(found[name, when], 3) for when in WHENS)) for name in names]
    note = "Kolmogorov and Smirnov's distance: the largest difference of the arms' shares of people up to a value."
    return Table(
        "Distance of the distributions of the arms", ("Covariate", "Before", "After"), in_rows(cells), note=note
    )


def _blocks(rows: Sequence[Row]) -> Table:
    cells = []
    for block in dict.fromkeys(row["block"] for row in rows):
        own = [[row for row in rows if (row["block"], row["when"]) == (block, when)] for when in WHENS]
        worst = [_worst(some) for some in own]
        cells.append((sentence_case(str(block)), *(word for row in worst for word in _named(row))))
    head = ("Block", "Largest", "Covariate", "Largest", "Covariate")
    groups = (("", 1), ("Before matching", 2), ("After matching", 2))
    note = "Absolute standardised differences, in the standard deviations of each block before matching."
    return Table("Largest difference within each block", head, in_rows(cells), groups=groups, note=note)


def _chosen(rows: Sequence[Row]) -> Table:
    found = {(row["covariate"], row["when"]): row for row in rows}
    names = sorted(
        dict.fromkeys(row["covariate"] for row in rows), key=lambda name: (-_size(found[name, "after"]), name)
    )
    cells = [
        (covariate_title(name), *(number(found[name, when]["smd"], 3, absent=DASH) for when in WHENS))
        for name in names[:MOST_GROUPS]
    ]
    rest = len(names) - MOST_GROUPS
    note = f"The {MOST_GROUPS} largest after matching; {rest} more are in the results." if rest > 0 else ""
    head = ("Code group", "Before", "After")
    return Table("Standardised differences of code groups chosen from the data", head, in_rows(cells), note=note)


def _size(row: Row) -> float:
    return abs(float(row["smd"] or 0.0))


def _worst(rows: Sequence[Row]) -> Row | None:
    """The row of the largest difference; ties: the first. None where none could be formed or shown."""
    known = [row for row in rows if row["smd"] is not None]
    return max(known, key=_size, default=None)


def _named(row: Row | None) -> tuple[str, str]:
    return (DASH, DASH) if row is None else (number(_size(row), 3), covariate_title(row["covariate"]))
