"""Rates by person-time: against a direct call of statsmodels, the exact interval's own definition, and small cells."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from claimtwin.report.effect_tables import follow_up_table
from claimtwin.stats.matched import Matched
from claimtwin.stats.models import Plan
from claimtwin.stats.person_time import NO_TIME, person_time, rate_effects, rate_models
from claimtwin.stats.standard import Draws
from claimtwin.study.effects import estimate, person_time_rows
from claimtwin.study.matched import matched_rows
from scipy.stats import poisson

from tests.support.rows import compact_rows, protocol_of


def history(seed, n=300):
    """Events and days at risk of both arms in pairs; some people are never at risk."""
    rng = np.random.default_rng(seed)
    treated = np.arange(n) % 2 == 0
    days = np.where(rng.random(n) < 0.1, 0, rng.integers(1, 366, n))
    events = rng.poisson(days * np.where(treated, 0.002, 0.004) * rng.gamma(2, 0.5, n))
    age = rng.normal(50, 10, n)
    return events, days, Matched(treated, np.arange(n) // 2, age[:, None], ("age",))


@pytest.mark.parametrize("seed", range(5))
def test_a_ratio_of_rates_equals_a_direct_poisson_regression(seed):
    events, days, people = history(seed)
    rows = {(e.adjusted, e.errors): e for e in rate_effects("o", events, days, people).effects}
    at_risk = days > 0
    for adjusted in (False, True):
        columns = [np.ones(at_risk.sum()), people.treated[at_risk], *([people.covariates[at_risk, 0]] * adjusted)]
        model = sm.GLM(events[at_risk], np.column_stack(columns).astype(float), family=sm.families.Poisson(),
                       exposure=days[at_risk])  # fmt: skip
        kinds = {"nonrobust": {}, "cluster_pair": {"cov_type": "cluster", "cov_kwds": {"groups": people.pair[at_risk]}}}
        for errors, options in kinds.items():
            direct, found = model.fit(tol=1e-12, **options), rows[adjusted, errors]
            ends = np.exp([direct.params[1], *direct.conf_int()[1]])
            assert np.allclose([found.estimate, found.low, found.high], ends, rtol=1e-9)
            assert found.n == at_risk.sum()


def test_other_errors_of_the_ratio_equal_a_direct_poisson_regression():
    events, days, people = history(7)
    employer = np.random.default_rng(1).integers(0, 12, 300)
    people = replace(people, employer=employer)
    errors = ("nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both", "bootstrap_pair")
    rows = {
        (e.adjusted, e.errors): e for e in rate_models("o", events, days, people, Plan((), errors, (), Draws(5, 1)))
    }
    assert {kind for _, kind in rows} == {"hc3", "cluster_employer", "cluster_both", "bootstrap_pair"}
    assert rows[True, "bootstrap_pair"].note == "this model has no bootstrap of pairs"
    some = days > 0
    spread = (people.covariates[some, 0] - people.covariates[some, 0].mean()) / people.covariates[some, 0].std()
    x = np.column_stack([np.ones(some.sum()), people.treated[some], spread]).astype(float)
    model = sm.GLM(events[some], x, family=sm.families.Poisson(), exposure=days[some])
    for kind, groups in (("cluster_employer", employer[some]),
                         ("cluster_both", np.column_stack([people.pair, employer])[some])):  # fmt: skip
        direct = model.fit(tol=1e-12, cov_type="cluster", cov_kwds={"groups": groups})
        assert np.log(rows[True, kind].low) == pytest.approx(direct.conf_int()[1][0], rel=1e-9)
    mean = model.fit(tol=1e-12).fittedvalues
    bread = np.linalg.inv(x.T @ (x * mean[:, None]))
    leverage = mean * np.einsum("ij,jk,ik->i", x, bread, x)
    meat = x * ((events[some] - mean) / (1 - leverage))[:, None]
    error = np.sqrt((bread @ meat.T @ meat @ bread)[1, 1])
    found = rows[True, "hc3"]
    assert np.log(found.high / found.estimate) == pytest.approx(1.959963984540054 * error, rel=1e-9)


@pytest.mark.parametrize("events", [0, 1, 7, 250])
def test_the_interval_of_a_rate_is_exact(events):
    """At the lower end so many events or more have a chance of 2.5 %, at the upper end so many or fewer."""
    found = person_time(np.array([events, 0]), np.array([200, 165]))
    years = 365 / 36525
    assert found.rate == pytest.approx(events / years)
    assert poisson.cdf(events, found.high * years) == pytest.approx(0.025)
    assert poisson.sf(events - 1, found.low * years) == pytest.approx(0.025 if events else 1)
    assert (found.n, found.days, found.events) == (2, 365, events)


def test_nobody_at_risk_and_an_arm_without_events_have_reasons():
    events, days, people = history(1)
    assert person_time(events[:0], days[:0]) == person_time(np.zeros(3, int), np.zeros(3, int)).__class__(
        0, 0, 0, 0, None, None, None
    )
    quiet = np.where(people.treated, 0, events)
    assert {e.note for e in rate_effects("o", quiet, days, people).effects} == {"no events in the treated arm"}
    never = np.where(people.treated, days, 0)
    assert {e.note for e in rate_effects("o", events * (never > 0), never, people).effects} == {
        "nobody at risk in the comparator arm"
    }


def rows_over_time(**parts):
    """The made-up rows with days of follow-up, in a study that censors."""
    rows = compact_rows(**parts)
    n = rows.num_rows
    days = pa.array(np.random.default_rng(3).integers(1, 366, n))
    rows = rows.append_column("any_opioid_days", days).append_column("opioid_fills_days", days)
    outcomes = [
        {"name": "any_opioid", "title": "First fill", "kind": "time", "drug": "opioid", "window": [1, 365]},
        {"name": "opioid_fills", "title": "Fills", "kind": "rate", "drug": "opioid", "window": [1, 365]},
    ]
    return rows, protocol_of(outcomes=outcomes, enrollment={"post_mode": "censor"})


def test_a_study_tells_rates_and_their_ratio():
    rows, protocol = rows_over_time()
    matched = matched_rows(rows, protocol)
    found = estimate(matched, protocol, 11)
    told = person_time_rows(matched, protocol, found.outcomes, 11)
    assert {row["measure"] for row in found.effects} == {"incidence_rate_ratio"}
    withheld = [row["errors"] for row in found.effects if row["note"]]
    assert set(withheld) == {"cluster_pair"}  # pairs in which both had it are rare
    assert all(row["estimate"] for row in found.effects if not row["note"])
    assert {(row["model"], row["errors"]) for row in found.models} == {
        ("person_time", kind) for kind in ("hc3", "cluster_employer", "cluster_both")
    }
    side = matched.people.treated
    assert told[0]["days"] == matched.days("any_opioid")[side].sum()
    assert told[0]["events"] == told[0]["people"] == matched.count("any_opioid")[side].sum()
    results = {"person_time": told, "arms": {"treated": "A", "comparator": "B"}, "outcome_titles": {}}
    table = follow_up_table(results, "opioid_fills")
    assert table is not None
    assert table.rows[1][:2] == ("B", "400")
    assert follow_up_table(results, "other") is None


def test_people_at_risk_are_not_told_where_few_never_were():
    rows, protocol = rows_over_time()
    place = rows.column_names.index("any_opioid_days")
    days = rows["any_opioid_days"].to_numpy().copy()
    days[:6] = 0
    rows = rows.set_column(place, "any_opioid_days", pa.array(days))
    matched = matched_rows(rows, protocol)
    told = person_time_rows(matched, protocol, estimate(matched, protocol, 11).outcomes, 11)
    assert [row["n"] for row in told] == [None, None, 400, 400]
    assert told[0]["rate"] is not None


def test_an_arm_with_few_events_tells_no_rate():
    rows, protocol = rows_over_time(pairs=30, risk=0.05)
    matched = matched_rows(rows, protocol)
    found = estimate(matched, protocol, 11)
    told = person_time_rows(matched, protocol, found.outcomes, 11)
    few = [row for row in found.outcomes if row["people"] is None]
    assert few
    hidden = [row for row in told if (row["outcome"], row["arm"]) in {(r["outcome"], r["arm"]) for r in few}]
    assert all(row == {"outcome": row["outcome"], "arm": row["arm"], **vars(NO_TIME)} for row in hidden)
    assert {row["estimate"] for row in found.effects} == {None}


@pytest.mark.parametrize(("none", "hidden"), [(0, False), (3, True), (30, False)])
def test_a_cost_that_almost_everybody_has_is_told_but_for_who_had_none(none, hidden):
    rows = compact_rows()
    cents = np.random.default_rng(1).integers(100, 90_000, rows.num_rows)
    cents[np.flatnonzero(rows["treated"].to_numpy(zero_copy_only=False))[:none]] = 0
    rows = rows.append_column("cents", pa.array(cents))
    protocol = protocol_of(
        outcomes=[{"name": "cents", "title": "Cents", "kind": "cost", "window": [1, 365]}],
        models={"count": ["ols", "poisson", "two_part"]},
    )
    found = estimate(matched_rows(rows, protocol), protocol, 11)
    assert found.outcomes[0]["total"] == cents[rows["treated"].to_numpy(zero_copy_only=False)].sum()
    assert (found.outcomes[0]["people"] is None) == hidden
    notes = {row["model"]: row["note"] for row in (*found.effects, *found.models)}
    assert (notes["ols"], notes["poisson"]) == ("", "")
    assert (notes["two_part"] == "withheld: small cell") == hidden


def test_a_cost_that_few_have_is_not_told():
    rows = compact_rows()
    cents = np.zeros(rows.num_rows, np.int64)
    cents[:6] = 5000
    protocol = protocol_of(outcomes=[{"name": "cents", "title": "Cents", "kind": "cost", "window": [1, 365]}])
    found = estimate(matched_rows(rows.append_column("cents", pa.array(cents)), protocol), protocol, 11)
    assert [row["total"] for row in found.outcomes] == [None, None]
    assert {row["estimate"] for row in found.effects} == {None}
