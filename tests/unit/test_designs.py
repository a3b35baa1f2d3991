"""Other designs against statsmodels, against what must hold exactly, and against a planted truth."""

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.stats.designs import doubly_robust, keep_between, stratified, weighted, weights_of
from claimtwin.stats.fitting import CannotFitError
from statsmodels.treatment.treatment_effects import TreatmentEffect

N = 4000
RNG = np.random.default_rng(8)
X = np.column_stack([np.ones(N), RNG.normal(size=(N, 2))])
TREATED = RNG.random(N) < 1 / (1 + np.exp(-(X @ [-0.8, 0.7, -0.4])))
NOISE = RNG.normal(size=N)


def outcome(effect: float = 1.0) -> np.ndarray:
    return X @ [2.0, 1.5, -1.0] + effect * TREATED + NOISE


Y = outcome()
FIT = sm.Logit(TREATED.astype(float), X).fit(disp=0, tol=1e-12)
SCORE = np.asarray(FIT.predict(X))


def expected(y: np.ndarray, x: np.ndarray = X) -> tuple[np.ndarray, np.ndarray]:
    one, zero = (sm.OLS(y[arm], x[arm]).fit().predict(x) for arm in (TREATED, ~TREATED))
    return one, zero


@pytest.mark.parametrize("estimand", ["att", "ate", "overlap"])
def test_weighted_means_are_a_weighted_regression_with_hc0(estimand: str) -> None:
    got = weighted(Y, TREATED, SCORE, estimand)
    design = np.column_stack([np.ones(N), TREATED])
    fit = sm.WLS(Y, design, weights=weights_of(SCORE, TREATED, estimand)).fit(cov_type="HC0")
    assert got.difference.estimate == pytest.approx(fit.params[1], rel=1e-9)
    assert (got.difference.low, got.difference.high) == pytest.approx(tuple(fit.conf_int()[1]), rel=1e-9)


def test_overlap_weights_of_a_fitted_logit_balance_the_covariates_exactly() -> None:
    weight = weights_of(SCORE, TREATED, "overlap")
    for column in X.T[1:]:
        means = [np.average(column[arm], weights=weight[arm]) for arm in (TREATED, ~TREATED)]
        assert means[0] == pytest.approx(means[1], abs=1e-9)


def test_doubly_robust_of_everybody_is_statsmodels() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = TreatmentEffect(sm.OLS(Y, X), TREATED.astype(float), results_select=FIT)
        want = found.aipw(return_results=False)
        plain = found.ipw(return_results=False)
    got = doubly_robust(Y, TREATED, SCORE, expected(Y), "ate")
    assert (got.difference.estimate, got.treated, got.comparator) == pytest.approx(
        (want[0], want[2], want[1]), rel=1e-9
    )
    assert weighted(Y, TREATED, SCORE, "ate").difference.estimate == pytest.approx(plain[0], rel=1e-9)


def test_doubly_robust_of_the_treated_leaves_what_they_had_and_weighs_the_rest() -> None:
    got = doubly_robust(Y, TREATED, SCORE, expected(Y), "att")
    _, zero = expected(Y)
    odds = SCORE / (1 - SCORE)
    by_hand = np.mean((Y - zero)[TREATED]) - (odds * (Y - zero))[~TREATED].sum() / TREATED.sum()
    assert got.treated == pytest.approx(Y[TREATED].mean())
    assert got.difference.estimate == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("estimand", ["att", "ate"])
def test_either_model_may_be_wrong_but_not_both(estimand: str) -> None:
    bare, flat = np.ones((N, 1)), np.full(N, TREATED.mean())
    for score, x in ((SCORE, bare), (flat, X)):
        got = doubly_robust(Y, TREATED, score, expected(Y, x), estimand).difference
        assert got.low < 1.0 < got.high, (x.shape, got)
    both = doubly_robust(Y, TREATED, flat, expected(Y, bare), estimand).difference
    assert both.low > 1.2


def test_every_design_finds_the_planted_effect_that_the_plain_difference_misses() -> None:
    assert Y[TREATED].mean() - Y[~TREATED].mean() > 1.8
    for got in (weighted(Y, TREATED, SCORE, "att"), weighted(Y, TREATED, SCORE, "ate"),
                weighted(Y, TREATED, SCORE, "overlap"), doubly_robust(Y, TREATED, SCORE, expected(Y))):  # fmt: skip
        assert got.difference.low < 1.0 < got.difference.high
    coarse, fine = (stratified(Y, TREATED, SCORE, k).difference.estimate for k in (5, 40))
    assert abs(fine - 1.0) < abs(coarse - 1.0) < 0.2  # five strata leave a tenth of the confounding


def test_strata_by_hand() -> None:
    y = np.array([1.0, 3.0, 2.0, 8.0, 4.0, 6.0, 5.0, 0.0])
    treated = np.array([True, True, False, True, False, True, False, False])
    score = np.array([0.2, 0.3, 0.25, 0.7, 0.6, 0.8, 0.75, 0.1])
    got = stratified(y, treated, score, 2)
    low, high = ((1 + 3) / 2, (2 + 0) / 2), ((8 + 6) / 2, (4 + 5) / 2)
    assert got.treated == pytest.approx((low[0] + high[0]) / 2)
    assert got.comparator == pytest.approx((low[1] + high[1]) / 2)
    variance = 0.25 * sum(s / 4 for s in (2.0, 2.0, 2.0, 0.5))
    assert (got.difference.high - got.difference.low) / 2 / 1.959963984540054 == pytest.approx(np.sqrt(variance))
    assert got.effective == pytest.approx((4.0, 4.0))


def test_one_stratum_is_the_plain_comparison() -> None:
    got = stratified(Y, TREATED, SCORE, 1)
    assert got.difference.estimate == pytest.approx(Y[TREATED].mean() - Y[~TREATED].mean())
    assert got.effective == pytest.approx((TREATED.sum(), (~TREATED).sum()))


def test_ratios_are_of_the_same_means() -> None:
    happened = (RNG.random(N) < np.where(TREATED, 0.1, 0.2)).astype(float)
    got = weighted(happened, TREATED, SCORE, "att")
    assert got.ratio.estimate == pytest.approx(got.treated / got.comparator)
    assert got.ratio.low < 0.5 < got.ratio.high
    assert weighted(happened * ~TREATED, TREATED, SCORE, "att").ratio is None


def test_cut_weights_and_trimmed_scores() -> None:
    free, cut = weighted(Y, TREATED, SCORE, "ate"), weighted(Y, TREATED, SCORE, "ate", most=2.0)
    assert cut.effective[0] > free.effective[0]
    assert keep_between(np.array([0.05, 0.1, 0.9, 0.95]), 0.1, 0.9).tolist() == [False, True, True, False]


def test_what_has_no_weight_says_why() -> None:
    with pytest.raises(CannotFitError, match="a score is 0 or 1"):
        weights_of(np.array([0.5, 1.0]), np.array([True, False]), "att")
    with pytest.raises(CannotFitError, match="an arm is empty"):
        weighted(Y[:3], np.ones(3, bool), SCORE[:3], "ate")
    with pytest.raises(CannotFitError, match="a stratum of the score has an empty arm"):
        stratified(np.zeros(4), np.array([True, True, False, False]), np.array([0.2, 0.8, 0.1, 0.3]), 2)
