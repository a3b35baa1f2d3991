"""Drug lists that a user names in ``env.yaml``: a column of National Drug Codes in a CSV or xlsx file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claimtwin.codes.concepts import read_concepts
from claimtwin.codes.ndc import LONG_NDC_DIGITS, NDC_DIGITS, PARTS, cut_code
from claimtwin.codes.opioids import read_products
from claimtwin.codes.workbook import read_tables
from claimtwin.config.deployment import CodeListFile
from claimtwin.errors import ConfigError

NOT_LISTED, WHOLE, PRODUCT = range(3)
"""How a code is on a list: not, as it stands, or by its first digits only."""


@dataclass(frozen=True)
class DrugList:
    """Codes of one list, whole; with ``digits`` a code that is not listed whole is told by so many first digits.

    A list may hold the first digits alone. ``shared`` are first digits that a product of the same file has which is
    not on the list, as where ``use`` picks some of its products: such digits tell nothing. A code of twelve digits has
    a longer labeler and is told whole only.
    """

    name: str
    codes: frozenset[str]
    digits: int | None
    shared: frozenset[str] = frozenset()

    @cached_property
    def heads(self) -> frozenset[str]:
        """First digits that are enough."""
        short = frozenset(code for code in self.codes if len(code) == self.digits)
        return (short | _heads(self.codes, self.digits)) - self.shared

    @cached_property
    def told_by(self) -> frozenset[str]:
        """What each code of a feed is looked up in: first digits that are enough, and whole codes of no such digits."""
        return self.heads | {code for code in self.codes if cut_code(code, self.digits) not in self.heads}

    def match(self, ndcs: Sequence[str | None]) -> NDArray[np.int8]:
        """How each code is on the list: ``WHOLE`` before ``PRODUCT``, else ``NOT_LISTED``, as null is."""
        return np.array([self._match_one(ndc or "") for ndc in ndcs], np.int8)

    def holds(self, ndcs: Sequence[str | None]) -> NDArray[np.bool_]:
        """Whether each code is on the list, whole or by its first digits; null is not."""
        listed: NDArray[np.bool_] = self.match(ndcs) != NOT_LISTED
        return listed

    def _match_one(self, ndc: str) -> int:
        if ndc in self.codes:
            return WHOLE
        return PRODUCT if cut_code(ndc, self.digits) in self.heads else NOT_LISTED


def read_drug_list(name: str, file: CodeListFile) -> DrugList:
    """Read one list; hyphens (5-4-2) and quotes about a code are dropped, its other columns are not looked at.

    With ``use`` the file has the CDC's columns, and the list is its products of that use. A list by concept id is
    read, to see that it can be, and comes back without codes: the claims tell them.

    Raises:
        ConfigError: The file, the sheet or a column is missing, there is no code, or a code has lost digits.
    """
    where = f"env: code_lists.{name}"
    if file.codes == "omop_concept":
        read_concepts(name, file)
        return DrugList(name, frozenset(), file.match_digits)
    if not Path(file.path).is_file():
        raise ConfigError("The file of a code list is missing.", f"{where}: {file.path}", remedy="correct `path`")
    if file.use != "any":
        return _list_of_use(name, file, where)
    codes = {_plain(text) for text in _column(file, where)} - {""}
    if not codes:
        raise ConfigError("The list holds no code.", where=where, remedy="correct `path` or `column`")
    _check_digits(codes, file.match_digits, where)
    return DrugList(name, frozenset(codes), file.match_digits)


def _list_of_use(name: str, file: CodeListFile, where: str) -> DrugList:
    products = read_products(file.path, where, file.sheet, acting=False)
    codes = frozenset(product.ndc for product in products if product.use == file.use)
    if not codes:
        raise ConfigError(f"The list holds no product for {file.use}.", where, remedy="correct `path` or `use`")
    others = _heads({product.ndc for product in products} - codes, file.match_digits)
    return DrugList(name, codes, file.match_digits, others)


def _column(file: CodeListFile, where: str) -> list[str]:
    """Texts of the column, in the first table that has it; none of a file without rows."""
    tables = [rows for rows in read_tables(Path(file.path), where, file.sheet) if rows]
    fitting = [rows for rows in tables if file.column in rows[0]]
    if tables and not fitting:
        raise ConfigError(f"The list has no column '{file.column}'.", where=where, remedy="correct `column`")
    return [row[file.column] for row in fitting[0]] if fitting else []


def _check_digits(codes: Iterable[str], digits: int | None, where: str) -> None:
    listed = list(codes)
    sizes = (NDC_DIGITS, LONG_NDC_DIGITS, digits)
    short = sum(not (code.isdecimal() and len(code) in sizes) for code in listed)
    if short:
        raise ConfigError(
            f"{short} of {len(listed)} codes are not {NDC_DIGITS} digits, so they would never match a dispensing.",
            where=where,
            rule="an NDC is text of 11 digits (5-4-2), its leading zeros kept",
            remedy="write the column as text; a spreadsheet drops leading zeros",
        )


def _heads(codes: Iterable[str], digits: int | None) -> frozenset[str]:
    return frozenset(cut_code(code, digits) for code in codes) - {""}


def _plain(text: str) -> str:
    """The digits of a code; a hyphenated one has its three parts filled up with zeros."""
    parts = text.strip(" \"'").split("-")
    widths = PARTS if len(parts) == len(PARTS) else (0,) * len(parts)
    code = "".join(part.zfill(width) for part, width in zip(parts, widths, strict=True))
    return code.removeprefix("0") if len(code) == LONG_NDC_DIGITS else code
