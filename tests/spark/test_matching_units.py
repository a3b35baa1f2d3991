"""Units in Spark: the same pairs as in memory, and nothing but the columns of the match leaves the cluster."""

import claimtwin
import pyarrow.parquet as pq
import pytest
from claimtwin.app import cli
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_units

from tests.house.rules import ROOT, code_files
from tests.support.units import made_units

OPTIONS = {"id": "person", "treated": "treat", "score": "ps", "exact": "region", "caliper": "score=0.2sd"}


def test_a_spark_dataframe_gives_the_pairs_of_a_table(spark) -> None:
    table = made_units()
    found = claimtwin.match(spark.createDataFrame(table).repartition(5), **OPTIONS, covariates="age,site")
    alone = claimtwin.match(table, **OPTIONS, covariates="age,site")
    for name in ("pairs", "unmatched", "blocks", "balance"):
        rows = getattr(found, name).toArrow().to_pylist()
        assert rows == getattr(alone, name).to_pylist() and rows
    again = claimtwin.balance(spark.createDataFrame(table), found.pairs, id="person", treated="treat")
    assert again.where("when = 'after' and covariate = 'age'").count() == 1


def test_the_command_reads_a_delta_table(spark, tmp_path) -> None:
    spark.createDataFrame(made_units()).repartition(3).write.format("delta").save(str(tmp_path / "units"))
    words = ["--id", "person", "--treated", "treat", "--score", "ps", "--exact", "region", "--caliper", "score=0.2sd"]
    with pytest.raises(SystemExit) as ended:
        cli.main(["match", str(tmp_path / "units"), *words, "--out", str(tmp_path / "pairs.parquet")])
    assert ended.value.code == 0
    assert pq.read_table(tmp_path / "pairs.parquet").equals(claimtwin.match(made_units(), **OPTIONS).pairs)


def test_only_the_named_columns_of_units_leave_spark_and_never_too_many(spark) -> None:
    frame = spark.range(6).selectExpr("id", "id as `a.b`", "'x' as note")
    assert collect_units(frame, ["a.b"], max_rows=6).column_names == ["a.b"]
    with pytest.raises(GuardError, match="More than 5 units"):
        collect_units(frame, ["id"], max_rows=5)


def test_no_study_uses_the_door_for_units() -> None:
    users = {str(path.relative_to(ROOT)) for path in code_files() if "collect_units" in path.read_text()}
    assert users == {"lib/claimtwin/io/collect.py", "lib/claimtwin/study/matching/frames.py"}
