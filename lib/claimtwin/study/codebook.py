"""All code lists of a study, read once on the driver and sent to the workers with the kernels."""

import difflib
import hashlib
from datetime import date, timedelta

from claimtwin.codes.drugs import DrugList, read_drug_list
from claimtwin.codes.opioids import Product, product_fingerprint, read_products
from claimtwin.codes.rules import care_families, group_names, own_diagnoses, procedures_of
from claimtwin.codes.states import census_regions
from claimtwin.config.arms import Arm
from claimtwin.config.deployment import Env
from claimtwin.config.events import REGION_OF_INDEX, diagnosis_key
from claimtwin.config.histories import Histories
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.spark.columns import DIAGNOSES
from claimtwin.spark.decode import CodeBook

COMORBIDITIES = {"charlson": "comorbidities", "elixhauser": "elixhauser"}
"""Shipped list by the name that a protocol uses."""
DIAGNOSIS_LISTS = ("conditions", "elixhauser", "comorbidities", "body_regions")


def read_code_book(protocol: Protocol, env: Env) -> CodeBook:
    """Read every list that the protocol names.

    Raises:
        ConfigError: A file, a column or a list is missing, or a rule cannot be read.
    """
    asked = protocol.histories or Histories()
    arms = protocol.arm_list()
    treated, comparator = (arm.procedures and procedures_of(arm.procedures) for arm in arms)
    return CodeBook(
        families=care_families(),
        arms=(treated or None, comparator or None),
        drugs={name: read_drug_list(name, env.code_lists[name]) for name in protocol.drug_lists()},
        state_regions=census_regions(),
        program=protocol.arms.treated.program,
        diagnoses=_diagnoses(protocol),
        procedures={
            event.key.codes: procedures_of(event.procedures) for event in protocol.events() if event.procedures
        },
        arm_diagnoses=(_diagnosis_of(arms[0]), _diagnosis_of(arms[1])),
        together=(arms[0].together, arms[1].together),
        products=_products(asked.fills.products if asked.fills else None, env),
        benzodiazepines=_products(asked.benzodiazepines, env, acting=False),
        comorbidities=COMORBIDITIES[protocol.score.comorbidities],
        positions=DIAGNOSES if protocol.score.comorbidity_positions == "any" else DIAGNOSES[1:],
        points="van_walraven" if "van_walraven_points" in protocol.score.covariates else None,
        kinds=tuple(protocol.score.data_driven.kinds) if protocol.score.data_driven else (),
    )


def drug_list_fingerprints(book: CodeBook) -> dict[str, str]:
    """Sha256 of the codes of each list, as they are compared."""
    products = {"products": book.products, "benzodiazepines": book.benzodiazepines}
    read = {f"histories.{name}": product_fingerprint(rows) for name, rows in products.items() if rows}
    return {name: _fingerprint(drugs) for name, drugs in sorted(book.drugs.items())} | read


def _products(name: str | None, env: Env, *, acting: bool = True) -> tuple[Product, ...]:
    if name is None:
        return ()
    file = env.code_lists[name]
    return read_products(file.path, f"env: code_lists.{name}", file.sheet, acting=acting)


def _diagnoses(protocol: Protocol) -> tuple[str, ...]:
    """Every list of diagnoses that events and covariates name, each once; all regions for the region of the index."""
    named = [event.key.codes for event in protocol.events() if event.diagnosis]
    regions = [f"body_regions.{region}" for region in protocol.regions] if REGION_OF_INDEX in named else []
    events = [_known_diagnosis(name) for name in dict.fromkeys([*named, *regions]) if name != REGION_OF_INDEX]
    asked = [_known_diagnosis(name, "score.diagnoses") for name in protocol.score.diagnoses]
    return tuple(dict.fromkeys([*events, *asked]))


def _diagnosis_of(arm: Arm) -> str | None:
    return _known_diagnosis(diagnosis_key(arm.diagnosis)) if arm.diagnosis else None


def _known_diagnosis(name: str, key: str = "diagnosis") -> str:
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
