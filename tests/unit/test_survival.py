"""Time to the first event against direct calls of statsmodels, and against weights moved by hand."""

from dataclasses import replace

import numpy as np
import pytest
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Effect
from claimtwin.stats.matched import Matched
from claimtwin.stats.models import Plan
from claimtwin.stats.standard import Draws
from claimtwin.stats.survival import FollowUp, curve_of, hazard_ratio, risk_at, score_residuals, time_models
from claimtwin.study.times import time_effects
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from tests.support.pairs import made_up_pairs
from tests.support.rows import protocol_of

PEOPLE, _, _ = made_up_pairs()
RNG = np.random.default_rng(5)
FIRST = RNG.exponential(np.exp(6.0 + 0.4 * PEOPLE.treated - 0.01 * (PEOPLE.covariates[:, 0] - 50)))
LEFT = RNG.integers(20, 500, len(FIRST))
DAY = np.ceil(np.minimum(np.minimum(FIRST, LEFT), 365)).astype(np.int64)
FOLLOW = FollowUp(DAY, (FIRST <= LEFT) & (FIRST <= 365))
ALL = ("nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both", "bootstrap_pair")
PLAN = Plan(("kaplan_meier", "cox"), (), ALL, Draws(0, 1))
Z = 1.959963984540054


@pytest.fixture(scope="module")
def rows() -> list[Effect]:
    return time_models("first", FOLLOW, PEOPLE, PLAN, horizon=365)


def pick(rows: list[Effect], model: str, errors: str, adjusted: bool = False) -> Effect:
    (row,) = [r for r in rows if (r.model, r.errors, r.adjusted) == (model, errors, adjusted)]
    return row


def clusters(errors: str) -> np.ndarray | None:
    both = np.unique(np.column_stack([PEOPLE.pair, PEOPLE.employer]), axis=0, return_inverse=True)[1].ravel()
    return {"cluster_pair": PEOPLE.pair, "cluster_employer": PEOPLE.employer, "cluster_both": both}.get(errors)


def cox(adjusted: bool, groups: np.ndarray | None = None):
    x = np.column_stack([PEOPLE.treated, PEOPLE.covariates if adjusted else PEOPLE.covariates[:, []]]).astype(float)
    return PHReg(DAY.astype(float), x, status=FOLLOW.event.astype(float), ties="efron").fit(groups=groups, disp=0)


def assert_ratio(row: Effect, log_estimate: float, error: float) -> None:
    want = np.exp([log_estimate, log_estimate - Z * error, log_estimate + Z * error])
    assert (row.estimate, row.low, row.high) == pytest.approx(tuple(want), rel=1e-9)


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("errors", ["nonrobust", "cluster_pair", "cluster_employer"])
def test_cox_is_statsmodels(rows, errors: str, adjusted: bool) -> None:
    fit = cox(adjusted, clusters(errors))
    assert_ratio(pick(rows, "cox", errors, adjusted), fit.params[0], fit.bse[0])


def test_cox_clustered_both_ways_is_one_way_and_the_other_less_the_cells(rows) -> None:
    one, other, cell = (
        cox(True, clusters(e)).bse[0] ** 2 for e in ("cluster_pair", "cluster_employer", "cluster_both")
    )
    assert_ratio(pick(rows, "cox", "cluster_both", True), cox(True).params[0], np.sqrt(one + other - cell))


def test_score_residuals_are_statsmodels() -> None:
    x = np.column_stack([PEOPLE.treated, PEOPLE.covariates]).astype(float)
    fit = cox(True)
    want = np.nan_to_num(fit.score_residuals)  # who leaves before any event has none there, and pulls nothing
    assert score_residuals(FOLLOW, x, fit.params) == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("day", [30, 200, 365])
def test_kaplan_meier_is_statsmodels_with_greenwood_s_error(day: int) -> None:
    for arm in (PEOPLE.treated, ~PEOPLE.treated):
        want = SurvfuncRight(DAY[arm], FOLLOW.event[arm].astype(int))
        last = np.searchsorted(want.surv_times, day, side="right") - 1
        risk, pull = risk_at(FollowUp(DAY[arm], FOLLOW.event[arm]), day)
        assert risk == pytest.approx(1 - want.surv_prob[last], rel=1e-9)
        assert np.sqrt(pull @ pull) == pytest.approx(want.surv_prob_se[last], rel=1e-9)
    curve = curve_of(FollowUp(DAY[~PEOPLE.treated], FOLLOW.event[~PEOPLE.treated]))
    assert curve.at_risk.tolist() == want.n_risk.tolist()


def test_a_person_s_influence_is_what_the_curve_does_when_they_count_a_little_more() -> None:
    arm = PEOPLE.treated
    part = FollowUp(DAY[arm], FOLLOW.event[arm])
    _, pull = risk_at(part, 200)
    for person in (0, 7, int(np.flatnonzero(part.event & (part.time < 200))[3])):
        risks = []
        for step in (1e-5, -1e-5):
            weight = np.ones(len(part.time))
            weight[person] += step
            free = 1.0
            for day in np.unique(part.time[part.event & (part.time <= 200)]):
                at_risk = weight[part.time >= day].sum()
                free *= 1 - weight[part.event & (part.time == day)].sum() / at_risk
            risks.append(1 - free)
        assert pull[person] == pytest.approx((risks[0] - risks[1]) / 2e-5, abs=1e-8)


