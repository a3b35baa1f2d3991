"""Criteria and assumptions in words, made from the protocol so that they cannot differ from what was run."""

from typing import Any

import yaml

from claimtwin.config.arms import Arm
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.eligibility import criteria_of

ENTERED = "candidates"


def criterion_texts(protocol: Protocol, arm: Arm) -> dict[str, str]:
    """One sentence per step of an arm's flow: everybody who came into it, then each criterion."""
    first, last = protocol.study.index_window
    texts = {
        ENTERED: _entry(protocol, arm),
        "index_in_window": f"Index date from {first} to {last}",
        "age": _age(protocol),
        "enrolled_before": _enrolled(protocol, "pre_days", "before"),
        "enrolled_after": _enrolled(protocol, "post_days", "after"),
        "washout": _washout(protocol),
        "demographics_known": "Birth date known",
        "one_arm": _one_arm(protocol, arm),
    }
    return {name: texts[name] for name in (ENTERED, *criteria_of(protocol))}


def assumption_rows(protocol: Protocol) -> list[dict[str, str]]:
    """What was chosen, its value as it was run, where it comes from and what else it could have been."""
    values = protocol.model_dump(mode="json")
    return [
        {"key": a.key, "value": _value(values, a.key), "origin": a.origin, "alternatives": a.alternatives}
        for a in protocol.assumptions
    ]


def _entry(protocol: Protocol, arm: Arm) -> str:
    region = f" for {_either(protocol.regions)}" if arm.require_region else ""
    if arm.source == "program":
        return f"Began {arm.program or 'a programme'}{region}, at any time{_later(arm)}"
    if arm.source == "drug":
        return f"Filled {arm.drug}, at any time{_later(arm)}"
    return f"Had a qualifying claim{region}, at any time{_later(arm)}"


def _later(arm: Arm) -> str:
    """What of an arm's rule puts the index later than its first event; empty where nothing does."""
    nth = f"; the event of day {arm.nth} with one counts" if arm.nth > 1 else ""
    return nth + (f"; index {arm.landmark_days} days after it" if arm.landmark_days else "")


def _either(names: list[Any]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else str(names[0])


def _age(protocol: Protocol) -> str:
    low, high = protocol.population.age_min, protocol.population.age_max
    if high is None:
        return f"Aged {low} or older at index"
    return f"Aged {low or 0} to {high} at index"


def _enrolled(protocol: Protocol, side: str, word: str) -> str:
    rule = protocol.enrollment
    if rule is None:
        return ""
    gap = f", gaps of up to {rule.max_gap_days} days allowed" if rule.max_gap_days else ""
    return (
        f"Enrolled for {' and '.join(rule.benefits)} on every one of the {getattr(rule, side)} days {word} index{gap}"
    )


def _washout(protocol: Protocol) -> str:
    rule = protocol.washout
    if rule is None:
        return ""
    on_index = " or on the index day" if rule.include_index_day else ""
    return f"No {rule.codes} dispensed in the {rule.days} days before index{on_index}"


def _one_arm(protocol: Protocol, arm: Arm) -> str:
    if protocol.arms.overlap == "first_arm_entered":
        return "This arm was entered first"
    return "No rule for this arm" if arm.source == "program" else "Not on the programme's roster at any time"


def _value(values: dict[str, Any], key: str) -> str:
    for part in key.split("."):
        values = values.get(part, {}) if isinstance(values, dict) else {}
    return yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=1000).removesuffix("...\n").strip()
