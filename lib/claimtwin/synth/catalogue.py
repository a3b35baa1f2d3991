"""What can be billed, diagnosed and dispensed: three small files beside this module, as tables to pick from.

Procedure and diagnosis codes are real for their day. Drug codes are made up: labelers 99999 and 99998.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from claimtwin.synth.draws import Floats, Index

BODIES = ("back", "neck", "shoulder", "hip", "knee")
FAMILIES = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")
KINDS = (*FAMILIES, "laboratory", "evaluation")
CONDITIONS = (
    "myocardial_infarction", "heart_failure", "cerebrovascular", "chronic_pulmonary", "rheumatic", "liver",
    "diabetes", "cancer",
)  # fmt: skip
THEMES = (*BODIES, "other_joint", "general", *CONDITIONS)
OTHER_JOINT, GENERAL = THEMES.index("other_joint"), THEMES.index("general")
LINES = 3
_PROCEDURE = {
    "hcpcs_code": "code",
    "hcpcs_modifier_1": "modifier",
    "place_of_service_code": "place",
    "revenue_center_code": "revenue",
}


@dataclass(frozen=True)
class Choices:
    """Items to pick from, a row a situation: ``cumulative`` chances and ``item`` numbers, -1 for nothing."""

    cumulative: Floats
    item: Index


@dataclass(frozen=True)
class Catalogue:
    """Columns of items, and the choices among them.

    ``care`` has a row a (kind, theme, line), ``diagnosis`` one a theme, ``drug`` row 0 opioids and row 1 others.
    ``dollars`` is the usual allowed amount of a procedure.
    """

    procedures: dict[str, list[str | None]]
    dollars: Index
    care: Choices
    codes: tuple[list[str], list[str]]
    diagnosis: Choices
    ndcs: list[str]
    drug: Choices


@cache
def catalogue() -> Catalogue:
    """Read the three files once."""
    care, diagnoses, drugs = _rows("care"), _rows("diagnoses"), _rows("drugs")
    situations = [
        [n for n, row in enumerate(care) if (row["kind"], row["line"]) == (kind, line) and row["theme"] in ("*", theme)]
        for kind in KINDS
        for theme in THEMES
        for line in map(str, range(1, LINES + 1))
    ]
    nothing = [row["code"] == "" for row in care]
    names = {"hcpcs_code": "code", "hcpcs_modifier_1": "modifier", "place_of_service_code": "place"}
    return Catalogue(
        {
            column: [row[name] or None for row in care]
            for column, name in {**names, "revenue_center_code": "revenue"}.items()
        },
        np.array([int(row["dollars"]) for row in care], np.int64),
        _choices(situations, care, nothing),
        ([row["code"] for row in diagnoses], [row["after_2021_10"] for row in diagnoses]),
        _choices([[n for n, row in enumerate(diagnoses) if row["theme"] == theme] for theme in THEMES], diagnoses),
        [row["ndc"] for row in drugs],
        _choices([[n for n, row in enumerate(drugs) if row["list"] == name] for name in ("opioid", "other")], drugs),
    )


def opioid_codes() -> list[str]:
    """National Drug Codes of the made-up opioids, 11 digits each, as a study's drug list names them."""
    return [row["ndc"] for row in _rows("drugs") if row["list"] == "opioid"]


def _choices(situations: list[list[int]], rows: list[dict[str, str]], nothing: list[bool] | None = None) -> Choices:
    """Pad every situation to the same width; a situation without items picks nothing."""
    width = max(map(len, situations))
    chances = np.ones((len(situations), width))
    items = np.full((len(situations), width), -1, np.int64)
    for place, found in enumerate(situations):
        weights = np.array([float(rows[n]["weight"]) for n in found])
        chances[place, : len(found)] = np.cumsum(weights) / max(weights.sum(), 1.0)
        items[place, : len(found)] = [-1 if nothing and nothing[n] else n for n in found]
    return Choices(chances[:, :-1], items)


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("claimtwin.synth") / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
