"""Comorbidity groups of a block's lines, by either list and in either coding system."""

import pyarrow as pa
import pytest
from claimtwin.codes.rules import group_names
from claimtwin.spark.columns import DIAGNOSES
from claimtwin.spark.decode import _conditions

LINES = [
    ("icd-10-cm", "I426", "I10",
     {"charlson": {"heart_failure"}, "elixhauser": {"heart_failure", "alcohol", "hypertension"}}),
    ("icd-9-cm", "40493", None,
     {"charlson": {"heart_failure", "renal"}, "elixhauser": {"heart_failure", "hypertension", "renal"}}),
    ("icd-10-cm", "40493", None, {"charlson": set(), "elixhauser": set()}),
    (None, "I426", None, {"charlson": set(), "elixhauser": set()}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "list_"), [("charlson", "comorbidities"), ("elixhauser", "elixhauser")])
def test_groups_are_told_by_the_system_that_the_line_states(name, list_):
    text = lambda values: pa.array(values, pa.string()).dictionary_encode()  # noqa: E731
    columns = {column: text([None] * len(LINES)) for column in DIAGNOSES}
    columns |= {
        "diagnosis_code_1": text([line[1] for line in LINES]),
        "diagnosis_code_2": text([line[2] for line in LINES]),
    }
    table = pa.table(
        {"member": pa.array(range(len(LINES)), pa.int32()), "claim_start_date": pa.array([0] * len(LINES), pa.date32()),
         "diagnosis_code_type": text([line[0] for line in LINES]), **columns}
    )  # fmt: skip
    found = _conditions(table, list_)
    names = group_names(list_)
    for member, (*_, expected) in enumerate(LINES):
        met = {names[g] for m, g in zip(found.member, found.group, strict=True) if m == member}
        assert met == expected[name]
