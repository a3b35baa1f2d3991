"""A stage is kept only when it is there already, made from the same inputs."""

import pytest
from claimtwin.errors import InputError
from claimtwin.io.tables import TableRef, read_table, table_state, write_table
from claimtwin.study.stages import make_table, open_table


def test_a_stage_is_made_once_and_again_when_an_input_changes(spark, tmp_path):
    ref, lines, built = TableRef(f"{tmp_path}/numbers"), [], []

    def build():
        built.append(1)
        return spark.range(len(built))

    first = make_table(spark, ref, {"washout": 365}, build, lines.append)
    again = make_table(spark, ref, {"washout": 365}, build, lines.append)
    assert (len(built), again.identity) == (1, first.identity)
    assert "kept" in lines[1]
    other = make_table(spark, ref, {"washout": 180}, build, lines.append)
    assert (len(built), other.state.version) == (2, first.state.version + 1)
    assert first.frame.count() == 1, "what was opened stays at its version"


def test_a_table_made_anew_under_the_same_name_is_another_input(spark, tmp_path):
    import shutil

    ref = TableRef(f"{tmp_path}/numbers")
    write_table(spark.range(1), ref)
    before = open_table(spark, ref, "").identity
    shutil.rmtree(ref.name)
    write_table(spark.range(2), ref)
    assert table_state(spark, ref).version == 0
    assert open_table(spark, ref, "").identity != before


def test_a_missing_table_names_the_command_that_makes_it(spark, tmp_path):
    with pytest.raises(InputError, match="run `claimtwin pack` first"):
        open_table(spark, TableRef(f"{tmp_path}/nothing"), "claimtwin pack")
    with pytest.raises(InputError, match="run `claimtwin ingest` first"):
        read_table(spark, TableRef(f"{tmp_path}/nothing"), made_by="claimtwin ingest")


def test_no_value_of_a_row_is_in_the_log_of_a_table(spark, tmp_path):
    ref = TableRef(f"{tmp_path}/people")
    write_table(spark.createDataFrame([("canary-7781",)], "person_id string"), ref)
    logs = "".join(path.read_text() for path in (tmp_path / "people" / "_delta_log").glob("*.json"))
    assert "numRecords" in logs
    assert "canary-7781" not in logs
    assert "deletionVectors" not in logs.replace('"delta.enableDeletionVectors":"false"', "")
