"""Drug lists that a user names in ``env.yaml``: a CSV file with a column of National Drug Codes."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claimtwin.codes.concepts import read_concepts
from claimtwin.config.deployment import CodeListFile
from claimtwin.errors import ConfigError

NDC_PARTS = (5, 4, 2)
NDC_DIGITS = sum(NDC_PARTS)
LONG_NDC_DIGITS = 12
"""Labelers of six digits, effective 2033; a code that begins with a nought is the eleven digits after it."""


@dataclass(frozen=True)
class DrugList:
    """Codes of one list, cut to the digits that must agree; ``digits`` null compares whole codes."""

    name: str
    codes: frozenset[str]
    digits: int | None

    def holds(self, ndcs: Sequence[str | None]) -> NDArray[np.bool_]:
        """Whether each code is on the list; null is not."""
        return np.array([ndc is not None and ndc[: self.digits] in self.codes for ndc in ndcs], np.bool_)


def read_drug_list(name: str, file: CodeListFile) -> DrugList:
    """Read one list; hyphens (5-4-2) and quotes about a code are dropped, its other columns are not looked at.

    A list by concept id is read, to see that it can be, and comes back without codes: the claims tell them.

    Raises:
        ConfigError: The file or the column is missing, the column holds no code, or a code has lost digits.
    """
    if file.codes == "omop_concept":
        read_concepts(name, file)
        return DrugList(name, frozenset(), file.match_digits)
    path = Path(file.path)
    where = f"env: code_lists.{name}"
    if not path.is_file():
        raise ConfigError("The file of a code list is missing.", where=f"{where}: {file.path}", remedy="correct `path`")
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        rows = list(csv.DictReader(lines))
    if rows and file.column not in rows[0]:
        raise ConfigError(f"The list has no column '{file.column}'.", where=where, remedy="correct `column`")
    codes = {_plain(row[file.column]) for row in rows} - {""}
    if not codes:
        raise ConfigError("The list holds no code.", where=where, remedy="correct `path` or `column`")
    short = sum(
        not (code.isdecimal() and len(code) in (NDC_DIGITS, LONG_NDC_DIGITS, file.match_digits)) for code in codes
    )
    if short:
        raise ConfigError(
            f"{short} of {len(codes)} codes are not {NDC_DIGITS} digits, so they would never match a dispensing.",
            where=where,
            rule="an NDC is text of 11 digits (5-4-2), its leading zeros kept",
            remedy="write the column as text; a spreadsheet drops leading zeros",
        )
    return DrugList(name, frozenset(code[: file.match_digits] for code in codes), file.match_digits)


def _plain(text: str | None) -> str:
    """The digits of a code; a hyphenated one has its three parts filled up with zeros."""
    parts = (text or "").strip(" \"'").split("-")
    widths = NDC_PARTS if len(parts) == len(NDC_PARTS) else (0,) * len(parts)
    code = "".join(part.zfill(width) for part, width in zip(parts, widths, strict=True))
    return code.removeprefix("0") if len(code) == LONG_NDC_DIGITS else code
