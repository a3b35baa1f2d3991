"""Criteria and assumptions in words, made from the protocol so that they cannot differ from what was run."""

from typing import Any

import yaml

from claimtwin.config.arms import Arm, Draw
from claimtwin.config.events import REGION_OF_INDEX, Counted, Criterion, Event, Exposure
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.eligibility import criteria_of

ENTERED = "candidates"


def criterion_texts(protocol: Protocol, arm: Arm) -> dict[str, str]:
    """One sentence per step of an arm's flow: everybody who came into it, then each criterion."""
    first, last = protocol.study.index_window
    texts = {
        ENTERED: _entry(protocol, arm),
        "index_drawn": "Index drawn: treated of the same stratum are there",
        "index_in_window": f"Index date from {first} to {last}" + (", before it was moved" if protocol.placebo else ""),
        "age": _age(protocol),
        "enrolled_before": _enrolled(protocol, "pre_days", "before"),
        "enrolled_after": _enrolled(protocol, "post_days", "after"),
        "washout": _washout(protocol),
        "landmark": _landmark(protocol),
        "demographics_known": "Birth date known",
        "one_arm": _one_arm(protocol, arm),
        **{rule.name: rule.title or criterion_words(rule) for rule in protocol.criteria},
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
    moved = f"; index moved {protocol.placebo.days_earlier} days earlier (placebo)" if protocol.placebo else ""
    if arm.source == "program":
        return f"Began {arm.program or 'a programme'}{region}, at any time{_later(arm)}{moved}"
    if arm.source == "assigned":
        return _drawn(arm.draw) + moved
    if arm.source == "drug":
        return f"Filled {arm.drug}, at any time{_later(arm)}{moved}"
    return f"Had a qualifying claim{region}, at any time{_later(arm)}{moved}"


def _drawn(draw: Draw | None) -> str:
    if draw is None:
        return "Ever enrolled; the index drawn from those of the eligible treated"
    within = f" of the same {', '.join(draw.within)}" if draw.within else ""
    if draw.since is None:
        return f"Ever enrolled; the index drawn from those of the eligible treated{within}"
    who = "Ever enrolled" if isinstance(draw.since, str) else f"With a {event_words(draw.since)}, at any time"
    return f"{who}; the days from then to the index drawn from those of the eligible treated{within}"


def criterion_words(rule: Criterion) -> str:
    """A criterion of the protocol's own as a sentence: what, how often, in which days."""
    days = window_words(rule.window)
    apart = f", the first and the last at least {rule.apart_days} days apart" if rule.apart_days else ""
    return sentence_of(f"{counted_words(rule)} {days}{apart}")


def counted_words(rule: Counted) -> str:
    """What is counted and how often, as in ``no dispensing of opioid`` or ``at least 2 days with therapy care``."""
    what = event_words(rule)
    least, most = rule.bounds
    if most == 0:
        return f"no {what}"
    if most is None:
        return f"at least {least} {what}"
    return f"at most {most} {what}" if least == 0 else f"{least} to {most} {what}"


def event_words(event: Event) -> str:
    """What one event is."""
    kind, codes = event.key
    listed = codes.replace("|", ", ")
    words = {"drug": f"dispensing of {listed}", "care": f"day with {listed} care"}
    if codes == REGION_OF_INDEX:
        return "day with a diagnosis of the body region of the index"
    return words.get(kind, f"day with a {'service' if kind == 'procedures' else 'diagnosis'} of {listed}")


def window_words(window: tuple[int, int]) -> str:
    """Days about index that end by it, in words."""
    first, last = window
    if last == 0:
        return f"from {-first} days before index to the index day" if first else "on the index day"
    return f"{-first} to {-last} days before index"


def sentence_of(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _later(arm: Arm) -> str:
    """What of an arm's rule puts the index later than its first event; empty where nothing does."""
    nth = f"; the event of day {arm.nth} with one counts" if arm.nth > 1 else ""
    landmark = f"; index {arm.landmark_days} days after it" if arm.landmark_days else ""
    return nth + landmark + (f"; {exposure_words(arm.exposure)}" if arm.exposure else "")


def exposure_words(rule: Exposure) -> str:
    """What people had, or had not, after the event that brought them into the arm."""
    return f"{counted_words(rule)} {rule.window[0]} to {rule.window[1]} days after it"


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
    gap += ", by whole months" if rule.granularity == "month" else ""
    return (
        f"Enrolled for {' and '.join(rule.benefits)} on every one of the {getattr(rule, side)} days {word} index{gap}"
    )


def _washout(protocol: Protocol) -> str:
    rule = protocol.washout
    if rule is None:
        return ""
    on_index = " or on the index day" if rule.include_index_day else ""
    return f"No {rule.codes} dispensed in the {rule.days} days before index{on_index}"


def _landmark(protocol: Protocol) -> str:
    if protocol.landmark is None:
        return ""
    cover = "Enrolled" if protocol.enrollment else "Followed"
    free = " and ".join(f"“{outcome.title}”" for outcome in protocol.free_of())
    return f"{cover} to day {protocol.landmark.days} after index" + (f", by then without {free}" if free else "")


def _one_arm(protocol: Protocol, arm: Arm) -> str:
    if protocol.arms.overlap == "first_arm_entered":
        return "This arm was entered first"
    return "No rule for this arm" if arm.source == "program" else "Not on the programme's roster at any time"


def _value(values: dict[str, Any], key: str) -> str:
    for part in key.split("."):
        values = values.get(part, {}) if isinstance(values, dict) else {}
    return yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=1000).removesuffix("...\n").strip()
