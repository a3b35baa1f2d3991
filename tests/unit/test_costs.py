"""Amounts by a gamma regression, and coefficients with intervals by the pair bootstrap, against statsmodels."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.stats.bootstrap import draw_weights
from claimtwin.stats.fitting import CannotFitError, fit_gamma
from claimtwin.stats.intervals import Effect
from claimtwin.stats.models import Plan, binary_models, count_models
from claimtwin.stats.standard import Draws

from tests.support.pairs import made_up_pairs

PEOPLE, HAPPENED, COUNT = made_up_pairs()
RNG = np.random.default_rng(4)
CENTS = np.where(RNG.random(800) < 0.1, 0, RNG.gamma(0.8, np.exp(8 + 0.3 * PEOPLE.treated))).astype(np.int64)
ALL = ("nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both", "bootstrap_pair")
PLAN = Plan(("gamma", "poisson", "ols", "negative_binomial", "two_part"), ALL, ALL, Draws(150, 7))
Z = 1.959963984540054


@pytest.fixture(scope="module")
def rows() -> list[Effect]:
    return count_models("cost", CENTS, PEOPLE, PLAN, scale=1)


def design(adjusted: bool) -> np.ndarray:
    extra = PEOPLE.covariates if adjusted else PEOPLE.covariates[:, []]
    return np.column_stack([np.ones(800), PEOPLE.treated, extra]).astype(float)


def gamma(adjusted: bool, **options):
    model = sm.GLM(CENTS.astype(float), design(adjusted), family=sm.families.Gamma(sm.families.links.Log()), **options)
    return model


def told(errors: str) -> dict:
    groups = {"cluster_pair": PEOPLE.pair, "cluster_employer": PEOPLE.employer,
              "cluster_both": np.column_stack([PEOPLE.pair, PEOPLE.employer])}  # fmt: skip
    return {"cov_type": "cluster", "cov_kwds": {"groups": groups[errors]}} if errors in groups else {}


def pick(rows: list[Effect], model: str, errors: str, adjusted: bool = False) -> Effect:
    (row,) = [r for r in rows if (r.model, r.errors, r.adjusted) == (model, errors, adjusted)]
    return row


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("errors", ["nonrobust", "cluster_pair", "cluster_employer", "cluster_both"])
def test_gamma_is_statsmodels(rows, errors: str, adjusted: bool) -> None:
    fit = gamma(adjusted).fit(tol=1e-13, maxiter=200, **told(errors))
    row = pick(rows, "gamma", errors, adjusted)
    want = np.exp([fit.params[1], fit.params[1] - Z * fit.bse[1], fit.params[1] + Z * fit.bse[1]])
    assert (row.estimate, row.low, row.high) == pytest.approx(tuple(want), rel=1e-9)
    assert row.measure == "total_ratio"


def test_gamma_without_covariates_compares_means(rows) -> None:
    means = [CENTS[arm].mean() for arm in (PEOPLE.treated, ~PEOPLE.treated)]
    assert pick(rows, "gamma", "nonrobust").estimate == pytest.approx(means[0] / means[1], rel=1e-9)


def test_hc3_of_gamma_is_made_one_person_at_a_time(rows) -> None:
    x, fit = design(True), gamma(True).fit(tol=1e-13, maxiter=200)
    weight = CENTS / fit.mu
    bread = np.linalg.inv(sum(w * np.outer(row, row) for w, row in zip(weight, x, strict=True)))
    meat = np.zeros_like(bread)
    for row, w, y, mu in zip(x, weight, CENTS, fit.mu, strict=True):
        meat += np.outer(row, row) * ((y - mu) / mu / (1 - w * row @ bread @ row)) ** 2
    error = np.sqrt((bread @ meat @ bread)[1, 1])
    assert pick(rows, "gamma", "hc3", True).low == pytest.approx(np.exp(fit.params[1] - Z * error), rel=1e-8)


@pytest.mark.parametrize("model", ["gamma", "poisson", "ols"])
def test_drawn_intervals_are_the_quantiles_of_weighted_fits(rows, model: str) -> None:
    families = {"gamma": sm.families.Gamma(sm.families.links.Log()), "poisson": sm.families.Poisson(),
                "ols": sm.families.Gaussian()}  # fmt: skip
    weights = draw_weights(7, np.arange(150), 400)[PEOPLE.pair]
    found = [
        sm.GLM(CENTS.astype(float), design(True), family=families[model], freq_weights=w).fit(tol=1e-13).params[1]
        for w in weights.T
    ]
    ends = np.quantile(found, (0.025, 0.975))
    row = pick(rows, model, "bootstrap_pair", True)
    assert (row.low, row.high) == pytest.approx(tuple(ends if model == "ols" else np.exp(ends)), rel=1e-9)
    assert row.estimate == pytest.approx(pick(rows, model, "nonrobust" if model != "ols" else "hc3", True).estimate)


def test_the_drawn_odds_ratio_is_near_the_clustered_one() -> None:
    plan = replace(PLAN, models=("logit", "standardised"), draws=Draws(1000, 7))
    found = binary_models("any", HAPPENED, PEOPLE, plan)
    drawn, clustered = (pick(found, "logit", errors, True) for errors in ("bootstrap_pair", "cluster_employer"))
    assert drawn.estimate == pytest.approx(clustered.estimate, rel=1e-12)
    assert drawn.low == pytest.approx(0.46, abs=0.1) and drawn.low < drawn.estimate < drawn.high < 1
    times = [r.errors for r in found if r.model == "standardised" and not r.adjusted and r.measure == "odds_ratio"]
    assert times.count("bootstrap_pair") == 1  # the row of its own, and not ordinary errors under that name


def test_models_without_a_bootstrap_say_so_and_so_do_no_draws(rows) -> None:
    assert pick(rows, "negative_binomial", "bootstrap_pair").note == "this model has no bootstrap of pairs"
    none = count_models("cost", CENTS, PEOPLE, replace(PLAN, draws=Draws(0, 7)))
    for model in ("gamma", "poisson", "ols"):
        assert pick(none, model, "bootstrap_pair").note == "no bootstrap draws are asked for"


def test_nothing_spent_in_an_arm_and_a_negative_amount_are_notes() -> None:
    one = count_models("cost", np.where(PEOPLE.treated, CENTS, 0), PEOPLE, PLAN)
    assert pick(one, "gamma", "cluster_pair").note == "no events in the comparator arm"
    assert pick(one, "ols", "bootstrap_pair").estimate is not None
    with pytest.raises(CannotFitError, match="negative"):
        fit_gamma(CENTS - 1.0, design(False), PEOPLE, "nonrobust")
