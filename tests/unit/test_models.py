"""Every model against a direct call of statsmodels or scipy on the same rows, in the covariates' own units."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.stats.arms import TwoByTwo, risk_difference, two_by_two
from claimtwin.stats.bootstrap import draw_weights, fit_draws
from claimtwin.stats.effects import binary_effects, count_effects
from claimtwin.stats.intervals import Effect
from claimtwin.stats.matched import Matched
from claimtwin.stats.models import Plan, binary_models, count_models, newcombe, number_needed
from claimtwin.stats.paired import PairTable, mcnemar, pair_table
from claimtwin.stats.standard import Draws
from scipy.stats import binomtest
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep

from tests.support.pairs import made_up_pairs

PEOPLE, HAPPENED, COUNT = made_up_pairs()
ALL = ("nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both")
BINARY = ("table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit")
PLAN = Plan(BINARY, ALL, ALL, Draws(0, 7))
COUNTS = Plan(("ols", "poisson", "negative_binomial", "two_part"), ALL, ALL, Draws(0, 7))
Z = 1.959963984540054


def design(adjusted: bool) -> np.ndarray:
    extra = PEOPLE.covariates if adjusted else PEOPLE.covariates[:, []]
    return np.column_stack([np.ones(len(HAPPENED)), PEOPLE.treated, extra]).astype(float)


def told(errors: str) -> dict:
    groups = {
        "cluster_pair": PEOPLE.pair,
        "cluster_employer": PEOPLE.employer,
        "cluster_both": np.column_stack([PEOPLE.pair, PEOPLE.employer]),
    }
    return {"cov_type": "cluster", "cov_kwds": {"groups": groups[errors]}} if errors in groups else {}


def pick(rows: list[Effect], model: str, measure: str, errors: str, adjusted: bool = False) -> Effect:
    (row,) = [r for r in rows if (r.model, r.measure, r.errors, r.adjusted) == (model, measure, errors, adjusted)]
    return row


def assert_same(row: Effect, estimate: float, low: float, high: float) -> None:
    assert (row.estimate, row.low, row.high) == pytest.approx((estimate, low, high), rel=1e-9)


def assert_ratio(row: Effect, log_estimate: float, error: float) -> None:
    assert_same(row, *np.exp([log_estimate, log_estimate - Z * error, log_estimate + Z * error]))


@pytest.fixture(scope="module")
def binary() -> list[Effect]:
    return binary_models("any", HAPPENED, PEOPLE, PLAN)


@pytest.fixture(scope="module")
def counted() -> list[Effect]:
    return count_models("fills", COUNT, PEOPLE, COUNTS, scale=100)


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("errors", ["cluster_employer", "cluster_both"])
def test_logit(binary, errors: str, adjusted: bool) -> None:
    fit = sm.Logit(HAPPENED.astype(float), design(adjusted)).fit(disp=0, maxiter=100, **told(errors))
    assert_ratio(pick(binary, "logit", "odds_ratio", errors, adjusted), fit.params[1], fit.bse[1])


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("errors", ["nonrobust", "cluster_pair"])
def test_the_main_odds_ratio(errors: str, adjusted: bool) -> None:
    rows = list(binary_effects("any", HAPPENED, PEOPLE).effects)
    fit = sm.Logit(HAPPENED.astype(float), design(adjusted)).fit(disp=0, maxiter=100, **told(errors))
    assert_ratio(pick(rows, "logit", "odds_ratio", errors, adjusted), fit.params[1], fit.bse[1])


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("errors", ["nonrobust", "cluster_pair", "cluster_employer", "cluster_both"])
def test_modified_poisson(binary, errors: str, adjusted: bool) -> None:
    model = sm.GLM(HAPPENED.astype(float), design(adjusted), family=sm.families.Poisson())
    fit = model.fit(tol=1e-13, **told(errors))
    assert_ratio(pick(binary, "poisson", "risk_ratio", errors, adjusted), fit.params[1], fit.bse[1])


@pytest.mark.parametrize(("model", "family"), [("logit", sm.families.Binomial()), ("poisson", sm.families.Poisson())])
def test_hc3_is_made_of_leverages_one_person_at_a_time(binary, model: str, family) -> None:
    x, y = design(True), HAPPENED.astype(float)
    fit = sm.GLM(y, x, family=family).fit(tol=1e-13)
    weight = fit.mu * (1 - fit.mu) if model == "logit" else fit.mu
    bread = np.linalg.inv(sum(w * np.outer(row, row) for w, row in zip(weight, x, strict=True)))
    meat = np.zeros_like(bread)
    for row, w, left in zip(x, weight, y - fit.mu, strict=True):
        meat += np.outer(row, row) * (left / (1 - w * row @ bread @ row)) ** 2
    measure = "odds_ratio" if model == "logit" else "risk_ratio"
    error = np.sqrt((bread @ meat @ bread)[1, 1])
    row = pick(binary, model, measure, "hc3", True)
    assert (row.estimate, row.low) == pytest.approx(tuple(np.exp([fit.params[1], fit.params[1] - Z * error])), rel=1e-8)


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("errors", ["hc3", "cluster_employer", "cluster_both"])
def test_ordinary_least_squares(counted, errors: str, adjusted: bool) -> None:
    options = {"cov_type": "HC3"} if errors == "hc3" else told(errors)
    fit = sm.OLS(COUNT * 100.0, design(adjusted)).fit(use_t=True, **options)
    row = pick(counted, "ols", "difference_per_scale", errors, adjusted)
    assert_same(row, fit.params[1], *fit.conf_int()[1])
    assert row.p_value == pytest.approx(fit.pvalues[1], rel=1e-8)


@pytest.mark.parametrize("errors", ["nonrobust", "cluster_pair", "cluster_both"])
def test_poisson_of_counts(counted, errors: str) -> None:
    fit = sm.GLM(COUNT.astype(float), design(True), family=sm.families.Poisson()).fit(tol=1e-13, **told(errors))
    assert_ratio(pick(counted, "poisson", "rate_ratio", errors, True), fit.params[1], fit.bse[1])


@pytest.mark.parametrize("errors", ["nonrobust", "cluster_pair"])
def test_negative_binomial(counted, errors: str) -> None:
    fit = sm.NegativeBinomial(COUNT, design(False)).fit(method="newton", disp=0, maxiter=200, **told(errors))
    row = pick(counted, "negative_binomial", "rate_ratio", errors)
    assert_ratio(row, fit.params[1], fit.bse[1])
    means = [COUNT[PEOPLE.treated == arm].mean() for arm in (True, False)]
    assert row.estimate == pytest.approx(means[0] / means[1], rel=1e-6)  # with the arm alone the fit is of the means


def test_standardised_risks_are_statsmodels_average_predictions(binary) -> None:
    fit = sm.Logit(HAPPENED.astype(float), design(True)).fit(disp=0, **told("cluster_pair"))
    moved = design(True)[PEOPLE.treated]
    risk, cov = [], np.asarray(fit.cov_params())
    for arm in (1.0, 0.0):
        moved[:, 1] = arm
        risk.append(fit.get_prediction(moved.copy(), average=True).predicted)

    def points(params: np.ndarray) -> float:
        means = []
        for arm in (1.0, 0.0):
            moved[:, 1] = arm
            means.append((1 / (1 + np.exp(-moved @ params))).mean())
        return 100 * (means[0] - means[1])

    row = pick(binary, "standardised", "risk_difference", "cluster_pair", True)
    assert row.estimate == pytest.approx(100 * float(risk[0] - risk[1]), rel=1e-9)
    steps = np.eye(4) * 1e-5
    slope = np.array([(points(fit.params + s) - points(fit.params - s)) / 2e-5 for s in steps])
    assert (row.high - row.low) / 2 / Z == pytest.approx(np.sqrt(slope @ cov @ slope), rel=1e-6)


def test_standardised_without_covariates_is_the_table(binary) -> None:
    table = two_by_two(HAPPENED, PEOPLE.treated)
    one, zero = table.events1 / table.n1, table.events0 / table.n0
    got = {m: pick(binary, "standardised", m, "nonrobust").estimate for m in ("risk_difference", "risk_ratio")}
    assert got == pytest.approx({"risk_difference": 100 * (one - zero), "risk_ratio": one / zero}, rel=1e-9)
    woolf = pick(binary, "table", "odds_ratio", "nonrobust")
    row = pick(binary, "standardised", "odds_ratio", "nonrobust")
    assert_same(row, woolf.estimate, woolf.low, woolf.high)


def test_two_parts_together_are_the_means_and_each_part_has_statsmodels_errors(counted) -> None:
    row = pick(counted, "two_part", "difference_per_scale", "cluster_pair")
    means = [COUNT[PEOPLE.treated == arm].mean() for arm in (True, False)]
    assert row.estimate == pytest.approx(100 * (means[0] - means[1]), rel=1e-9)
    ols = pick(list(count_effects("fills", COUNT, PEOPLE).effects), "ols", "difference_per_scale", "cluster_pair")
    assert row.high - row.low == pytest.approx(ols.high - ols.low, rel=0.01)
    some = COUNT > 0
    fit = sm.GLM(COUNT[some].astype(float), design(True)[some], family=sm.families.Poisson()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": PEOPLE.pair[some]}
    )
    assert_ratio(pick(counted, "two_part", "mean_ratio", "cluster_pair", True), fit.params[1], fit.bse[1])
    assert "one-way" in pick(counted, "two_part", "mean_ratio", "hc3").note


def test_conditional_logit_is_statsmodels_of_pairs(binary) -> None:
    x = np.column_stack([PEOPLE.treated, PEOPLE.covariates]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ConditionalLogit(HAPPENED.astype(float), x, groups=PEOPLE.pair).fit(method="newton", disp=0)
    row = pick(binary, "conditional_logit", "odds_ratio", "within_pairs", True)
    assert row.estimate == pytest.approx(np.exp(fit.params[0]), rel=1e-9)
    # statsmodels takes this Hessian by finite differences, so its errors have fewer digits
    assert np.log(row.high / row.low) / 2 / Z == pytest.approx(fit.bse[0], rel=1e-7)


def test_mcnemar(binary) -> None:
    one, zero = HAPPENED[0::2], HAPPENED[1::2]
    table = pair_table(HAPPENED, PEOPLE)
    cells = [[(one & zero).sum(), (one & ~zero).sum()], [(~one & zero).sum(), (~one & ~zero).sum()]]
    assert table == PairTable(*(int(n) for row in cells for n in row))
    row = pick(binary, "mcnemar", "odds_ratio", "within_pairs")
    assert row.p_value == pytest.approx(statsmodels_mcnemar(np.array(cells), exact=True).pvalue, rel=1e-9)
    assert_ratio(row, np.log(cells[0][1] / cells[1][0]), np.sqrt(1 / cells[0][1] + 1 / cells[1][0]))


def test_the_table_is_statsmodels(binary) -> None:
    """Crude odds ratio, risk ratio, press reading and Wald difference of the same people."""
    one, zero = HAPPENED[PEOPLE.treated], HAPPENED[~PEOPLE.treated]
    counts = [[int(arm.sum()), int((~arm).sum())] for arm in (one, zero)]
    table = sm.stats.Table2x2(np.array(counts))
    rows = {row.measure: row for row in binary_effects("any", HAPPENED, PEOPLE).effects if row.model == "table"}
    crude = pick(binary, "table", "odds_ratio", "nonrobust")
    for row, point, ends, p_value in (
        (crude, table.oddsratio, table.oddsratio_confint(), table.oddsratio_pvalue()),
        (rows["risk_ratio"], table.riskratio, table.riskratio_confint(), table.riskratio_pvalue()),
    ):
        np.testing.assert_allclose([row.estimate, row.low, row.high, row.p_value], [point, *ends, p_value], rtol=1e-9)
    press, plain = rows["relative_reduction"], rows["risk_ratio"]
    np.testing.assert_allclose(
        [press.estimate, press.low, press.high], [100 * (1 - end) for end in (plain.estimate, plain.high, plain.low)],
        rtol=1e-9,
    )  # fmt: skip
    ends = confint_proportions_2indep(counts[0][0], len(one), counts[1][0], len(zero), compare="diff", method="wald")
    found = rows["risk_difference"]
    np.testing.assert_allclose([found.low, found.high], [100 * end for end in ends], rtol=1e-9)
    assert found.estimate == pytest.approx(100 * (one.mean() - zero.mean()), rel=1e-12)


def test_newcombe_is_statsmodels_and_holds_with_no_events() -> None:
    got = newcombe(TwoByTwo(56, 0, 29, 4))
    low, high = confint_proportions_2indep(0, 56, 4, 29, compare="diff", method="newcomb")
    assert (got.low, got.high) == pytest.approx((100 * low, 100 * high), rel=1e-9)
    nothing = newcombe(TwoByTwo(10, 0, 20, 0))
    assert (nothing.estimate, nothing.p_value) == (0.0, 1.0)
    assert nothing.low < 0 < nothing.high


def test_newcombe_s_own_examples() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80, 9/10 - 3/10 and 10/10 - 0/20."""
    for counts, published in (
        ((70, 56, 80, 48), (0.0524, 0.3339)),
        ((10, 9, 10, 3), (0.1705, 0.8090)),
        ((10, 10, 20, 0), (0.6791, 1.0)),
    ):
        got = newcombe(TwoByTwo(*counts))
        assert (round(got.low / 100, 4), round(got.high / 100, 4)) == published


