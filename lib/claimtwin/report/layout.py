"""What a page is made of: tables whose cells are already words. The template only sets them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        caption: What it shows; also the name by which a screen reader announces it.
        head: One heading a column.
        rows: Cells as text, as many as ``head``; the first of each row is its heading.
        words: How many of the first columns hold words; the others hold numbers and are set to the right.
        groups: Headings above ``head`` with the number of columns that each spans; empty for none.
        strong, marked: Rows to set in bold, rows that do not come from this study.
        note: A line below.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    groups: tuple[tuple[str, int], ...] = ()
    strong: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Image:
    """One figure: its address (a data address, nothing is fetched), its words for those who cannot see it."""

    address: str
    alt: str
    caption: str


@dataclass(frozen=True)
class OutcomeView:
    """All that the page says of one outcome."""

    title: str
    arms: Table
    effects: Table
    image: Image | None
    press: str
    left_out: str
    needed: str = ""
    models: Table | None = None
    follow_up: Table | None = None


def in_rows(cells: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Rows of a table from any rows of words."""
    return tuple(tuple(row) for row in cells)
