"""Which code lists a study uses, and for what: read off its protocol, with the lists as they were read."""

from collections.abc import Iterator

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import (
    EMERGENCY_PLACE,
    EMERGENCY_REVENUE,
    Procedures,
    group_names,
    parse_range,
    points_of,
)
from claimtwin.codes.used import UsedList, each_once
from claimtwin.config.events import FAMILIES, REGION_OF_INDEX, Event, diagnosis_key, user_list
from claimtwin.config.protocol import Protocol
from claimtwin.spark.code_book import CodeBook

OF_FAMILY = ("visits", "lines", "log_allowed")
"""Endings of the covariates that are made of a care family."""


def used_lists(protocol: Protocol, book: CodeBook) -> tuple[UsedList, ...]:
    """Every list of a study once, in the order of the protocol: arms, regions, washout, events, covariates, histories.

    Care families count where a covariate or an event names them; body regions where the study has them.
    """
    return each_once(
        [
            *_of_arms(protocol, book),
            *(_diagnosis(f"body_regions.{region}", "body region") for region in protocol.regions),
            *([_drug(book.drugs[protocol.washout.codes], "washout")] if protocol.washout else []),
            *(one for event, role in _events(protocol) for one in _of_event(event, role, protocol, book)),
            *_of_score(protocol, book),
            *_of_histories(protocol, book),
        ]
    )


def _of_arms(protocol: Protocol, book: CodeBook) -> Iterator[UsedList]:
    for number, arm in enumerate(protocol.arm_list()):
        role, procedures = f"arm {arm.name}", book.arms[number]
        if procedures is not None and arm.procedures:
            yield _procedures(procedures, arm.procedures, role)
        if arm.diagnosis and not user_list(diagnosis_key(arm.diagnosis)):
            yield _diagnosis(diagnosis_key(arm.diagnosis), role)
        if arm.drug:
            yield _drug(book.drugs[arm.drug], role)


def _events(protocol: Protocol) -> Iterator[tuple[Event, str]]:
    for arm in protocol.arm_list():
        if arm.exposure:
            yield arm.exposure, f"exposure of arm {arm.name}"
    yield from ((rule, f"criterion {rule.name}") for rule in protocol.criteria)
    yield from ((outcome.event, f"outcome {outcome.name}") for outcome in protocol.outcomes if outcome.event)
    for outcome in protocol.outcomes:
        if outcome.except_around:
            yield outcome.except_around, f"what outcome {outcome.name} is not counted about"
    if protocol.draw and isinstance(protocol.draw.since, Event):
        yield protocol.draw.since, "index days drawn"


def _of_event(event: Event, role: str, protocol: Protocol, book: CodeBook) -> Iterator[UsedList]:
    kind, codes = event.key
    if kind == "drug":
        yield _drug(book.drugs[codes], role)
    elif kind == "care":
        yield from _care(codes, role, book)
    elif kind == "procedures":
        yield _procedures(book.procedures[codes], event.procedures or codes, role)
    elif codes == REGION_OF_INDEX:
        yield from (_diagnosis(f"body_regions.{region}", role) for region in protocol.regions)
    elif not user_list(codes):  # a list by concept id tells of itself where it is read
        yield _diagnosis(codes, role)


def _of_score(protocol: Protocol, book: CodeBook) -> Iterator[UsedList]:
    score = protocol.score
    named = {*score.covariates, *protocol.adjust}
    for family in FAMILIES:
        if any(f"{family}_{ending}" in named for ending in OF_FAMILY):
            yield from _care(family, "covariates", book)
    yield from (_drug(book.drugs[name], "covariates") for name in score.drug_classes)
    yield from (_diagnosis(name, "covariates") for name in score.diagnoses if not user_list(name))
    if "comorbidity_count" in named:
        yield from _groups(book.comorbidities, group_names(book.comorbidities), "comorbidity count")
    for points in book.points:
        yield from _groups(points, points_of(points)[0], "comorbidity points")


def _of_histories(protocol: Protocol, book: CodeBook) -> Iterator[UsedList]:
    asked = protocol.histories
    if asked is None:
        return
    digits = asked.fills.match_digits if asked.fills else None
    for name, products in (
        (asked.fills and asked.fills.products, book.products),
        (asked.benzodiazepines, book.benzodiazepines),
    ):
        if name:
            codes = frozenset(product.ndc[:digits] for product in products)
            yield UsedList(f"products {name}", ("histories",), "ndc", DrugList(name, codes, digits))


def _care(family: str, role: str, book: CodeBook) -> Iterator[UsedList]:
    name = f"care {family}"
    yield UsedList(name, (role,), "hcpcs", book.families[family])
    if family == "emergency":
        yield UsedList(name, (role,), "revenue", tuple(map(parse_range, EMERGENCY_REVENUE)))
        yield UsedList(name, (role,), "place", tuple(map(parse_range, EMERGENCY_PLACE)))


def _procedures(procedures: Procedures, rule: str | list[str], role: str) -> UsedList:
    return UsedList(rule if isinstance(rule, str) else f"own rules of {role}", (role,), "hcpcs", procedures)


def _diagnosis(rules: str, role: str) -> UsedList:
    return UsedList(f"own rules of {role}" if ":" in rules else rules, (role,), "diagnosis", rules)


def _groups(listed: str, groups: tuple[str, ...], role: str) -> Iterator[UsedList]:
    yield from (UsedList(f"{listed}.{group}", (role,), "diagnosis", f"{listed}.{group}", False) for group in groups)


def _drug(drug: DrugList, role: str) -> UsedList:
    return UsedList(drug.name, (role,), "ndc", drug)
