"""Newton on sums against statsmodels on rows, and the errors for designs that have no solution."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.errors import GuardError
from claimtwin.stats.exact import FloatArray, column_sums, cross_products, put_together
from claimtwin.stats.moments import Moments
from claimtwin.stats.newton import (
    LogitFit,
    LogitSums,
    SeparationError,
    add_moments,
    add_sums,
    check_design,
    fit_logit,
    linear_predictor,
    logit_sums,
    moments_of,
    sd_of_logit,
)


def fitted(x: FloatArray, y: np.ndarray, *, shards: int = 1) -> tuple[LogitFit, Moments]:
    """Fit as a cluster would: shards make packed sums, the driver adds them."""
    rows = list(zip(np.array_split(x, shards), np.array_split(y, shards), strict=True))
    moments = add_moments([Moments.unpack(moments_of(a, b).pack()) for a, b in rows])

    def sums_at(beta: FloatArray) -> LogitSums:
        packed = [logit_sums(a, b, beta=beta, moments=moments).pack() for a, b in rows]
        return add_sums([LogitSums.unpack(vector) for vector in packed])

    return fit_logit(sums_at, moments, names(x)), moments


def names(x: FloatArray) -> list[str]:
    return [f"c{i}" for i in range(x.shape[1])]


def tossed(rng: np.random.Generator, logit: FloatArray) -> np.ndarray:
    return rng.random(len(logit)) < 1 / (1 + np.exp(-logit))


def mixed_scales(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    x = rng.normal([5e4, 0, 0, 45, 0, 2020], [1e4, 1e-3, 1, 10, 1, 1], size=(3000, 6))
    x[:, 2] = rng.lognormal(3, 2, 3000)
    return x, tossed(rng, -1 + 2e-5 * (x[:, 0] - 5e4) + 300 * x[:, 1] + 0.02 * (x[:, 3] - 45))


def rare_binaries(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    x = (rng.random((20_000, 5)) < [0.001, 0.005, 0.5, 0.99, 0.02]).astype(float)
    return x, tossed(rng, -2 + x @ [2, 1, -1, 0.5, 0.3])


def many_rows(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    x = rng.normal(size=(40_000, 10))
    return x, tossed(rng, -4 + x @ np.linspace(-0.5, 0.5, 10))


def near_separation(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    x = rng.normal(size=(2000, 3))
    return x, tossed(rng, 12 * x[:, 0] + 3 * x[:, 1])


def nearly_collinear(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    x = rng.normal(size=(5000, 3))
    x[:, 2] = x[:, 0] + x[:, 1] + 1e-3 * x[:, 2]
    return x, tossed(rng, x[:, 0])


def rare_and_strong(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    x = (rng.random((20_000, 2)) < [0.002, 0.5]).astype(float)
    return x, tossed(rng, -5 + x @ [6, 0.3])


def no_covariate(rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    return np.zeros((500, 0)), rng.random(500) < 0.3


DESIGNS = [mixed_scales, rare_binaries, many_rows, near_separation, nearly_collinear, rare_and_strong, no_covariate]


def by_statsmodels(x: FloatArray, y: np.ndarray) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients and errors of statsmodels, given standardised columns: on raw ones it loses digits itself."""
    center, scale = x.mean(axis=0), x.std(axis=0)
    design = np.column_stack([np.ones(len(x)), (x - center) / scale])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.Logit(y.astype(float), design).fit(disp=0, tol=1e-14, maxiter=60)
    back = np.diag(np.append(1, 1 / scale))
    back[0, 1:] = -center / scale
    return back @ fit.params, np.sqrt(np.diag(back @ fit.cov_params() @ back.T)), fit.llf


