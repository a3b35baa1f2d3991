"""Outcomes by diagnosis: the list is known before Spark starts, and lines are told by system and group."""

import pyarrow as pa
import pytest
import yaml
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.spark.columns import DIAGNOSES
from claimtwin.spark.decode import diagnosis_lines
from claimtwin.study.codebook import read_code_book


def test_lines_are_diagnosed_in_any_position_by_the_system_that_they_state():
    lines = [
        ("icd-10-cm", "I10", "I509"), ("icd-9-cm", "4280", None), ("icd-9-cm", "I509", None),
        (None, "I509", None), ("icd-10-cm", "I10", None),
    ]  # fmt: skip
    text = lambda values: pa.array(values, pa.string()).dictionary_encode()  # noqa: E731
    columns = {column: text([None] * len(lines)) for column in DIAGNOSES}
    columns |= {f"diagnosis_code_{k}": text([line[k] for line in lines]) for k in (1, 2)}
    table = pa.table({
        "member": pa.array(range(len(lines)), pa.int32()), "diagnosis_code_type": text([line[0] for line in lines]),
        "claim_start_date": pa.array(range(len(lines)), pa.int32()).cast(pa.date32()), **columns,
    })  # fmt: skip
    assert diagnosis_lines(table, "elixhauser.heart_failure").tolist() == [True, True, False, False, False]
    assert diagnosis_lines(table, "elixhauser.heart_failure", DIAGNOSES[1:]).tolist() == [True, *[False] * 4]


def two_drugs(tmp_path, *changes):
    """The shipped design on three small lists."""
    (tmp_path / "list.csv").write_text("NDC\n00000000001\n")
    lists = {name: {"path": f"{tmp_path}/list.csv"} for name in ("drug_a", "drug_b", "either")}
    env = {"tables": str(tmp_path), "output": str(tmp_path), "code_lists": lists}
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(env))
    return load_configuration("omop_two_drugs", str(tmp_path / "env.yaml"), list(changes))


def test_a_study_of_two_drugs_is_yaml_alone(tmp_path):
    book = read_code_book(*two_drugs(tmp_path))
    assert set(book.drugs) == {"drug_a", "drug_b", "either"}
    assert (book.diagnoses, book.comorbidities) == (("elixhauser.heart_failure",), "elixhauser")


@pytest.mark.parametrize("name", ["elixhauser.heart_failures", "nothing.at_all", "care_families.office"])
def test_a_list_or_group_that_nobody_ships_is_refused(tmp_path, name):
    outcome = f"study.outcomes=[{{name: o, title: O, kind: binary, diagnosis: {name}, window: [0, 30]}}]"
    with pytest.raises(ConfigError, match="No diagnoses are called"):
        read_code_book(*two_drugs(tmp_path, outcome))
