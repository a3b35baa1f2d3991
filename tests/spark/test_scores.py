"""The score fitted on a cluster equals statsmodels' on one machine, and does not depend on the partitioning."""

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.config.score import Penalty, Score
from claimtwin.errors import GuardError
from claimtwin.spark.design import design_columns, matrix_of
from claimtwin.spark.packing import unpack_people
from claimtwin.spark.scores import block_name, fold_of, pack_design, sum_moments, with_scores
from claimtwin.stats.moments import Moments, add_moments, moments_of
from claimtwin.stats.newton import fit_logit, logit_sums
from claimtwin.stats.penalised import Request, as_fit, fit_path, path_of, run_fits, sums_for
from claimtwin.study.model_table import model_frame, read_model
from claimtwin.study.scoring import Data, fit_score, no_moments, read_columns
from claimtwin.study.terms import read_terms
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


def test_every_fit_has_the_same_bytes_on_1_7_and_64_partitions(spark):
    """A fit is made of nothing but the sums that come back at each step. Those of an unpenalised, an L2 and an L1 fit,
    of all people and without a fold, are recorded from one shard; each partitioning gives them bit by bit.
    """
    columns = design_columns(COVARIATES, {"sex": ["female", "male", "unknown"]})
    rows = frame(spark, people(200)).toArrow()
    x, treated, p = matrix_of(rows, columns), rows["treated"].to_numpy(), len(columns)
    moments, fold = moments_of(x, treated), fold_of(rows["tie_key"].to_numpy(), 2)
    asked, plain = [], []

    def evaluate(requests):
        asked.extend(requests)
        return sums_for(x, treated, None, fold, requests, moments)

    def sums_at(beta):
        plain.append(beta)
        return logit_sums(x, treated, beta=beta, moments=moments)

    fit = fit_logit(sums_at, moments, [column.name for column in columns])
    paths = run_fits([fit_path(p, share, [0.02], left) for share in (0.0, 1.0) for left in (None, 0)], evaluate)
    assert {point.kept for (point,) in paths} > {p} and len(asked) > 12 and fit.iterations > 2
    asked += [Request(beta) for beta in plain]
    expected = [sums.pack().tobytes() for sums in sums_for(x, treated, None, fold, asked, moments)]
    for partitions in (1, 7, 64):
        design = pack_design(frame(spark, people(200)).repartition(partitions), columns, tie="tie_key")
        found = add_moments([no_moments(p), *(Moments.unpack(row["sums"]) for row in sum_moments(design).collect())])
        assert [found.center.tobytes(), found.scale.tobytes()] == [moments.center.tobytes(), moments.scale.tobytes()]
        data = Data(design, tuple(columns), tuple(range(p)), found)
        assert [sums.pack().tobytes() for sums in data.answer(asked, 2)] == expected
        if partitions == 7:
            assert data.sums_at(plain[-1]).pack().tobytes() == expected[-1]


TERMS = Score(
    covariates=COVARIATES, splines={"age": 4, "log_allowed": 3}, interactions=[("age", "sex")],
    penalty=Penalty(l1_share=0.5, strengths=2, folds=2, reach=0.3),
)  # fmt: skip


def test_terms_penalty_and_folds_on_a_cluster_have_the_bytes_of_one_shard(spark):
    eligible = frame(spark, people(300)).repartition(5)
    columns = read_terms(eligible, TERMS)
    model = fit_score(pack_design(eligible, columns, tie="tie_key"), columns, TERMS)
    assert [column.name for column in columns] == [
        "age", "sex=male", "sex=unknown", "log_allowed", "age'", "age''", "log_allowed'", "age:sex=male",
        "age:sex=unknown",
    ]  # fmt: skip
    rows = frame(spark, people(300)).toArrow()
    assert columns[4].knots == tuple(np.quantile(rows["age"], [0.05, 0.35, 0.65, 0.95], method="inverted_cdf"))
    x, treated = matrix_of(rows, columns), rows["treated"].to_numpy()
    moments, fold = moments_of(x, treated), fold_of(rows["tie_key"].to_numpy(), 2)

    def evaluate(asked):
        return sums_for(x, treated, None, fold, asked, moments)

    strengths, spreads = path_of(9, evaluate, 0.5, 2, 0.3)
    points, *paths = run_fits([fit_path(9, 0.5, strengths.tolist(), k, spreads) for k in (None, 0, 1)], evaluate)
    assert model.path["strengths"] == strengths.tolist()
    assert model.path["deviance"] == pytest.approx(np.sum([[p.held_out for p in path] for path in paths], axis=0) / 300)
    alone = as_fit(points[model.path["chosen"]], moments, [column.name for column in columns])
    assert model.fit.params.tobytes() == alone.params.tobytes()


def test_columns_at_fault_are_dropped_with_a_record_where_the_protocol_says_so(spark):
    eligible = frame(spark, people(200)).withColumns({"log_allowed": F.col("age") * 2.0 + 1})
    columns = design_columns(COVARIATES, {"sex": ["female", "male", "unknown"]})
    score = Score(covariates=COVARIATES, on_fault="drop", min_level=60)
    model = read_model(model_frame(spark, fit_score(pack_design(eligible, columns), columns, score)))
    assert model.faults == (
        None, None, "column 'sex=unknown' is rare: fewer than 60 people have it, or lack it",
        "column 'log_allowed' is a linear combination of 'age'",
    )  # fmt: skip
    assert model.fit.columns == ("intercept", "age", "sex=male")
    assert [column.name for column in model.columns] == ["age", "sex=male"]
    assert model.plain == columns
    alone = fit_score(pack_design(eligible, columns[:2]), columns[:2])
    assert model.fit.params == pytest.approx(alone.fit.params, rel=1e-12)


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
