"""All code lists of a study, read once on the driver and sent to the workers with the kernels."""

import hashlib

from claimtwin.codes.drugs import DrugList, read_drug_list
from claimtwin.codes.rules import care_families, procedures_of
from claimtwin.codes.states import census_regions
from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.spark.decode import CodeBook

COMORBIDITIES = {"charlson": "comorbidities", "elixhauser": "elixhauser"}
"""Shipped list by the name that a protocol uses."""


def read_code_book(protocol: Protocol, env: Env) -> CodeBook:
    """Read every list that the protocol names.

    Raises:
        ConfigError: A file, a column or a list is missing, or a rule cannot be read.
    """
    treated, comparator = (arm.procedures and procedures_of(arm.procedures) for arm in protocol.arm_list())
    return CodeBook(
        families=care_families(),
        arms=(treated or None, comparator or None),
        drugs={name: read_drug_list(name, env.code_lists[name]) for name in protocol.drug_lists()},
        state_regions=census_regions(),
        program=protocol.arms.treated.program,
        comorbidities=COMORBIDITIES[protocol.score.comorbidities],
    )


def drug_list_fingerprints(book: CodeBook) -> dict[str, str]:
    """Sha256 of the codes of each list, as they are compared."""
    return {name: _fingerprint(drugs) for name, drugs in sorted(book.drugs.items())}


def _fingerprint(drugs: DrugList) -> str:
    text = f"{drugs.digits}\n" + "\n".join(sorted(drugs.codes))
    return hashlib.sha256(text.encode()).hexdigest()