@pytest.mark.parametrize("design", DESIGNS)
def test_equals_statsmodels(design: Callable[..., tuple[FloatArray, np.ndarray]]) -> None:
    x, y = design(np.random.default_rng(7))
    fit, moments = fitted(x, y, shards=3)
    params, errors, likelihood = by_statsmodels(x, y)
    assert (np.abs(fit.params - params) <= 1e-8 * np.maximum(np.abs(params), errors)).all()
    np.testing.assert_allclose(fit.standard_errors, errors, rtol=1e-8)
    np.testing.assert_allclose(fit.log_likelihood, likelihood, rtol=1e-10)
    assert fit.columns == ("intercept", *names(x))
    assert fit.n == len(x)
    spread = np.std(linear_predictor(x, fit), ddof=1)
    assert sd_of_logit(fit, moments) == pytest.approx(spread, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("shards", [2, 7, 64])
def test_sharding_changes_no_bit(design: Callable[..., tuple[FloatArray, np.ndarray]], shards: int) -> None:
    rng = np.random.default_rng(8)
    x, y = design(rng)
    whole, moments = fitted(x, y)
    shuffled = rng.permutation(len(x))
    pieces, merged = fitted(x[shuffled], y[shuffled], shards=shards)
    assert pieces.params.tobytes() == whole.params.tobytes()
    assert pieces.covariance.tobytes() == whole.covariance.tobytes()
    assert pieces.log_likelihood == whole.log_likelihood
    assert sd_of_logit(pieces, merged) == sd_of_logit(whole, moments)
    np.testing.assert_array_equal(linear_predictor(x, whole)[5:17], linear_predictor(x[5:17], pieces))


@pytest.mark.parametrize(("design", "starts"), [(many_rows, 1), (rare_and_strong, 2)])
def test_a_start_less_likely_than_the_shares_of_the_arms_is_left(design, starts) -> None:
    x, y = design(np.random.default_rng(7))
    moments, asked = moments_of(x, y), []

    def sums_at(beta: FloatArray) -> LogitSums:
        asked.append(beta)
        return logit_sums(x, y, beta=beta, moments=moments)

    fit_logit(sums_at, moments, names(x))
    plain = np.append(np.log(y.mean() / (1 - y.mean())), np.zeros(x.shape[1]))
    assert [k for k, beta in enumerate(asked) if beta == pytest.approx(plain, abs=1e-12)] == list(range(1, starts))


def test_the_separating_columns_are_named_and_not_the_strong_one_beside_them() -> None:
    """Columns 2 and 3 together tell a rare group without a treated one."""
    rng, blamed = np.random.default_rng(11), []
    for _ in range(40):
        strong, rare, noise = rng.normal(size=400), rng.random(400) < 0.02, rng.normal(0, 0.02, 400)
        x = np.column_stack([strong, rng.normal(size=400), noise + rare, noise])
        with pytest.raises(SeparationError) as raised:
            fitted(x, tossed(rng, -1 + 2.5 * strong) & ~rare)
        blamed.append(raised.value.column)
    assert set(blamed) <= {"c2", "c3"}


def test_exact_sums_are_the_sums() -> None:
    values = np.random.default_rng(3).uniform(-1, 1, (1000, 4))
    np.testing.assert_allclose(put_together(column_sums(values)), values.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(put_together(cross_products(values)), values.T @ values, rtol=1e-12)


def test_exact_sums_lose_nothing_where_the_numbers_are_extreme() -> None:
    edge = np.array([[1.0], [-1.0], [2**-53 * 3], [1 - 2**-53], [0.0]])
    assert abs(put_together(column_sums(edge))[0] - 1) <= 2**-51


def test_moments_of_shards_are_those_of_all_rows() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal([0, 1e6, -3], size=(500, 3)), rng.random(500) < 0.4
    parts = add_moments([moments_of(x[:0], y[:0]), moments_of(x[:10], y[:10]), moments_of(x[10:], y[10:])])
    np.testing.assert_allclose(parts.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(parts.sd, x.std(axis=0, ddof=1), rtol=1e-10)
    np.testing.assert_array_equal(parts.low, [x[~y].min(axis=0), x[y].min(axis=0)])
    assert (parts.n, parts.n_treated) == (500, y.sum())


def refusal(x: FloatArray, y: np.ndarray, columns: list[str]) -> GuardError:
    with pytest.raises(GuardError) as caught:
        check_design(moments_of(np.asarray(x, float), np.asarray(y, bool)), columns)
    return caught.value


def test_constant_column_is_named() -> None:
    error = refusal(np.array([[1, 5], [2, 5], [1, 5], [2, 5]]), np.array([0, 0, 1, 1]), ["age", "plan"])
    assert "column 'plan' is constant" in error.what
    assert error.where == "score.covariates"
    assert "remove 'plan' from `score.covariates` in the study file" in error.remedy


def test_collinear_column_is_named_with_those_it_depends_on() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 4)) * [1, 1e5, 1e-4, 1]
    x[:, 3] = 3 * x[:, 0] - 2 * x[:, 2] + 7
    error = refusal(x, rng.random(400) < 0.5, ["a", "b", "c", "d"])
    assert "column 'd' is a linear combination of 'a', 'c'" in error.what
    assert "'b'" not in error.what


def test_indicators_that_add_up_to_one_are_collinear() -> None:
    rng = np.random.default_rng(6)
    x = np.eye(3)[rng.integers(0, 3, 300)]
    assert "'x3' is a linear combination of 'x1', 'x2'" in refusal(x, rng.random(300) < 0.5, ["x1", "x2", "x3"]).what


@pytest.mark.parametrize(
    "column",
    [[0, 0, 0, 0, 1, 0], [1, 2, 3, 3, 4, 5], [9, 8, 7, 6, 5, 4], [1, 2, 3, 3, 3, 3], [1, 1, 1, 0, 1, 1]],
    ids=["in one arm only", "touching", "apart", "all at the boundary", "in one arm always"],
)
def test_separating_column_is_named(column: list[int]) -> None:
    y = np.array([0, 0, 0, 1, 1, 1])
    fine = [1, 5, 3, 2, 4, 6]
    assert "column 'flag' separates the arms" in refusal(np.array([fine, column]).T, y, ["fine", "flag"]).what


def test_a_constant_arm_inside_the_range_of_the_other_separates_nothing() -> None:
    x, y = np.array([[1.0], [9.0], [4.0], [4.0], [4.0]]), np.array([0, 0, 1, 1, 1], bool)
    check_design(moments_of(x, y), ["dose"])


@pytest.mark.parametrize(("y", "arm"), [([0, 0, 0], "treated"), ([1, 1, 1], "comparator")])
def test_empty_arm_is_named(y: list[int], arm: str) -> None:
    assert f"the {arm} arm is empty" in refusal(np.array([[1], [2], [3]]), np.array(y), ["age"]).what


def test_missing_values_are_named_and_not_shown() -> None:
    error = refusal(np.array([[1, 7], [2, np.nan], [3, 8]]), np.array([0, 1, 1]), ["age", "cost"])
    assert error.what == "the propensity model cannot be fitted: column 'cost' has missing or infinite values"


def test_all_faults_are_told_at_once() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(200, 3))
    y = rng.random(200) < 0.5
    error = refusal(np.column_stack([x, x[:, 0], y]), y, ["a", "b", "c", "twin", "arm"])
    assert "'twin' is a linear combination of 'a'" in error.what
    assert "'arm' separates the arms" in error.what


