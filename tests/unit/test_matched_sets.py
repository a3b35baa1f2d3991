"""Sets with several twins: weights, and every estimate against a direct statsmodels call on the same rows."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.weights import person_weights
from claimtwin.stats.arms import arm_outcome
from claimtwin.stats.balance import WeightedSums
from claimtwin.stats.effects import binary_effects, count_effects
from claimtwin.stats.fitting import CannotFitError, difference, fit_gamma, fit_logit, fit_poisson
from claimtwin.stats.intervals import wald_of_log
from claimtwin.stats.matched import Matched, weights_of_sets
from claimtwin.stats.matched_sets import _climb, conditional_ratio_of_sets, strata_of
from claimtwin.stats.models import UNWEIGHTED, Plan, binary_models, count_models
from claimtwin.stats.paired import OF_PAIRS_ALONE, conditional_odds_ratio, pair_table
from claimtwin.stats.person_time import person_time, rate_effects
from claimtwin.stats.power import Wanted, detectable_difference
from claimtwin.stats.standard import Draws
from claimtwin.stats.subgroups import Grouping, group_effect, interaction_p
from claimtwin.stats.weighted_balance import weighted_balance
from claimtwin.study.balance_detail import _weighed
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows
from claimtwin.study.sensitivity import sensitivity_of
from statsmodels.discrete.conditional_models import ConditionalLogit

from tests.support.pairs import made_up_pairs
from tests.support.rows import protocol_of
from tests.support.sets import made_up_sets

PEOPLE, HAPPENED, COUNT = made_up_sets()
Y = HAPPENED.astype(float)
DESIGN = np.column_stack([np.ones(len(Y)), PEOPLE.treated, PEOPLE.covariates])
CLUSTER = {"cov_type": "cluster", "cov_kwds": {"groups": PEOPLE.pair}}
PLAN = Plan(
    ("table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit", "ols",
     "negative_binomial", "two_part"),
    ("hc3", "cluster_employer", "cluster_both"), ("nonrobust", "hc3", "cluster_pair"), Draws(40, 3),
)  # fmt: skip
NINE = {"rel": 1e-9, "abs": 1e-12}


def direct(model, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(**options)


def logit_of(family=None, y=Y, x=DESIGN, **options):
    family = family or sm.families.Binomial()
    return direct(sm.GLM(y, x, family=family, var_weights=PEOPLE.weight), tol=1e-12, maxiter=200, **options)


def by_hand(pull, curve, groups):
    """Sandwich of weighted pulls, summed by cluster, with the usual factor for few clusters."""
    bread, n, k = np.linalg.inv(DESIGN.T @ (DESIGN * curve[:, None])), *DESIGN.shape
    total = np.zeros((groups.max() + 1, k))
    np.add.at(total, groups, DESIGN * pull[:, None])
    g = len(np.unique(groups))
    return np.sqrt(np.diag(bread @ (total.T @ total) @ bread) * g / (g - 1) * (n - 1) / (n - k))


def found_in(effects, **wanted):
    got = [e for e in effects if all(getattr(e, key) == value for key, value in wanted.items())]
    assert len(got) == 1, (wanted, got)
    return got[0]


def assert_ratio(effect, params, error):
    wanted = wald_of_log(float(params), float(error))
    for name in ("estimate", "low", "high"):
        assert getattr(effect, name) == pytest.approx(getattr(wanted, name), **NINE)


def test_weights_are_those_of_the_matching_engine() -> None:
    rng = np.random.default_rng(5)
    order = rng.permutation(len(Y))
    treated, pair = PEOPLE.treated[order], PEOPLE.pair[order]
    row_of = {number: row for row, number in enumerate(pair) if treated[row]}
    controls = np.flatnonzero(~treated)
    couples = Pairs(np.array([row_of[p] for p in pair[controls]]), controls, np.ones(len(controls), int), np.zeros(0))
    np.testing.assert_allclose(weights_of_sets(treated, pair), person_weights(treated, couples), rtol=1e-12)
    assert PEOPLE.weight[~PEOPLE.treated].sum() == pytest.approx((~PEOPLE.treated).sum())
    assert PEOPLE.has_sets and not made_up_pairs()[0].has_sets


def test_sets_of_one_size_weigh_nothing() -> None:
    for most in (1, 3):
        people = made_up_sets(most=most, fixed=True)[0]
        assert people.weight is None and people.has_sets == (most > 1)


def test_the_main_effects_are_those_of_weighted_statsmodels_models_clustered_on_the_set() -> None:
    effects = binary_effects("o", HAPPENED, PEOPLE).effects
    for adjusted, x in ((True, DESIGN), (False, DESIGN[:, :2])):
        for errors, options in (("cluster_pair", CLUSTER), ("nonrobust", {})):
            fit = logit_of(x=x, **options)
            row = found_in(effects, measure="odds_ratio", adjusted=adjusted, errors=errors)
            assert_ratio(row, fit.params[1], fit.bse[1])
    mean = np.asarray(logit_of().predict())
    own = PEOPLE.weight
    error = by_hand(own * (Y - mean), own * mean * (1 - mean), PEOPLE.pair)[1]
    fit = fit_logit(Y, DESIGN, PEOPLE, "cluster_pair")
    assert fit.error == pytest.approx(error, rel=1e-9)
    assert abs(float(fit.params[1]) - float(direct(sm.Logit(Y, DESIGN), disp=0).params[1])) > 1e-3
    of_count = count_effects("c", COUNT, PEOPLE, scale=100).effects
    ols = direct(sm.WLS(COUNT * 100.0, DESIGN, weights=own), use_t=True, **CLUSTER)
    row = found_in(of_count, adjusted=True, errors="cluster_pair")
    wanted = (ols.params[1], *ols.conf_int()[1], ols.pvalues[1])
    assert (row.estimate, row.low, row.high, row.p_value) == pytest.approx(wanted, **NINE)


def test_crude_contrasts_are_a_weighted_regression_on_the_arm_with_plain_robust_errors() -> None:
    effects = binary_effects("o", HAPPENED, PEOPLE).effects
    line = direct(sm.WLS(Y, DESIGN[:, :2], weights=PEOPLE.weight), cov_type="HC0", use_t=False)
    apart = found_in(effects, measure="risk_difference")
    wanted = (line.params[1], *line.conf_int()[1], line.pvalues[1])
    assert (apart.estimate / 100, apart.low / 100, apart.high / 100, apart.p_value) == pytest.approx(wanted, **NINE)
    for name, family, rows in (
        ("risk_ratio", sm.families.Poisson(), effects),
        ("odds_ratio", sm.families.Binomial(), binary_models("o", HAPPENED, PEOPLE, PLAN)),
    ):
        fit = logit_of(family, x=DESIGN[:, :2])
        mean = np.asarray(fit.predict())
        curve = PEOPLE.weight * (mean if name == "risk_ratio" else mean * (1 - mean))
        bread = np.linalg.inv(DESIGN[:, :2].T @ (DESIGN[:, :2] * curve[:, None]))
        pull = DESIGN[:, :2] * (PEOPLE.weight * (Y - mean))[:, None]
        error = np.sqrt((bread @ pull.T @ pull @ bread)[1, 1])
        assert_ratio(found_in(rows, measure=name, model="table"), fit.params[1], error)
    ratio, less = (found_in(effects, measure=name) for name in ("risk_ratio", "relative_reduction"))
    assert less.estimate == pytest.approx(100 - 100 * ratio.estimate, **NINE)


def test_every_other_model_takes_the_weights_or_says_that_it_cannot() -> None:
    rows = [*binary_models("o", HAPPENED, PEOPLE, PLAN), *count_models("c", COUNT, PEOPLE, PLAN)]
    notes = {(e.model, e.errors): e.note for e in rows
             if e.note and e.errors != "hc3" and e.measure != "number_needed"}  # fmt: skip
    assert {model: note for (model, _), note in notes.items() if model != "two_part"} == {
        "newcombe": UNWEIGHTED, "mcnemar": OF_PAIRS_ALONE, "negative_binomial": UNWEIGHTED,
    }  # fmt: skip
    poisson = logit_of(sm.families.Poisson(), **CLUSTER)
    row = found_in(rows, outcome="o", model="poisson", adjusted=True, errors="cluster_pair")
    assert_ratio(row, poisson.params[1], poisson.bse[1])
    gamma = direct(sm.GLM(COUNT * 1.0, DESIGN, family=sm.families.Gamma(sm.families.links.Log()),
                          var_weights=PEOPLE.weight), tol=1e-13, maxiter=500, **CLUSTER)  # fmt: skip
    got = fit_gamma(COUNT * 1.0, DESIGN, PEOPLE, "cluster_pair")
    assert (got.params[1], got.error) == pytest.approx((gamma.params[1], gamma.bse[1]), rel=1e-7)
    two = found_in(rows, model="two_part", measure="mean_ratio", adjusted=True, errors="cluster_pair")
    some = HAPPENED
    part = direct(
        sm.GLM(COUNT[some] * 1.0, DESIGN[some], family=sm.families.Poisson(), var_weights=PEOPLE.weight[some]),
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": PEOPLE.pair[some]},
    )  # fmt: skip
    assert_ratio(two, part.params[1], part.bse[1])


def test_standardised_risks_are_averages_over_the_treated_of_the_weighted_model() -> None:
    rows = binary_models("o", HAPPENED, PEOPLE, PLAN)
    fit = logit_of(**CLUSTER)
    treated, moved = DESIGN[PEOPLE.treated], []
    for arm in (1.0, 0.0):
        x = treated.copy()
        x[:, 1] = arm
        p = 1 / (1 + np.exp(-x @ fit.params))
        moved.append((p.mean(), (p * (1 - p)) @ x / len(x)))
    apart, slope = moved[0][0] - moved[1][0], moved[0][1] - moved[1][1]
    error = np.sqrt(slope @ fit.cov_params() @ slope)
    wanted = {"model": "standardised", "measure": "risk_difference", "adjusted": True}
    row = found_in(rows, **wanted, errors="cluster_pair")
    assert (row.estimate, row.high - row.estimate) == pytest.approx((100 * apart, 196 * error), rel=1e-4)
    assert row.estimate == pytest.approx(100 * apart, **NINE)
    drawn = found_in(rows, **wanted, errors="bootstrap_pair")
    assert drawn.estimate == pytest.approx(row.estimate, rel=1e-9) and drawn.low < drawn.estimate < drawn.high


def test_hc3_errors_of_weighted_models() -> None:
    line = direct(sm.WLS(Y, DESIGN, weights=PEOPLE.weight), use_t=True, cov_type="HC3")
    got = difference(Y, DESIGN, PEOPLE, "hc3")
    assert (got.estimate, got.low) == pytest.approx((line.params[1], line.conf_int()[1][0]), **NINE)
    mean = np.asarray(logit_of(sm.families.Poisson()).predict())
    curve, pull = PEOPLE.weight * mean, PEOPLE.weight * (Y - mean)
    bread = np.linalg.inv(DESIGN.T @ (DESIGN * curve[:, None]))
    leverage = curve * np.einsum("ij,jk,ik->i", DESIGN, bread, DESIGN)
    score = DESIGN * (pull / (1 - leverage))[:, None]
    error = np.sqrt((bread @ score.T @ score @ bread)[1, 1])
    assert fit_poisson(Y, DESIGN, PEOPLE, "hc3").error == pytest.approx(error, rel=1e-9)


def test_conditional_logit_of_sets_is_statsmodels_and_for_pairs_the_model_of_pairs() -> None:
    x = np.column_stack([PEOPLE.treated, PEOPLE.covariates / PEOPLE.covariates.std(axis=0)]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ConditionalLogit(Y, x, groups=PEOPLE.pair)
    beta, cov = _climb(x, strata_of(HAPPENED, PEOPLE.pair))
    assert np.abs(model.score(beta)).max() < 1e-8  # its own search stops earlier
    np.testing.assert_allclose(cov, np.linalg.inv(-model.hessian(beta)), rtol=1e-4, atol=1e-9)
    got = conditional_ratio_of_sets(HAPPENED, PEOPLE, [0, 1])
    assert_ratio(got, beta[0], np.sqrt(cov[0, 0]))
    pairs, happened, _ = made_up_pairs()
    one, other = conditional_odds_ratio(happened, pairs, [0, 1]), conditional_ratio_of_sets(happened, pairs, [0, 1])
    assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high), rel=1e-8)
    assert conditional_odds_ratio(HAPPENED, PEOPLE, [0, 1]) == got


def test_conditional_logit_that_has_no_solution_says_why() -> None:
    nobody = np.zeros(len(Y), bool)
    with pytest.raises(CannotFitError, match="no set in which some"):
        conditional_ratio_of_sets(nobody, PEOPLE, [])
    with pytest.raises(CannotFitError, match=r"does not converge|not finite"):
        conditional_ratio_of_sets(PEOPLE.treated, PEOPLE, [])
    alone = Matched(np.zeros(6, bool), np.arange(6) // 3, np.zeros((6, 0)), ())
    with pytest.raises(CannotFitError, match="arms do not differ"):
        conditional_ratio_of_sets(np.arange(6) % 3 == 0, alone, [])


def test_rates_groups_and_interactions_are_weighted() -> None:
    days = np.random.default_rng(2).integers(1, 365, len(Y))
    fit = direct(sm.GLM(COUNT * 1.0, DESIGN, family=sm.families.Poisson(), offset=np.log(days),
                        var_weights=PEOPLE.weight), tol=1e-12, **CLUSTER)  # fmt: skip
    row = found_in(rate_effects("r", COUNT, days, PEOPLE).effects, adjusted=True, errors="cluster_pair")
    assert_ratio(row, fit.params[1], fit.bse[1])
    arm = ~PEOPLE.treated
    own = PEOPLE.weight[arm]
    rate = person_time(COUNT[arm], days[arm], own)
    assert rate.rate == pytest.approx(100 * 365.25 * (own @ COUNT[arm]) / (own @ days[arm]))
    assert rate.events == COUNT[arm].sum() and rate.low < rate.rate < rate.high
    old = PEOPLE.covariates[:, 0] > 50
    some = direct(
        sm.GLM(Y[old], DESIGN[old][:, :2], family=sm.families.Binomial(), var_weights=PEOPLE.weight[old]),
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": PEOPLE.pair[old]},
    )  # fmt: skip
    effect = group_effect("o", COUNT, PEOPLE, old, None)
    assert_ratio(effect, some.params[1], some.bse[1])
    grouping = Grouping("age", ("young", "old"), old.astype(np.int64))
    crossed = np.column_stack([~old, old, ~old * PEOPLE.treated, old * PEOPLE.treated]).astype(float)
    whole = logit_of(x=crossed, **CLUSTER)
    wanted = float(whole.wald_test(np.array([[0, 0, -1, 1]]), scalar=True).pvalue)
    assert interaction_p(COUNT, PEOPLE, grouping, [0, 1], None) == pytest.approx(wanted, rel=1e-8)


def test_an_arm_is_told_by_weighted_shares_and_plain_counts() -> None:
    arm = ~PEOPLE.treated
    own, count = PEOPLE.weight[arm], COUNT[arm]
    told = arm_outcome(count, own)
    assert (told.n, told.people, told.total) == (arm.sum(), (count > 0).sum(), count.sum())
    assert told.percent == pytest.approx(100 * np.average(count > 0, weights=own))
    assert told.per_100 == pytest.approx(100 * np.average(count, weights=own))
    even, plain = arm_outcome(count, np.ones(len(count))), arm_outcome(count)
    assert [even.low, even.high, even.sd] == pytest.approx([plain.low, plain.high, plain.sd])


def test_weighted_sums_give_the_balance_that_single_people_do() -> None:
    rng = np.random.default_rng(8)
    twins = rng.integers(1, 5, 200)
    value = rng.normal(40, 9, 200)
    groups = [(float((twins == m).sum()), float(value[twins == m].sum()), float((value[twins == m] ** 2).sum()))
              for m in range(1, 5)]  # fmt: skip
    got = WeightedSums.of([1 / m for m in range(1, 5)], groups)
    column = np.append(value, [30.0, 50.0])
    wanted = weighted_balance(column, np.arange(202) >= 200, np.append(1 / twins, [1.0, 1.0]))
    assert got.mean == pytest.approx(wanted.mean_comparator)
    assert 200.0 / got.variance == pytest.approx(wanted.variance_ratio)


def test_more_twins_show_smaller_effects_and_one_is_as_before() -> None:
    wanted = Wanted()
    one, two, many = (detectable_difference(2000, 0.2, wanted, twins=twins) for twins in (1.0, 2.0, 1e9))
    assert one == detectable_difference(2000, 0.2, wanted) and one > two > many > one / np.sqrt(2.2)


def test_a_study_of_sets_gives_all_rows_and_no_bounds_of_pairs() -> None:
    rows = pa.table(
        {
            "block": pa.array(["all"] * len(Y)), "rank": pa.array(PEOPLE.pair), "treated": pa.array(PEOPLE.treated),
            "employer_id": pa.array([f"E{k}" for k in PEOPLE.employer]), "age": pa.array(PEOPLE.covariates[:, 0]),
            "sex": pa.array(np.where(PEOPLE.covariates[:, 1] > 0, "female", "male")),
            "any_opioid": pa.array(HAPPENED.astype(np.int64)), "opioid_fills": pa.array(COUNT),
        }
    )  # fmt: skip
    protocol = protocol_of(matching={"ratio": 4}, models={"bootstrap_draws": 20})
    matched = matched_rows(rows, protocol)
    np.testing.assert_array_equal(matched.people.weight, PEOPLE.weight)
    found = estimate(matched, protocol, 11)
    arm = next(row for row in found.outcomes if (row["outcome"], row["arm"]) == ("any_opioid", "comparator"))
    assert arm["people"] == HAPPENED[~PEOPLE.treated].sum()
    assert arm["percent"] == pytest.approx(100 * np.average(HAPPENED[~PEOPLE.treated],
                                                            weights=PEOPLE.weight[~PEOPLE.treated]))  # fmt: skip
    within = [row for row in found.models if row["model"] == "conditional_logit"]
    assert [row["adjusted"] for row in within] == [False, True] and all(row["estimate"] for row in within)
    told = sensitivity_of(matched, protocol, found.outcomes, found.effects, 11)
    assert {row["note"] for row in told["rosenbaum"]} == {OF_PAIRS_ALONE}
    table = pair_table(HAPPENED, PEOPLE)
    assert table.both + table.treated_only + table.comparator_only + table.neither == PEOPLE.treated.sum()
    any_twin = np.array([HAPPENED[(PEOPLE.pair == p) & ~PEOPLE.treated].any() for p in PEOPLE.pair[PEOPLE.treated]])
    assert table.both == (HAPPENED[PEOPLE.treated] & any_twin).sum()


def test_weights_find_the_planted_effect_on_the_treated_and_intervals_cover_it() -> None:
    """Who finds many twins has more risk: without weights the difference is wrong, with them 95 in 100 hold it."""
    rng, sets = np.random.default_rng(11), 300
    planted, found, plain = -12.0, [], []
    for _ in range(300):
        twins = rng.choice([1, 5], sets)
        pair = np.repeat(np.arange(sets), twins + 1)
        treated = np.append(True, pair[1:] != pair[:-1])
        risk = np.where(twins == 5, 0.6, 0.2)[pair] + rng.uniform(-0.05, 0.05, sets)[pair] + planted / 100 * treated
        y = 100.0 * (rng.random(len(pair)) < risk)
        x = np.column_stack([np.ones(len(y)), treated])
        weight = weights_of_sets(treated, pair)
        found.append(difference(y, x, Matched(treated, pair, x[:, :0], (), weight=weight), "cluster_pair"))
        plain.append(difference(y, x, Matched(treated, pair, x[:, :0], ()), "cluster_pair"))
    covered = np.mean([one.low <= planted <= one.high for one in found])
    assert 0.91 <= covered <= 0.985
    assert np.mean([one.estimate for one in found]) == pytest.approx(planted, abs=0.6)
    assert np.mean([one.estimate for one in plain]) < planted - 8


def test_distributions_and_code_groups_are_added_up_by_weight() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 9, (4, 2, 5))
    told = _weighed(counts)
    by_hand = [[sum(counts[s, 0, k] / (s + 1) for s in range(4)) for k in range(5)], counts[:, 1].sum(axis=0).tolist()]
    np.testing.assert_allclose(told, by_hand)
    assert _weighed(counts[:1]).tolist() == counts[0].tolist()
