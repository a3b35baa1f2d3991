"""Tables of text out of CSV files and spreadsheets, every cell as it is written."""

import csv
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from claimtwin.errors import ConfigError

Rows = list[dict[str, str]]
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_rows(path: Path, headings: tuple[str, ...], where: str, sheet: str | None = None) -> Rows:
    """Rows of a CSV file, or of the first sheet of an xlsx file whose first row holds all ``headings``.

    Raises:
        ConfigError: The file cannot be read, has no such sheet, or no row.
    """
    fitting = [rows for rows in read_tables(path, where, sheet) if rows and set(headings) <= set(rows[0])]
    if not fitting:
        raise ConfigError(
            f"No table of the file has rows and the columns {', '.join(headings)}.", where,
            remedy="correct `path` or `sheet`; `use` and histories read the CDC's columns, which other lists lack",
        )  # fmt: skip
    return fitting[0]


def read_tables(path: Path, where: str, sheet: str | None = None) -> list[Rows]:
    """The one table of a CSV file, or all sheets of an xlsx file in their order; only ``sheet`` where it is named.

    Raises:
        ConfigError: The file cannot be read, or has no sheet of that name.
    """
    if path.suffix.lower() != ".xlsx":
        if sheet is not None:
            raise ConfigError("A CSV file has no sheets.", where, remedy="leave `sheet` out, or name an xlsx file")
        return [_csv(path)]
    sheets = _sheets(path, where)
    if sheet is None:
        return list(sheets.values())
    if sheet not in sheets:
        raise ConfigError(f"No sheet of the workbook is called '{sheet}'.", where, remedy=f"use {', '.join(sheets)}")
    return [sheets[sheet]]


def _csv(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(lines)]


def _sheets(path: Path, where: str) -> dict[str, Rows]:
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(book) if "xl/sharedStrings.xml" in book.namelist() else []
            return {name: _rows(ElementTree.fromstring(book.read(part)), shared) for name, part in _parts(book).items()}
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, IndexError, ValueError) as error:
        raise ConfigError("A spreadsheet cannot be read.", where, remedy="save it anew as xlsx, or as CSV") from error


def _parts(book: zipfile.ZipFile) -> dict[str, str]:
    """File of each sheet by its name, in the order of the workbook; by its number where the workbook tells no names."""
    files = [name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet[0-9]+\.xml", name)]
    if "xl/workbook.xml" not in book.namelist():
        numbers = {int("".join(filter(str.isdigit, name))): name for name in files}
        return {f"sheet{number}": numbers[number] for number in sorted(numbers)}
    links = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): (link.get("Target") or "").removeprefix("/xl/") for link in links}
    listed = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{_SPACE}sheet")
    parts = {sheet.get("name") or "": f"xl/{targets.get(sheet.get(_LINK))}" for sheet in listed}
    return {name: part for name, part in parts.items() if part in files}


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