def test_columns_that_separate_only_together_are_named() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=(400, 4))
    with pytest.raises(GuardError, match="columns 'c1', 'c2' together separate") as caught:
        fitted(x, x[:, 1] - x[:, 2] > 0.1)
    assert "score.covariates" in caught.value.remedy


def test_quasi_separation_by_a_few_rows_is_not_taken_for_a_fit() -> None:
    rng = np.random.default_rng(11)
    x = np.column_stack([rng.random((4000, 2)) < 0.02, rng.normal(size=4000)]).astype(float)
    both = (x[:, 0] == 1) & (x[:, 1] == 1)
    x[:3, :2] = 1
    y = rng.random(4000) < 0.5
    y[both | (np.arange(4000) < 3)] = True
    x = np.column_stack([x, x[:, 0] * x[:, 1], rng.random(4000) < 0.5]).astype(float)
    with pytest.raises(GuardError, match="'c3'"):
        fitted(x, y)


def test_a_step_too_far_is_halved() -> None:
    """One far point and a start that overshoots: the likelihood must never fall."""
    seen: list[float] = []
    x = np.append(np.linspace(-1, 1, 40), 60.0)[:, None]
    y = np.append(np.arange(40) % 2 == 0, True)
    moments = moments_of(x, y)

    def sums_at(beta: FloatArray) -> LogitSums:
        sums = logit_sums(x, y, beta=beta, moments=moments)
        seen.append(sums.log_likelihood)
        return sums

    fit = fit_logit(sums_at, moments, ["far"])
    assert fit.log_likelihood == max(seen)
