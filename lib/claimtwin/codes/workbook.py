"""Tables of text out of CSV files and spreadsheets, every cell as it is written."""

import csv
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from claimtwin.errors import ConfigError

Rows = list[dict[str, str]]
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_rows(path: Path, headings: tuple[str, ...], where: str) -> Rows:
    """Rows of a CSV file, or of the first sheet of an xlsx file whose first row holds all ``headings``.

    Raises:
        ConfigError: The file cannot be read, has no such sheet, or no row.
    """
    tables = _sheets(path, where) if path.suffix.lower() == ".xlsx" else [_csv(path)]
    fitting = [rows for rows in tables if rows and set(headings) <= set(rows[0])]
    if not fitting:
        raise ConfigError(
            f"No table of the file has rows and the columns {', '.join(headings)}.", where, remedy="correct `path`"
        )
    return fitting[0]


def _csv(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(lines)]


def _sheets(path: Path, where: str) -> list[Rows]:
    try:
        with zipfile.ZipFile(path) as book:
            names = [name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet[0-9]+\.xml", name)]
            shared = _shared(book) if "xl/sharedStrings.xml" in book.namelist() else []
            ordered = sorted(names, key=lambda name: int("".join(filter(str.isdigit, name))))
            return [_rows(ElementTree.fromstring(book.read(name)), shared) for name in ordered]
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, IndexError, ValueError) as error:
        raise ConfigError("A spreadsheet cannot be read.", where, remedy="save it anew as xlsx, or as CSV") from error


def _shared(book: zipfile.ZipFile) -> list[str]:
    root = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    return ["".join(text.text or "" for text in item.iter(f"{_SPACE}t")) for item in root.iter(f"{_SPACE}si")]


def _rows(root: ElementTree.Element, shared: list[str]) -> Rows:
    table = [_cells(row, shared) for row in root.iter(f"{_SPACE}row")]
    if not table:
        return []
    header = table[0]
    return [{name: row.get(place, "") for place, name in header.items()} for row in table[1:]]


def _cells(row: ElementTree.Element, shared: list[str]) -> dict[str, str]:
    """Text of each cell by the letters of its column."""
    return {re.sub("[0-9]", "", cell.get("r", "")): _text(cell, shared) for cell in row.iter(f"{_SPACE}c")}


def _text(cell: ElementTree.Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_SPACE}t"))
    value = cell.findtext(f"{_SPACE}v") or ""
    return shared[int(value)] if cell.get("t") == "s" else value