def test_number_needed(binary) -> None:
    row = pick(binary, "table", "number_needed", "nonrobust")
    points = pick(list(binary_effects("any", HAPPENED, PEOPLE).effects), "table", "risk_difference", "nonrobust")
    assert_same(row, 100 / abs(points.estimate), 100 / abs(points.low), 100 / abs(points.high))
    with pytest.raises(Exception, match="includes no difference"):
        number_needed(risk_difference(TwoByTwo(100, 10, 100, 11)))


def test_one_bootstrap_draw_is_a_weighted_fit() -> None:
    y, x = HAPPENED.astype(float), design(False)
    weights = draw_weights(7, np.arange(3), 400)
    got = fit_draws(y, x, weights[PEOPLE.pair], np.zeros(2))
    for draw in range(3):
        fit = sm.GLM(y, x, family=sm.families.Binomial(), freq_weights=weights[PEOPLE.pair, draw]).fit(tol=1e-13)
        assert got[:, draw] == pytest.approx(fit.params, abs=1e-9)


def test_weights_are_poisson_and_depend_on_seed_draw_and_pair_alone() -> None:
    many = draw_weights(7, np.arange(200), 2000)
    assert many.mean() == pytest.approx(1, abs=0.01)
    assert many.var() == pytest.approx(1, abs=0.02)
    assert np.mean(many == 0) == pytest.approx(np.exp(-1), abs=0.005)
    assert np.abs(np.corrcoef(many[:, :40], rowvar=False) - np.eye(40)).max() < 0.12
    assert np.array_equal(draw_weights(7, np.array([5, 199]), 300), many[:300, [5, 199]])
    assert not np.array_equal(draw_weights(8, np.arange(200), 2000), many)


