"""How the codes of a feed meet the lists of a study: rules that nothing meets, and codes that almost do.

Counts are of lines and never of people; a code is not a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from claimtwin.codes.ndc import cut_code
from claimtwin.codes.nearness import FeedCodes, Near, near_drugs, near_modifiers, near_rules
from claimtwin.codes.rules import SYSTEMS, Procedures, Range, longest_fitting


@dataclass(frozen=True)
class ListUsage:
    """One list against the codes of a feed.

    Attributes:
        name: The list, with its group where it has some.
        kind: Kind of its codes: a coding system, ``hcpcs``, ``revenue``, ``place`` or ``ndc``.
        rules: Number of its rules or codes.
        hits: Lines whose code it holds; of codes that count with a modifier only, those that have it.
        idle: Rules that no code meets, as written.
        near: Codes that almost meet it, those on most lines first.
    """

    name: str
    kind: str
    rules: int
    hits: int
    idle: tuple[str, ...]
    near: tuple[Near, ...]


def usage_of_rules(name: str, kind: str, rules: Sequence[Range], feed: FeedCodes) -> ListUsage:
    """A list of prefixes (where ``kind`` is a coding system) or of whole codes."""
    lines, whole = feed.of(kind), kind not in SYSTEMS
    codes = sorted(lines)
    fits = longest_fitting(codes, rules, whole=whole) >= 0 if codes and rules else np.zeros(len(codes), np.bool_)
    met = {code for code, is_met in zip(codes, fits.tolist(), strict=True) if is_met}
    idle = _idle(rules, codes, whole=whole)
    near = _commonest(near_rules(feed, kind, rules, met), feed)
    return ListUsage(name, kind, len(rules), sum(lines[code] for code in met), idle, near)


def usage_of_procedures(name: str, procedures: Procedures, feed: FeedCodes) -> ListUsage:
    """A list of procedures; a rule with a modifier is met by lines that have both. Days on which rules hold are not
    looked at.
    """
    plain = usage_of_rules(name, "hcpcs", [*procedures.alone, *(rule.span for rule in procedures.dated)], feed)
    hits, idle, near = plain.hits, [*plain.idle], {(one.kind, one.code): one for one in plain.near}
    for modifier in sorted({modifier for _, modifier in procedures.with_modifier}):
        spans = [span for span, own in procedures.with_modifier if own == modifier]
        beside = feed.of(f"hcpcs {modifier}")
        codes = sorted(beside)
        fits = longest_fitting(codes, spans, whole=True) >= 0 if codes else np.zeros(0, np.bool_)
        hits += sum(beside[code] for code, is_met in zip(codes, fits.tolist(), strict=True) if is_met)
        idle += [f"{text} with {modifier}" for text in _idle(spans, codes, whole=True)]
    near |= {(one.kind, one.code): one for one in near_modifiers(feed, procedures)}
    rules = plain.rules + len(procedures.with_modifier)
    return ListUsage(name, "hcpcs", rules, hits, tuple(idle), _commonest(near.values(), feed))


def usage_of_drugs(name: str, listed: Iterable[str], digits: int | None, feed: FeedCodes) -> ListUsage:
    """A list of NDCs by first digits that are enough or by whole codes (``DrugList.told_by``); null: whole codes."""
    codes, lines = frozenset(listed), feed.of("ndc")
    met = {code: {code, cut_code(code, digits)} & codes for code in lines}
    hits, seen = sum(rows for code, rows in lines.items() if met[code]), frozenset[str]().union(*met.values())
    near = [one for one in near_drugs(feed, codes, digits) if not met[one.code]]
    return ListUsage(name, "ndc", len(codes), hits, tuple(sorted(codes - seen)), _commonest(near, feed))


def _idle(rules: Sequence[Range], codes: Sequence[str], *, whole: bool) -> tuple[str, ...]:
    """Rules that no code meets, in their order; a rule that a longer one covers is met all the same."""
    heads = {size: _heads(codes, size, whole=whole) for size in {len(rule.low) for rule in rules}}
    return tuple(_written(rule) for rule in rules if not _is_met(rule, heads[len(rule.low)]))


def _heads(codes: Sequence[str], size: int, *, whole: bool) -> np.ndarray:
    return np.array(sorted({c[:size] for c in codes if (len(c) == size if whole else len(c) >= size)}), np.str_)


def _is_met(rule: Range, heads: np.ndarray) -> bool:
    place = int(np.searchsorted(heads, rule.low))
    return place < len(heads) and bool(heads[place] <= rule.high)


def _written(rule: Range) -> str:
    return rule.low if rule.low == rule.high else f"{rule.low}-{rule.high}"


def _commonest(near: Iterable[Near], feed: FeedCodes) -> tuple[Near, ...]:
    return tuple(sorted(near, key=lambda one: (-feed.of(one.kind)[one.code], one.kind, one.code)))
