"""The code lists that a study uses, each with what it is used for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import SYSTEMS, Procedures, Range, diagnosis_groups, own_diagnoses

Kind = Literal["diagnosis", "hcpcs", "revenue", "place", "ndc"]


@dataclass(frozen=True)
class UsedList:
    """One list of a study.

    Attributes:
        name: Its name, with its group where it has some; own rules by what they are used for.
        used_for: Every place of the protocol that names it, in order.
        kind: What its codes are.
        rules: Of ``diagnosis`` a list and its group, or own rules; of ``hcpcs`` procedures; of ``ndc`` a drug list;
            else ranges of whole codes.
        needed: Whether the study is another one without it: not so of one group of comorbidities among many.
    """

    name: str
    used_for: tuple[str, ...]
    kind: Kind
    rules: str | Procedures | DrugList | tuple[Range, ...]
    needed: bool = True


def each_once(lists: Iterable[UsedList]) -> tuple[UsedList, ...]:
    """Lists of the same kind and rules as one, used for everything that they are used for, in order of appearance."""
    found: dict[tuple[str, object], UsedList] = {}
    for one in lists:
        key = one.kind, one.rules
        if key in found:
            used = tuple(dict.fromkeys([*found[key].used_for, *one.used_for]))
            one = replace(found[key], used_for=used, needed=found[key].needed or one.needed)
        found[key] = one
    return tuple(found.values())


def spans_of_diagnoses(rules: str) -> dict[str, list[Range]]:
    """Ranges of a list and its group, or of own rules, by coding system; a system without any is left out.

    Raises:
        ConfigError: An own rule cannot be read.
    """
    if ":" in rules:
        told = own_diagnoses(rules)
        found = {system: [span for own, span in told if own == system] for system in SYSTEMS}
    else:
        listed, _, wanted = rules.partition(".")
        found = {s: [span for group, span in diagnosis_groups(listed, s) if group == wanted] for s in SYSTEMS}
    return {system: spans for system, spans in found.items() if spans}