def test_the_bootstrap_agrees_with_the_delta_method() -> None:
    plan = replace(PLAN, models=("standardised",), other_errors=("cluster_pair",), draws=Draws(1000, 7))
    rows = binary_models("any", HAPPENED, PEOPLE, plan)
    for adjusted in (False, True):
        for measure in ("risk_difference", "risk_ratio", "odds_ratio"):
            delta, drawn = (
                pick(rows, "standardised", measure, e, adjusted) for e in ("cluster_pair", "bootstrap_pair")
            )
            assert drawn.estimate == pytest.approx(delta.estimate, rel=1e-9)
            assert drawn.high - drawn.low == pytest.approx(delta.high - delta.low, rel=0.1)
    assert binary_models("any", HAPPENED, PEOPLE, plan) == rows


def notes(rows: list[Effect]) -> dict[tuple[str, str], str]:
    assert all((row.estimate is None) == bool(row.note) for row in rows)
    return {(row.model, row.measure): row.note for row in rows if row.note}


@pytest.mark.parametrize(("happened", "why"), [(False, "no events"), (True, "only events")])
def test_no_events_and_all_events_are_notes_and_the_difference_stays(happened: bool, why: str) -> None:
    rows = binary_models("any", np.full(800, happened), PEOPLE, replace(PLAN, draws=Draws(20, 1)))
    told = notes(rows)
    assert told["logit", "odds_ratio"] == told["standardised", "risk_ratio"] == f"{why} in the treated arm"
    assert told["mcnemar", "odds_ratio"] == "no discordant pair"
    assert told["table", "number_needed"] == "the interval of the risk difference includes no difference"
    assert ("newcombe", "risk_difference") not in told


