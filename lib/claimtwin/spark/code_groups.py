"""The code groups of a block's claims, from which a study may choose covariates."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.codes.groups import NO_GROUP, group_numbers
from claimtwin.kernel.claims import CodeGroups
from claimtwin.kernel.columns import Days, Index, keys
from claimtwin.spark.columns import DIAGNOSES, days_of, member_of, per_code

SYSTEM_KINDS = (("icd-10-cm", "diagnosis"), ("icd-9-cm", "diagnosis_icd9"))
Rows = tuple[Index, Days, Index]


def code_groups(medical: pa.Table, pharmacy: pa.Table, kinds: Sequence[str]) -> CodeGroups:
    """Every line and group on it, sorted by member and day; a line's groups may come more than once.

    ``kinds`` are those of the protocol; a diagnosis is read in the coding system that its line states.
    """
    found: list[Rows] = [(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))]
    if "diagnosis" in kinds:
        found += [
            _rows(medical, "claim_start_date", column, kind, system)
            for system, kind in SYSTEM_KINDS
            for column in DIAGNOSES
            if medical[column].null_count < medical.num_rows
        ]
    if "procedure" in kinds:
        found.append(_rows(medical, "claim_start_date", "hcpcs_code", "procedure"))
    if "drug" in kinds:
        found.append(_rows(pharmacy, "dispensing_date", "ndc_code", "drug"))
    member, day, group = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(keys(member, day), kind="stable")
    return CodeGroups(member[order], day[order], group[order])


def _rows(table: pa.Table, date: str, column: str, kind: str, system: str | None = None) -> Rows:
    """Rows of one column that have a group, those of one coding system where one is named."""
    group = per_code(table, column, partial(group_numbers, kind=kind)).astype(np.int64)
    has = group != NO_GROUP
    if system is not None:
        stated = pc.fill_null(pc.equal(table["diagnosis_code_type"].cast(pa.string()), system), False)
        has &= np.asarray(stated.to_numpy(), np.bool_)
    return member_of(table)[has], days_of(table, date)[has], group[has]
