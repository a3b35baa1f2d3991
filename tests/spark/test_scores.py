"""The score fitted on a cluster equals statsmodels' on one machine, and does not depend on the partitioning."""

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.errors import GuardError
from claimtwin.spark.design import design_columns, matrix_of
from claimtwin.spark.packing import unpack_people
from claimtwin.spark.scores import block_name, pack_design, with_scores
from claimtwin.study.scoring import fit_score, read_columns
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

COVARIATES = ["age", "sex", "log_allowed"]


def people(n: int = 900) -> list[tuple[object, ...]]:
    dice = np.random.default_rng(5)
    age, sex = dice.integers(18, 90, n), dice.choice(["female", "male", "unknown"], n, p=[0.5, 0.4, 0.1])
    money = np.log1p(dice.exponential(900, n))
    logit = -2 + 0.02 * age + 0.5 * (sex == "male") + 0.1 * money
    treated = dice.random(n) < 1 / (1 + np.exp(-logit))
    rows = zip(treated.tolist(), age.tolist(), sex.tolist(), money.tolist(), strict=True)
    return [(f"p{k}", *row, k) for k, row in enumerate(rows)]


def frame(spark: SparkSession, rows: list[tuple[object, ...]]):
    ddl = "person_id string, treated boolean, age int, sex string, log_allowed double, tie_key bigint"
    return spark.createDataFrame(rows, ddl)


def fitted(spark: SparkSession, partitions: int):
    eligible = frame(spark, people()).repartition(partitions)
    columns = read_columns(eligible, COVARIATES)
    return columns, fit_score(pack_design(eligible, columns), columns)


def test_the_fit_equals_statsmodels(spark):
    columns, model = fitted(spark, 3)
    rows = frame(spark, people()).toArrow()
    design = sm.add_constant(matrix_of(rows, columns))
    treated = rows["treated"].to_numpy().astype(float)
    reference = sm.Logit(treated, design).fit(disp=0, tol=1e-14, maxiter=100)
    assert [column.name for column in columns] == ["age", "sex=male", "sex=unknown", "log_allowed"]
    assert model.fit.params == pytest.approx(reference.params, abs=1e-8)
    assert model.fit.standard_errors == pytest.approx(reference.bse, abs=1e-8)
    assert model.sd_logit == pytest.approx(float(np.std(design @ reference.params, ddof=1)), rel=1e-7)


def test_partitions_do_not_move_a_bit(spark):
    one, seven = fitted(spark, 1)[1], fitted(spark, 7)[1]
    assert one.fit.params.tobytes() == seven.fit.params.tobytes()
    assert one.sd_logit == seven.sd_logit


def test_scores_are_the_linear_predictor(spark):
    columns, model = fitted(spark, 2)
    eligible = frame(spark, people())
    found = unpack_people(with_scores(eligible, columns, model.fit, [])).orderBy("tie_key").toArrow()
    by_hand = np.column_stack([np.ones(900), matrix_of(eligible.orderBy("tie_key").toArrow(), columns)])
    assert found["logit"].to_numpy() == pytest.approx(by_hand @ model.fit.params, abs=1e-12)
    assert set(found["block"].to_pylist()) == {"all"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: {"age": F.lit(50)}, "'age' is constant"),
        (lambda: {"log_allowed": F.col("age") * 2.0 + 1}, "'log_allowed' is a linear combination of 'age'"),
        (lambda: {"age": F.when(F.col("treated"), 80).otherwise(20)}, "'age' separates the arms"),
        (lambda: {"treated": F.lit(False)}, "the treated arm is empty"),
    ],
)
def test_a_model_that_cannot_be_fitted_names_its_column(spark, change, words):
    eligible = frame(spark, people(200)).withColumns(change())
    columns = design_columns(COVARIATES, {"sex": ["female", "male", "unknown"]})
    with pytest.raises(GuardError, match=words):
        fit_score(pack_design(eligible, columns), columns)


def test_block_names_are_equal_only_for_equal_keys(spark):
    rows = [("a / b", "c"), ("a", "b / c"), ("a", None)]
    named = spark.createDataFrame(rows, "x string, y string").select(block_name(["x", "y"]).alias("block"))
    assert len({row["block"] for row in named.collect()}) == 3