def test_one_discordant_pair_is_a_note() -> None:
    happened = np.zeros(800, bool)
    happened[[0, 2, 3]] = True
    told = notes(binary_models("any", happened, PEOPLE, PLAN))
    assert told["mcnemar", "odds_ratio"] == told["conditional_logit", "odds_ratio"] == "only one discordant pair"
    assert PairTable(0, 3, 0, 9).empty == "no pair in which only the comparator had the outcome"


def test_one_cluster_and_unknown_employers_are_notes() -> None:
    one = replace(PEOPLE, employer=np.zeros(800, np.int64))
    rows = binary_models("any", HAPPENED, one, PLAN)
    assert pick(rows, "logit", "odds_ratio", "cluster_employer").note == "fewer than two clusters"
    assert pick(rows, "logit", "odds_ratio", "cluster_both").note == "fewer than two clusters"
    unknown = count_models("n", COUNT, replace(PEOPLE, employer=None), COUNTS)
    assert pick(unknown, "ols", "difference_per_scale", "cluster_both").note == "no employers are known"


def test_a_cluster_of_one_person_is_no_fault() -> None:
    employer = PEOPLE.employer.copy()
    employer[0] = 99
    rows = binary_models("any", HAPPENED, replace(PEOPLE, employer=employer), PLAN)
    assert pick(rows, "logit", "odds_ratio", "cluster_employer").estimate is not None


