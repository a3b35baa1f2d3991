"""Drug lists that a user names in ``env.yaml``: a CSV file with a column of National Drug Codes."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.deployment import CodeListFile
from claimtwin.errors import ConfigError


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
    """Read one list; hyphens are dropped.

    Raises:
        ConfigError: The file or the column is missing, or the column holds no code.
    """
    path = Path(file.path)
    where = f"env: code_lists.{name}"
    if not path.is_file():
        raise ConfigError("The file of a code list is missing.", where=f"{where}: {file.path}", remedy="correct `path`")
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    if rows and file.column not in rows[0]:
        raise ConfigError(f"The list has no column '{file.column}'.", where=where, remedy="correct `column`")
    codes = frozenset((row[file.column] or "").strip().replace("-", "")[: file.match_digits] for row in rows) - {""}
    if not codes:
        raise ConfigError("The list holds no code.", where=where, remedy="correct `path` or `column`")
    return DrugList(name, codes, file.match_digits)
