"""Code lists by OMOP concept id: a file of numbers; which codes of claims they are, the claims' own tables tell."""

import csv
from pathlib import Path

from claimtwin.config.deployment import CodeListFile
from claimtwin.errors import ConfigError

CONCEPT_TABLES = ("drug_exposure", "condition_occurrence", "procedure_occurrence")
"""OMOP tables whose rows have concepts and a source code each; what kind of code, its vocabulary says."""
PROCEDURE_KIND = "hcpcs"


def as_claimed(code: str, kind: str) -> str:
    """A source code in the form of the claims; empty for none. Diagnoses lose dots and blanks."""
    upper = code.strip().upper()
    return upper if kind == PROCEDURE_KIND else "".join(upper.replace(".", "").split())


def read_concepts(name: str, file: CodeListFile) -> frozenset[int]:
    """Concept ids of one list; its other columns are not looked at, 0 (no matching concept) is passed over.

    Descendants are not added: the list holds every concept that counts, as a concept set with its descendants does.

    Raises:
        ConfigError: The file or the column is missing, a cell is no whole number, or there is no concept.
    """
    path, where = Path(file.path), f"env: code_lists.{name}"
    if not path.is_file():
        raise ConfigError("The file of a code list is missing.", f"{where}: {file.path}", remedy="correct `path`")
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        rows = list(csv.DictReader(lines))
    if rows and file.column not in rows[0]:
        raise ConfigError(f"The list has no column '{file.column}'.", where, remedy="correct `column`")
    cells = [(row[file.column] or "").strip() for row in rows]
    wrong = sum(not cell.isdecimal() for cell in cells if cell)
    concepts = frozenset(int(cell) for cell in cells if cell.isdecimal()) - {0}
    if wrong or not concepts:
        raise ConfigError(
            f"Of {len(cells)} concepts of a list {wrong} are no whole numbers, and {len(concepts)} can be used.",
            where, "a list by concept id has one concept_id a row, as a concept set is exported with its descendants",
            "correct `column`, or leave `codes` out where the list holds National Drug Codes",
        )  # fmt: skip
    return concepts
