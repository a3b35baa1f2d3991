"""The fitness of a feed as a page of text: what was found, and what to look at before a study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claimtwin.stats.months import Months
from claimtwin.stats.withhold import hide_lone, withhold

NOTE = 0.01
LAST = 12
LAGS = ("same month", *(f"+{lag}" for lag in range(1, LAST)), f"+{LAST} or more")
MOST_NAMES = 10


@dataclass(frozen=True)
class Check:
    """One check: its name, what was found in words, and whether somebody should look at it."""

    name: str
    found: str
    look: bool = False


def share(name: str, part: int | None, whole: int, *, note: float = NOTE, what: str = "") -> Check:
    """A share of rows or people; to look at where it exceeds ``note``; null where it is withheld."""
    if part is None:
        return Check(name, f"withheld: small cell, of {whole:,}{what}")
    percent = 100 * part / whole if whole else 0.0
    return Check(name, f"{part:,} of {whole:,}{what} ({percent:.2f} %)", whole > 0 and part / whole > note)


def names(listed: Sequence[str]) -> str:
    """The first ten names, and how many more there are."""
    more = len(listed) - MOST_NAMES
    return ", ".join(listed[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def month_name(number: int) -> str:
    """``2020-03`` of a number of months, 12 x year + month - 1."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def page(checks: Iterable[Check], sections: Iterable[str] = ()) -> str:
    """The page in Markdown: how many checks ask for a look, all of them in the order given, and further sections."""
    rows = list(checks)
    look = [check for check in rows if check.look]
    head = f"# Data fitness\n\n{len(rows)} checks, {len(look)} to look at.\n"
    table = ["| Check | Found | |", "|---|---|---|"]
    table += [f"| {check.name} | {check.found} | {'look' if check.look else ''} |" for check in rows]
    return "\n".join([head, *table, "", *sections])


def lines(checks: Iterable[Check]) -> list[str]:
    """The same for a screen; a mark before what asks for a look."""
    return [f"{'!' if check.look else ' '} {check.name}: {check.found}" for check in checks]


def month_table(name: str, months: Months, min_cell: int) -> str:
    """Lines of a table by month of service and months until payment, in Markdown; small counts are withheld.

    A cell is empty where the month has not lived so long; without payment dates there are lines only.
    """
    told, age = bool(months.share), [months.last - month for month in months.months]
    head = ["Month of service", "Lines", *(["Paid, expected", *LAGS] if told else []), ""]
    rows = [f"## {name} by month of service\n", _row(head), _row(["---"] * len(head))]
    for k, month in enumerate(months.months):
        lags = [int(n) for n in (*months.lag[k, :LAST], months.lag[k, LAST:].sum())] if told else []
        counts = hide_lone([withhold(n, min_cell) for n in (months.lines[k], *lags)])
        cells = ["withheld" if count is None else f"{count:,}" for count in counts]
        lived = [cell if lag <= age[k] else "" for lag, cell in enumerate(cells[1:])]
        shared = [f"{100 * months.share[k]:.0f} %", *lived] if told else []
        rows.append(_row([month_name(month), cells[0], *shared, _note(month, months)]))
    return "\n".join([*rows, ""])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _note(month: int, months: Months) -> str:
    faults = {"no lines": months.empty, "few lines": months.thin, "payments missing": months.unpaid}
    return ", ".join(fault for fault, some in faults.items() if month in some)