def test_the_difference_of_curves(rows) -> None:
    risks = [risk_at(FollowUp(DAY[arm], FOLLOW.event[arm]), 365) for arm in (PEOPLE.treated, ~PEOPLE.treated)]
    plain, paired = (pick(rows, "kaplan_meier", e) for e in ("nonrobust", "cluster_pair"))
    error = np.sqrt(sum(pull @ pull for _, pull in risks))
    assert plain.estimate == pytest.approx(100 * (risks[0][0] - risks[1][0]), rel=1e-9)
    assert (plain.high - plain.low) / 2 / Z == pytest.approx(100 * error, rel=1e-9)
    pull = risks[0][1] - risks[1][1]  # the two of a pair stand side by side in both arms
    assert (paired.high - paired.low) / 2 / Z == pytest.approx(100 * np.sqrt(pull @ pull), rel=1e-9)


def test_without_censoring_the_curve_is_the_two_by_two_table() -> None:
    whole = FollowUp(np.where(FOLLOW.event, DAY, 365), FOLLOW.event)
    (row,) = time_models("first", whole, PEOPLE, replace(PLAN, models=("kaplan_meier",), other_errors=("nonrobust",)),
                         horizon=365)  # fmt: skip
    one, zero = (FOLLOW.event[arm].mean() for arm in (PEOPLE.treated, ~PEOPLE.treated))
    error = np.sqrt(sum(p * (1 - p) / 400 for p in (one, zero)))
    want = tuple(100 * np.array([one - zero, one - zero - Z * error, one - zero + Z * error]))
    assert (row.estimate, row.low, row.high) == pytest.approx(want, rel=1e-9)


def test_errors_that_a_model_does_not_have_are_notes(rows) -> None:
    for errors in ("hc3", "bootstrap_pair"):
        assert pick(rows, "cox", errors).note and pick(rows, "kaplan_meier", errors).note


def notes(follow: FollowUp, people: Matched = PEOPLE) -> dict[tuple[str, str], str]:
    found = time_models("first", follow, people, replace(PLAN, other_errors=("nonrobust", "cluster_pair")), horizon=365)
    assert all((row.estimate is None) == bool(row.note) for row in found)
    return {(row.model, row.errors): row.note for row in found if not row.adjusted}


def test_no_events_are_a_note_and_one_empty_arm_leaves_the_difference() -> None:
    told = notes(FollowUp(DAY, np.zeros(800, bool)))
    assert told["cox", "nonrobust"] == "no events in the treated arm"
    assert told["kaplan_meier", "nonrobust"] == "no events"
    told = notes(FollowUp(np.full(800, 365), FOLLOW.event & PEOPLE.treated))
    assert told["cox", "cluster_pair"] == "no events in the comparator arm"
    assert told["kaplan_meier", "cluster_pair"] == ""


def test_all_events_leave_hazards_to_compare_and_no_difference_at_the_end() -> None:
    told = notes(FollowUp(np.minimum(DAY, 300), np.ones(800, bool)))
    assert told["cox", "nonrobust"] == ""
    assert told["kaplan_meier", "nonrobust"] == "only events"


def test_one_pair_and_too_short_a_follow_up_are_notes() -> None:
    one = Matched(np.array([True, False]), np.zeros(2, np.int64), np.zeros((2, 0)), ())
    told = notes(FollowUp(np.array([10, 20]), np.ones(2, bool)), one)
    assert "does not converge" in told["cox", "cluster_pair"] and "does not converge" in told["cox", "nonrobust"]
    assert told["kaplan_meier", "cluster_pair"] == "only events"
    short = FollowUp(np.minimum(DAY, 100), FOLLOW.event & (DAY <= 100))
    assert notes(short)["kaplan_meier", "nonrobust"] == "nobody is followed to the day of comparison"


def test_a_covariate_that_tells_the_day_has_no_finite_hazard() -> None:
    tells = replace(PEOPLE, covariates=-DAY[:, None].astype(float), names=("tells",))
    with pytest.raises(CannotFitError):
        hazard_ratio(FollowUp(DAY, np.ones(800, bool)), tells, [0], "nonrobust")


def test_a_study_asks_for_models_by_name_and_who_was_never_at_risk_is_left_out() -> None:
    protocol = protocol_of(models={"time": ["cox", "kaplan_meier"], "other_errors": ["cluster_pair"]})
    days, event = DAY.copy(), FOLLOW.event.copy()
    days[:20], event[:20] = 0, False
    got = time_effects("first", event, days, PEOPLE, protocol, horizon=365)
    part = np.arange(800) >= 20
    want = time_models("first", FollowUp(DAY[part], FOLLOW.event[part]), PEOPLE.part(part),
                       replace(PLAN, models=("cox", "kaplan_meier"), other_errors=("nonrobust", "cluster_pair")),
                       horizon=365)  # fmt: skip
    assert got == want
    assert time_effects("first", event, days, PEOPLE, protocol_of(), horizon=365) == []
