"""What can be billed, diagnosed and dispensed: three small files beside this module, as tables to pick from.

Diagnosis codes are real for their day, procedure codes for 2017 and later. Drug codes are made up: labelers 99996 to
99999.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from claimtwin.synth.draws import Floats, Index

BODIES = ("back", "neck", "shoulder", "hip", "knee")
FAMILIES = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")
EXPOSURES = ("eye_exam", "flu_shot", "hearing_test", "skin_tag_removal")
"""Care that has no effect on opioids: negative controls."""
KINDS = (*FAMILIES, "laboratory", "evaluation", "dental", *EXPOSURES)
DRUG_LISTS = (
    "opioid", "other", "benzodiazepine", "eye_drops", "antifungal", "antihistamine", "acne_gel", "antiviral",
    "acid_blocker", "nasal_spray", "wart_treatment",
)  # fmt: skip
OUTCOMES = DRUG_LISTS[3:]
"""Drugs on which the programme has no effect: negative controls."""
CONDITIONS = (
    "myocardial_infarction", "heart_failure", "cerebrovascular", "chronic_pulmonary", "rheumatic", "liver",
    "diabetes", "cancer",
)  # fmt: skip
THEMES = (*BODIES, "other_joint", "general", *CONDITIONS, "dental", "eye", "vaccine", "hearing", "skin")
OTHER_JOINT, GENERAL, DENTAL = THEMES.index("other_joint"), THEMES.index("general"), THEMES.index("dental")
SYSTEMS = ("icd-9-cm", "icd-10-cm", "icd-10-cm", "icd-10-cm")
_ERAS = ("icd9", "icd10", "from_2021_10", "from_2024_10")
LINES = 3


@dataclass(frozen=True)
class Choices:
    """Items to pick from, a row a situation: ``cumulative`` chances and ``item`` numbers, -1 for nothing."""

    cumulative: Floats
    item: Index


@dataclass(frozen=True)
class Catalogue:
    """Columns of items, and the choices among them.

    ``care`` has a row a (kind, theme, line), ``diagnosis`` one a theme and then one a studied region for a new
    complaint, ``drug`` one a list. ``dollars`` is the usual allowed amount of a procedure, ``codes`` has the
    diagnoses of every era, ``theme`` what each is for.
    """

    procedures: dict[str, list[str | None]]
    dollars: Index
    care: Choices
    codes: tuple[list[str], ...]
    theme: Index
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
        tuple([row[era] for row in diagnoses] for era in _ERAS),
        np.array([THEMES.index(row["theme"]) for row in diagnoses], np.int64),
        _choices(_complaints(diagnoses), diagnoses),
        [row["ndc"] for row in drugs],
        _choices([[n for n, row in enumerate(drugs) if row["list"] == name] for name in DRUG_LISTS], drugs),
    )


def drug_codes(name: str) -> list[str]:
    """National Drug Codes of one of ``DRUG_LISTS``, 11 digits each, as a study's drug list names them."""
    return [row["ndc"] for row in _rows("drugs") if row["list"] == name]


def opioid_codes() -> list[str]:
    """National Drug Codes of the made-up opioids."""
    return drug_codes("opioid")


def complaint_row(theme: Index, acute: NDArray[np.bool_]) -> Index:
    """Row of ``diagnosis`` for a theme; a new complaint of a studied region has one of its own."""
    return np.where(acute & (theme < len(BODIES)), len(THEMES) + theme, theme)


def _complaints(diagnoses: list[dict[str, str]]) -> list[list[int]]:
    wanted = [(theme, "acute" if k >= len(THEMES) else "chronic") for k, theme in enumerate((*THEMES, *BODIES))]
    return [
        [n for n, row in enumerate(diagnoses) if row["theme"] == theme and row["course"] in ("*", course)]
        for theme, course in wanted
    ]


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
