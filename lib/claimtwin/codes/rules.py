"""Code rules: a code belongs to a group by prefix, a procedure to a family by code or range.

Lists are small CSV files beside this module; SOURCES.md there says where each comes from.
Codes are compared in upper case and without dots.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from claimtwin.errors import ConfigError

Groups = NDArray[np.int16]
NO_GROUP = -1
REGIONS = ("back", "neck", "shoulder", "hip", "knee")
FAMILIES = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")
EMERGENCY_REVENUE = ("0450-0459", "0981")
EMERGENCY_PLACE = ("23",)
SYSTEMS = ("icd-10-cm", "icd-9-cm")


@dataclass(frozen=True)
class Range:
    """Codes whose first characters lie between two equally long ends, both included; one code is a range of one."""

    low: str
    high: str

    def holds(self, code: str, *, whole: bool) -> bool:
        """Whether the code, or with ``whole`` false its first characters, lies in the range."""
        head = code[: len(self.low)]
        return len(head) == len(self.low) and (not whole or len(code) == len(head)) and self.low <= head <= self.high


@dataclass(frozen=True)
class Procedures:
    """One family of procedures: codes that count alone, and codes that count with their modifier only."""

    alone: tuple[Range, ...]
    with_modifier: tuple[tuple[Range, str], ...] = ()


def parse_range(text: str) -> Range:
    """Read ``97161-97164`` or ``97161``.

    Raises:
        ConfigError: The ends differ in length or order.
    """
    low, _, high = (part.strip().upper().replace(".", "") for part in text.partition("-"))
    high = high or low
    if not low or len(low) != len(high) or low > high:
        raise ConfigError("A code rule must be a code or LOW-HIGH of equal length.", where=f"rule '{text}'")
    return Range(low, high)


def diagnosis_groups(name: str, system: str) -> list[tuple[str, Range]]:
    """Rules of a shipped diagnosis list for one coding system, in file order."""
    rows = (row for row in _rows(name) if row["system"] == system)
    return [(row["group"], parse_range(row["rule"])) for row in rows]


def group_names(name: str) -> tuple[str, ...]:
    """Groups of a shipped diagnosis list in order of first appearance."""
    return tuple(dict.fromkeys(row["group"] for row in _rows(name)))


def classify_diagnoses(codes: Sequence[str | None], name: str, system: str) -> Groups:
    """Group number of each code by its longest fitting prefix, or ``NO_GROUP``; numbers as in ``group_names``."""
    numbers = {group: k for k, group in enumerate(group_names(name))}
    rules = sorted(diagnosis_groups(name, system), key=lambda rule: (-len(rule[1].low), rule[1].low))
    return np.array([_first_group(code, rules, numbers) for code in codes], np.int16)


def _first_group(code: str | None, rules: list[tuple[str, Range]], numbers: dict[str, int]) -> int:
    text = (code or "").upper().replace(".", "")
    return next((numbers[group] for group, span in rules if span.holds(text, whole=False)), NO_GROUP)


def care_families() -> dict[str, Procedures]:
    """Every shipped care family, in the order of ``FAMILIES``."""
    alone: dict[str, list[Range]] = {family: [] for family in FAMILIES}
    paired: dict[str, list[tuple[Range, str]]] = {family: [] for family in FAMILIES}
    for row in _rows("care_families"):
        span, modifier = parse_range(row["rule"]), row["modifier"]
        if modifier:
            paired[row["family"]].append((span, modifier))
        else:
            alone[row["family"]].append(span)
    return {f: Procedures(tuple(alone[f]), tuple(paired[f])) for f in FAMILIES}


def procedures_of(rule: str | list[str]) -> Procedures:
    """Procedures that a protocol names: ``physical_therapy``, a care family, or its own list of rules.

    Raises:
        ConfigError: No list has that name.
    """
    if isinstance(rule, list):
        return Procedures(tuple(parse_range(text) for text in rule))
    family = "therapy" if rule == "physical_therapy" else rule
    known = care_families()
    if family not in known:
        raise ConfigError(
            f"No procedure list is called '{rule}'.",
            where="arms.*.procedures",
            remedy=f"use physical_therapy, {', '.join(FAMILIES)}, or a list of codes",
        )
    return known[family]


def in_ranges(codes: Sequence[str | None], ranges: Iterable[Range]) -> NDArray[np.bool_]:
    """Whether each whole code lies in one of the ranges; null lies in none."""
    spans = list(ranges)
    return np.array([bool(c) and any(s.holds(str(c).upper(), whole=True) for s in spans) for c in codes], np.bool_)


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("claimtwin.codes") / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
