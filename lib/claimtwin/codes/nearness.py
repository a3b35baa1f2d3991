"""Codes of a feed that almost meet a list: written otherwise, cut, or told of another coding system.

A near code is a question, never a match: nothing is counted because of it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from claimtwin.codes.ndc import readings
from claimtwin.codes.rules import SYSTEMS, Procedures, Range, longest_fitting

LABELER_AND_PRODUCT = 9
SHAPES = {
    "icd-10-cm": re.compile("[A-Z][0-9][0-9A-Z]{1,5}"),
    "icd-9-cm": re.compile("[0-9]{3,5}|V[0-9]{2,4}|E[0-9]{3,4}"),
}
"""What a code of each system can look like; E119 is one of either."""
WIDTHS = {"hcpcs": 5, "revenue": 4, "place": 2}
"""Characters of a code of each kind that is met whole."""
MOST_MORE = 4
"""Characters behind a whole code that may be two modifiers written without a space."""
SIGNS = "other signs in it"
ZEROS = "leading zeros missing"
LONGER = "more characters than the code"
SHORTER = "less specific than the list"
PACKAGE = "another package of a listed product"
MISPLACED = "a zero in another place"
UNMODIFIED = "never with the modifier that the list asks for"
Variant = tuple[str, str, list[str], list[str]]
"""Why, the kind that lines state, codes as they stand there, and how they would have to read to be on a list."""


@dataclass(frozen=True)
class FeedCodes:
    """Codes of a feed with their lines, by kind.

    Attributes:
        lines: Lines by code, by kind: a coding system, ``hcpcs``, ``hcpcs`` and a modifier (``hcpcs GP``),
            ``revenue``, ``place`` or ``ndc``. Codes are upper case, diagnoses without dots.
    """

    lines: Mapping[str, Mapping[str, int]]

    def of(self, kind: str) -> Mapping[str, int]:
        """Lines by code of one kind; empty where the feed has none."""
        return self.lines.get(kind, {})

    @cached_property
    def variants(self) -> dict[str, list[Variant]]:
        """For each kind, what codes of the feed would be without a common fault; made once for all lists."""
        return {kind: _diagnosis_variants(self, kind) for kind in SYSTEMS} | {
            kind: _whole_variants(sorted(self.of(kind)), kind, width) for kind, width in WIDTHS.items()
        }

    @cached_property
    def refilled(self) -> dict[str, tuple[str, ...]]:
        """Drug codes that begin with a zero, and what their other ten digits may mean; made once for all lists."""
        return {code: readings(code[1:]) for code in self.of("ndc") if code[:1] == "0"}


@dataclass(frozen=True)
class Near:
    """One code of the feed that almost meets a list: the kind that its lines state, and why it is near."""

    kind: str
    code: str
    why: str


def near_rules(feed: FeedCodes, kind: str, rules: Sequence[Range], met: Collection[str]) -> list[Near]:
    """Codes near to rules of one kind, each once with the first reason, sorted by kind and code.

    Reasons in their order: other signs in a code; leading zeros missing; stated as another coding system though no
    code of that system looks so; characters behind a whole code; one character fewer than a rule.

    Args:
        feed: All codes.
        kind: A coding system (rules are prefixes), ``hcpcs``, ``revenue`` or ``place`` (rules are whole codes).
        rules: The rules.
        met: Codes of this kind that meet them; they are not near.
    """
    if not rules:
        return []
    found: dict[tuple[str, str], str] = {}
    for why, stated, codes, texts in feed.variants[kind]:
        places = longest_fitting(texts, rules, whole=kind not in SYSTEMS).tolist() if texts else []
        for code, place in zip(codes, places, strict=True):
            if place >= 0 and not (stated == kind and code in met):
                found.setdefault((stated, code), why)
    stems = {text[:-1] for rule in rules for text in (rule.low, rule.high)} - {""}
    for code in stems & feed.of(kind).keys() - set(met):
        found.setdefault((kind, code), SHORTER)
    return [Near(stated, code, why) for (stated, code), why in sorted(found.items())]


def near_modifiers(feed: FeedCodes, procedures: Procedures) -> list[Near]:
    """Codes that count with a modifier only and never stand beside it; a range is judged code by code."""
    found = []
    for span, modifier in procedures.with_modifier:
        beside = feed.of(f"hcpcs {modifier}")
        found += [code for code in _within(feed.of("hcpcs"), span) if code not in beside]
    counted = {code for span in procedures.spans() for code in _within(feed.of("hcpcs"), span)} - set(found)
    return [Near("hcpcs", code, UNMODIFIED) for code in sorted(set(found) - counted)]


def near_drugs(feed: FeedCodes, listed: Collection[str], digits: int | None) -> list[Near]:
    """Drug codes near to a list cut to ``digits`` (null: whole codes), sorted.

    Another package of a listed product, where whole codes are compared; or ten digits filled up at the front, of
    which another reading is on the list (5-3-2 and 5-4-1 have their zero elsewhere).
    """
    products = {code[:LABELER_AND_PRODUCT] for code in listed} if digits is None else set()
    found = []
    for code in sorted(feed.of("ndc")):
        if code[:digits] in listed:
            continue
        if code[:LABELER_AND_PRODUCT] in products:
            found.append(Near("ndc", code, PACKAGE))
        elif any(text[:digits] in listed for text in feed.refilled.get(code, ())):
            found.append(Near("ndc", code, MISPLACED))
    return found


def _diagnosis_variants(feed: FeedCodes, system: str) -> list[Variant]:
    own = sorted(feed.of(system))
    signs = [code for code in own if not code.isalnum()]
    cut = [code for code in own if code.isdecimal() and len(code) < 3]
    rows: list[Variant] = [(SIGNS, system, signs, [_plain(code) for code in signs])]
    rows.append((ZEROS, system, cut, [code.zfill(3) for code in cut]))
    for other in SYSTEMS:
        strange = [code for code in sorted(feed.of(other)) if other != system and not SHAPES[other].fullmatch(code)]
        told = [code for code in strange if SHAPES[system].fullmatch(code)]
        rows.append((f"stated as {other}", other, told, told))
    return rows


def _whole_variants(own: Sequence[str], kind: str, width: int) -> list[Variant]:
    signs = [code for code in own if not code.isalnum()]
    cut = [code for code in own if code.isdecimal() and len(code) < width]
    long = [code for code in own if code.isalnum() and width < len(code) <= width + MOST_MORE]
    return [
        (SIGNS, kind, signs, [_plain(code)[:width] for code in signs]),
        (ZEROS, kind, cut, [code.zfill(width) for code in cut]),
        (LONGER, kind, long, [code[:width] for code in long]),
    ]


def _within(codes: Mapping[str, int], span: Range) -> list[str]:
    return [code for code in codes if len(code) == len(span.low) and span.low <= code <= span.high]


def _plain(code: str) -> str:
    return re.sub("[^0-9A-Za-z]", "", code).upper()
