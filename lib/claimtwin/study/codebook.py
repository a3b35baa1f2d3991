"""All code lists of a study, read once on the driver and sent to the workers with the kernels."""

import difflib
import hashlib
from datetime import date, timedelta

from claimtwin.codes.concepts import read_concepts
from claimtwin.codes.drugs import DrugList, read_drug_list
from claimtwin.codes.opioids import Product, product_fingerprint, read_products
from claimtwin.codes.rules import Procedures, care_families, group_names, own_diagnoses, procedures_of
from claimtwin.codes.states import census_regions
from claimtwin.config.arms import Arm
from claimtwin.config.deployment import CodeListFile, Env
from claimtwin.config.events import REGION_OF_INDEX, diagnosis_key, procedures_key, user_list
from claimtwin.config.histories import Histories
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.kernel.index_events import day_number
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.columns import DIAGNOSES

COMORBIDITIES = {"charlson": "comorbidities", "elixhauser": "elixhauser", "elixhauser_refined": "elixhauser_refined"}
"""Shipped list by the name that a protocol uses."""
DIAGNOSIS_LISTS = ("conditions", "elixhauser", "elixhauser_refined", "comorbidities", "body_regions")


def read_code_book(protocol: Protocol, env: Env) -> CodeBook:
    """Read every list that the protocol names.

    Raises:
        ConfigError: A file, a column or a list is missing, or a rule cannot be read.
    """
    for name in protocol.user_lists():
        _check_user_list(name, env.code_lists[name])
    asked = protocol.histories or Histories()
    arms = protocol.arm_list()
    treated, comparator = (arm.procedures and _procedures(arm.procedures) for arm in arms)
    return CodeBook(
        families=care_families(),
        arms=(treated or None, comparator or None),
        drugs={name: read_drug_list(name, env.code_lists[name]) for name in protocol.drug_lists()},
        state_regions=census_regions(),
        program=protocol.arms.treated.program,
        diagnoses=_diagnoses(protocol),
        procedures=_named_procedures(protocol),
        arm_diagnoses=(_diagnosis_of(arms[0]), _diagnosis_of(arms[1])),
        together=(arms[0].together, arms[1].together),
        products=_products(asked.fills.products if asked.fills else None, env),
        benzodiazepines=_products(asked.benzodiazepines, env, acting=False),
        comorbidities=COMORBIDITIES[protocol.score.comorbidities],
        positions=DIAGNOSES if protocol.score.comorbidity_positions == "any" else DIAGNOSES[1:],
        points=protocol.score.points(),
        noted=tuple(_known_diagnosis(name, "score.diagnoses") for name in protocol.score.diagnoses),
        kinds=tuple(protocol.score.data_driven.kinds) if protocol.score.data_driven else (),
        open_until=day_number(env.ingest.data_through) if env.ingest.data_through else None,
    )


def drug_list_fingerprints(book: CodeBook) -> dict[str, str]:
    """Sha256 of the codes of each list of env.yaml, as they are compared."""
    products = {"products": book.products, "benzodiazepines": book.benzodiazepines}
    read = {f"histories.{name}": product_fingerprint(rows) for name, rows in products.items() if rows}
    own = {name: [span.low for span in rule.spans()] for name, rule in book.procedures.items() if user_list(name)}
    events = {f"diagnoses of {name}": rules for name, rules in book.listed.items()}
    events |= {f"procedures of {name}": "|".join(codes) for name, codes in own.items()}
    listed = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(events.items())}
    return {name: _fingerprint(drugs) for name, drugs in sorted(book.drugs.items())} | read | listed


def _products(name: str | None, env: Env, *, acting: bool = True) -> tuple[Product, ...]:
    if name is None:
        return ()
    file = env.code_lists[name]
    return read_products(file.path, f"env: code_lists.{name}", file.sheet, acting=acting)


def _diagnoses(protocol: Protocol) -> tuple[str, ...]:
    """Every list of diagnoses that events name, each once; all regions for the region of the index."""
    named = [event.key.codes for event in protocol.events() if event.diagnosis]
    regions = [f"body_regions.{region}" for region in protocol.regions] if REGION_OF_INDEX in named else []
    return tuple(_known_diagnosis(name) for name in dict.fromkeys([*named, *regions]) if name != REGION_OF_INDEX)


def _named_procedures(protocol: Protocol) -> dict[str, Procedures]:
    """Every list of procedures that events name, and users' lists that arms name."""
    arms = [arm.procedures for arm in protocol.arm_list() if user_list(arm.procedures)]
    named = [rule for rule in (*(event.procedures for event in protocol.events()), *arms) if rule]
    return {procedures_key(rule): _procedures(rule) for rule in named}


def _procedures(rule: str | list[str]) -> Procedures:
    """A list of procedures; a user's is empty until the claims tell its codes (``study.concepts``)."""
    return Procedures(()) if user_list(rule) else procedures_of(rule)


def _check_user_list(name: str, file: CodeListFile) -> None:
    if file.codes != "omop_concept":
        raise ConfigError(
            "A list that diagnoses or procedures are told by holds National Drug Codes.", f"env: code_lists.{name}",
            "docs/omop.md", "set `codes: omop_concept` where it holds concept ids, or write the codes in the study",
        )  # fmt: skip
    read_concepts(name, file)


def _diagnosis_of(arm: Arm) -> str | None:
    return _known_diagnosis(diagnosis_key(arm.diagnosis)) if arm.diagnosis else None


def _known_diagnosis(name: str, key: str = "diagnosis") -> str:
    if user_list(name):
        return name
    if ":" in name:
        own_diagnoses(name)
        return name
    listed, _, group = name.partition(".")
    if listed not in DIAGNOSIS_LISTS or group not in group_names(listed):
        known = [f"{one}.{own}" for one in DIAGNOSIS_LISTS for own in group_names(one)]
        close = difflib.get_close_matches(name, known, n=3)
        raise ConfigError(
            f"No diagnoses are called '{name}'.", f"study: {key}", "lib/claimtwin/codes/SOURCES.md",
            f"use {' or '.join(close)}" if close else f"name a list ({', '.join(DIAGNOSIS_LISTS)}) and its group",
        )  # fmt: skip
    return name


def _fingerprint(drugs: DrugList) -> str:
    text = f"{drugs.digits}\n" + "\n".join([*sorted(drugs.codes), *sorted(drugs.shared)])
    return hashlib.sha256(text.encode()).hexdigest()


def end_of_data(protocol: Protocol, env: Env) -> date | None:
    """Last day of follow-up where people are censored: claims of later days may not have come in yet."""
    through = env.ingest.data_through if protocol.censored else None
    return through and through - timedelta(days=env.ingest.run_out_days)
