"""The fitness of a feed as a page of text: what was found, and what to look at before a study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NOTE = 0.01
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


def page(checks: Iterable[Check]) -> str:
    """The page in Markdown, what asks for a look first within the order given."""
    rows = list(checks)
    look = [check for check in rows if check.look]
    head = f"# Data fitness\n\n{len(rows)} checks, {len(look)} to look at.\n"
    table = ["| Check | Found | |", "|---|---|---|"]
    table += [f"| {check.name} | {check.found} | {'look' if check.look else ''} |" for check in rows]
    return "\n".join([head, *table, ""])


def lines(checks: Iterable[Check]) -> list[str]:
    """The same for a screen; a mark before what asks for a look."""
    return [f"{'!' if check.look else ' '} {check.name}: {check.found}" for check in checks]
