"""Code rules: a code belongs to a group by prefix, a procedure to a family by code or range.

Lists are small CSV files beside this module; SOURCES.md there says where each comes from.
Codes are compared in upper case; diagnoses also without dots.
"""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.events import FAMILIES
from claimtwin.errors import ConfigError
from claimtwin.kernel.columns import Days, Index
from claimtwin.kernel.index_events import day_number

Groups = NDArray[np.int16]
NO_GROUP = -1
EMERGENCY_REVENUE = ("0450-0459", "0981")
EMERGENCY_PLACE = ("23",)
SYSTEMS = ("icd-10-cm", "icd-9-cm")
WHOLE = "="
"""Before the code of a rule that holds this whole code and none that begins with it."""


BUILT_ON = {
    "charlson": "comorbidities",
    "van_walraven": "elixhauser",
    "van_walraven_refined": "elixhauser_refined",
    "ahrq_mortality": "elixhauser_refined",
    "ahrq_readmission": "elixhauser_refined",
}
"""Lists of points, and the list whose groups they give points to."""


@dataclass(frozen=True)
class Range:
    """Codes whose first characters lie between two equally long ends, both included; one code is a range of one."""

    low: str
    high: str


@dataclass(frozen=True)
class Dated:
    """Codes in force from ``first`` to ``last``, days since 1970, both included; far away where there is no bound."""

    span: Range
    first: int = -(2**31)
    last: int = 2**31 - 1

    def holds(self, day: Days) -> NDArray[np.bool_]:
        """Whether the codes were in force on each day."""
        held: NDArray[np.bool_] = (day >= self.first) & (day <= self.last)
        return held


@dataclass(frozen=True)
class Procedures:
    """One family of procedures: codes that count alone, with their modifier only, or on some days only."""

    alone: tuple[Range, ...]
    with_modifier: tuple[tuple[Range, str], ...] = ()
    dated: tuple[Dated, ...] = ()

    def spans(self) -> list[Range]:
        """Every range of codes, whatever else is asked of a line."""
        return [*self.alone, *(span for span, _ in self.with_modifier), *(rule.span for rule in self.dated)]


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
    rows = (row for row in shipped_rows(name) if row["system"] == system)
    return [(row["group"], parse_range(row["rule"])) for row in rows]


def group_names(name: str) -> tuple[str, ...]:
    """Groups of a shipped diagnosis list in order of first appearance."""
    return tuple(dict.fromkeys(row["group"] for row in shipped_rows(name)))


def classify_diagnoses(codes: Sequence[str | None], name: str, system: str) -> Groups:
    """Group number of each code by its longest fitting prefix, or ``NO_GROUP``; numbers as in ``group_names``."""
    names, rules = group_names(name), diagnosis_groups(name, system)
    numbers = np.array([*(names.index(group) for group, _ in rules), NO_GROUP], np.int16)
    texts = [(code or "").upper().replace(".", "") for code in codes]
    return numbers[longest_fitting(texts, [span for _, span in rules], whole=False)]


def group_flags(codes: Sequence[str | None], name: str, system: str) -> NDArray[np.bool_]:
    """Whether each code belongs to each group, a column a group in the order of ``group_names``.

    For lists whose groups overlap (Elixhauser): a code may be in several; in a list without overlaps the one group
    of ``classify_diagnoses``.
    """
    texts = [(code or "").upper().replace(".", "") for code in codes]
    flags = np.zeros((len(texts), len(group_names(name))), np.bool_)
    for layer in _layers(name, system):
        found = longest_fitting(texts, [span for _, span in layer], whole=False)
        flags[found >= 0, np.array([group for group, _ in layer])[found[found >= 0]]] = True
    return flags


@cache
def _layers(name: str, system: str) -> list[list[tuple[int, Range]]]:
    """Rules of a list with the numbers of their groups, so many sets that in none two groups share a code.

    A set is searched once for all of its groups, which is what makes many groups no slower than few.
    """
    layers: list[list[tuple[int, Range]]] = []
    rules = diagnosis_groups(name, system)
    for number, wanted in enumerate(group_names(name)):
        own = [span for group, span in rules if group == wanted]
        free = (layer for layer in layers if not any(_shares(a, b) for _, a in layer for b in own))
        layer = next(free, None)
        if layer is None:
            layers.append(layer := [])
        layer.extend((number, span) for span in own)
    return [layer for layer in layers if layer]


def _shares(one: Range, other: Range) -> bool:
    """Whether a code could begin in both ranges."""
    size = min(len(one.low), len(other.low))
    return one.low[:size] <= other.high[:size] and other.low[:size] <= one.high[:size]


def own_diagnosis_flags(codes: Sequence[str | None], rules: str, system: str) -> NDArray[np.bool_]:
    """Whether each code begins with one of a protocol's own rules of one system: ``icd-10-cm:M54|icd-9-cm:724``.

    A rule ``icd-9-cm:=4280`` holds that whole code alone: lists by concept id are turned into such rules.

    Raises:
        ConfigError: A rule cannot be read.
    """
    texts = [(code or "").upper().replace(".", "") for code in codes]
    begun = longest_fitting(texts, [span for own, span in own_diagnoses(rules) if own == system], whole=False) >= 0
    whole = _whole_codes(rules, system)
    return begun | np.array([text in whole for text in texts], np.bool_)


@cache
def _whole_codes(rules: str, system: str) -> frozenset[str]:
    head = f"{system}:{WHOLE}"
    return frozenset(rule.removeprefix(head) for rule in rules.split("|") if rule.startswith(head))