def test_counts_without_overdispersion_or_events_are_notes() -> None:
    told = notes(count_models("n", HAPPENED.astype(int), PEOPLE, replace(COUNTS, other_errors=("nonrobust",))))
    assert told["negative_binomial", "rate_ratio"]
    told = notes(count_models("n", np.zeros(800, int), PEOPLE, COUNTS))
    assert told["two_part", "difference_per_scale"] == told["poisson", "rate_ratio"] == "no events in the treated arm"


def test_an_outcome_told_by_a_covariate_does_not_converge_anywhere_adjusted() -> None:
    tells = Matched(PEOPLE.treated, PEOPLE.pair, (HAPPENED * 2.0 + PEOPLE.treated)[:, None], ("tells",))
    rows = binary_models("any", HAPPENED, tells, replace(PLAN, other_errors=("nonrobust",), draws=Draws(20, 1)))
    for row in rows:
        if row.adjusted and row.model in ("logit", "standardised") and "employer" not in row.errors:
            assert row.errors == "cluster_both" or "does not converge" in row.note


def test_a_bootstrap_draw_without_events_is_a_note_and_not_dropped() -> None:
    happened = np.zeros(800, bool)
    happened[[0, 2, 5, 7]] = True
    plan = replace(PLAN, models=("standardised",), other_errors=(), draws=Draws(200, 1))
    assert {
        row.note for row in binary_models("any", happened, replace(PEOPLE, covariates=np.zeros((800, 0))), plan)
    } == {"a bootstrap draw has no events, or only events, in an arm"}


def test_mcnemar_s_p_value_is_exact() -> None:
    assert mcnemar(PairTable(5, 3, 12, 80)).p_value == pytest.approx(binomtest(3, 15, 0.5).pvalue, rel=1e-12)