def own_diagnoses(rules: str) -> list[tuple[str, Range]]:
    """System and range of each of a protocol's own rules, those of whole codes aside.

    Raises:
        ConfigError: A rule cannot be read.
    """
    parts = (rule.partition(":") for rule in rules.split("|"))
    return [(system, parse_range(text)) for system, _, text in parts if not text.startswith(WHOLE)]


def longest_fitting(codes: Sequence[str], ranges: Sequence[Range], *, whole: bool) -> Index:
    """Position of the longest range that each code lies in, or with ``whole`` false begins in; -1 for none.

    Where ranges of one length overlap, any of them is told.
    """
    texts, found = np.array(codes, np.str_), np.full(len(codes), -1, np.int64)
    sizes = np.char.str_len(texts)
    for size in sorted({len(span.low) for span in ranges}, reverse=True):
        rows = sorted((span.low, span.high, k) for k, span in enumerate(ranges) if len(span.low) == size)
        low, reach = np.array([row[0] for row in rows]), np.array([*accumulate((row[1] for row in rows), max)])
        heads = texts.astype(f"U{size}")
        place = np.searchsorted(low, heads, "right") - 1
        fits = (place >= 0) & (heads <= reach[place]) & ((sizes == size) if whole else (sizes >= size))
        found[fits & (found < 0)] = np.array([row[2] for row in rows])[place[fits & (found < 0)]]
    return found


def points_of(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Groups of a shipped list of points in the order of ``group_names``, and what each is worth."""
    worth = {row["group"]: int(row["points"]) for row in shipped_rows(f"{name}_points")}
    names = group_names(name)
    return names, tuple(worth[group] for group in names)


def exclusions_of(name: str) -> tuple[tuple[int, int], ...]:
    """Of a shipped list, groups that do not count beside a graver one: numbers of both, as in ``group_names``.

    A list of points keeps those of the list that it is built on.
    """
    names, lists = group_names(name), (name, BUILT_ON.get(name))
    rows = [row for row in shipped_rows("exclusions") if row["list"] in lists]
    pairs = ((row["group"], row["unless"]) for row in rows if {row["group"], row["unless"]} <= set(names))
    return tuple((names.index(milder), names.index(graver)) for milder, graver in pairs)


def care_families() -> dict[str, Procedures]:
    """Every shipped care family, in the order of ``FAMILIES``."""
    alone: dict[str, list[Range]] = {family: [] for family in FAMILIES}
    paired: dict[str, list[tuple[Range, str]]] = {family: [] for family in FAMILIES}
    for row in shipped_rows("care_families"):
        span, modifier = parse_range(row["rule"]), row["modifier"]
        if modifier:
            paired[row["family"]].append((span, modifier))
        else:
            alone[row["family"]].append(span)
    return {f: Procedures(tuple(alone[f]), tuple(paired[f])) for f in FAMILIES}


def other_procedures() -> dict[str, Procedures]:
    """Every shipped list of procedures beside the care families."""
    rows = shipped_rows("procedure_lists")
    names = dict.fromkeys(row["list"] for row in rows)
    return {name: _dated_list([row for row in rows if row["list"] == name]) for name in names}


def _dated_list(rows: list[dict[str, str]]) -> Procedures:
    """Rules of one list; those without a day hold always."""
    always = tuple(parse_range(row["rule"]) for row in rows if not row["first_day"] and not row["last_day"])
    return Procedures(always, dated=tuple(_dated(row) for row in rows if row["first_day"] or row["last_day"]))


def _dated(row: dict[str, str]) -> Dated:
    bounds = {key: row[f"{key}_day"] for key in ("first", "last")}
    days = {key: day_number(date.fromisoformat(text)) for key, text in bounds.items() if text}
    return Dated(parse_range(row["rule"]), **days)


def procedures_of(rule: str | list[str]) -> Procedures:
    """Procedures that a protocol names: ``physical_therapy``, a care family, or its own list of rules.

    Raises:
        ConfigError: No list has that name.
    """
    if isinstance(rule, list):
        return Procedures(tuple(parse_range(text) for text in rule))
    family = "therapy" if rule == "physical_therapy" else rule
    known = care_families() | other_procedures()
    if family not in known:
        raise ConfigError(
            f"No procedure list is called '{rule}'.",
            where="arms.*.procedures",
            remedy=f"use physical_therapy, {', '.join(sorted(known))}, or a list of codes",
        )
    return known[family]


def in_ranges(codes: Sequence[str | None], ranges: Iterable[Range]) -> NDArray[np.bool_]:
    """Whether each whole code lies in one of the ranges; null lies in none."""
    texts = [(code or "").upper() for code in codes]
    return longest_fitting(texts, list(ranges), whole=True) >= 0


@cache
def shipped_rows(name: str) -> list[dict[str, str]]:
    """Rows of a shipped list; read once, never changed.

    A list of points has only the groups that it cuts in its own way; the others are those of the list it is built on.
    """
    rows = list(csv.DictReader(_shipped_text(name).splitlines())) if _shipped(name).is_file() else []
    if name not in BUILT_ON:
        return rows
    worth, own = {row["group"] for row in shipped_rows(f"{name}_points")}, {row["group"] for row in rows}
    return rows + [row for row in shipped_rows(BUILT_ON[name]) if row["group"] in worth - own]


def list_fingerprint(name: str) -> str:
    """Sha256 of a shipped list as it is."""
    return hashlib.sha256(_shipped_text(name).encode()).hexdigest()


def _shipped(name: str) -> Traversable:
    return resources.files("claimtwin.codes") / f"{name}.csv"


def _shipped_text(name: str) -> str:
    return _shipped(name).read_text(encoding="utf-8")
