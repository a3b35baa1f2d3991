"""Effects against sandwiches and 2 x 2 tables written out by hand."""

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.stats.arms import TwoByTwo, arm_outcome, crude_odds_ratio, number_needed, two_by_two
from claimtwin.stats.effects import Effect, Estimates, Matched, binary_effects, count_effects
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import NO_WIDTH


def people(n: int = 300, seed: int = 1) -> tuple[Matched, np.random.Generator]:
    rng = np.random.default_rng(seed)
    covariates = np.column_stack([rng.normal(50, 12, 2 * n), rng.random(2 * n) < 0.4]).astype(float)
    return Matched(np.arange(2 * n) % 2 == 0, np.arange(2 * n) // 2, covariates, ("age", "sex")), rng


def pick(found: Estimates, measure: str, *, adjusted: bool = False, errors: str = "nonrobust") -> Effect:
    (effect,) = [e for e in found.effects if (e.measure, e.adjusted, e.errors) == (measure, adjusted, errors)]
    return effect


def sandwich(design: FloatArray, score: FloatArray, bread: FloatArray, pair: np.ndarray) -> float:
    """Clustered variance of column 1, a pair at a time, with the usual small-sample factor."""
    meat = np.zeros_like(bread)
    for one in np.unique(pair):
        total = (design * score[:, None])[pair == one].sum(axis=0)
        meat += np.outer(total, total)
    n, p, groups = *design.shape, len(np.unique(pair))
    return float((bread @ meat @ bread)[1, 1] * groups / (groups - 1) * (n - 1) / (n - p))


def test_unadjusted_odds_ratio_is_the_table_s() -> None:
    everybody, rng = people()
    happened = rng.random(600) < 0.2
    got = pick(binary_effects("any", happened, everybody), "odds_ratio")
    woolf = crude_odds_ratio(two_by_two(happened, everybody.treated))
    assert (got.estimate, got.low, got.high) == pytest.approx((woolf.estimate, woolf.low, woolf.high), rel=1e-7)
    assert got.p_value == pytest.approx(woolf.p_value, rel=1e-6)
    assert got.n == 600


def test_clustered_odds_ratio_is_the_sandwich() -> None:
    everybody, rng = people()
    happened = (rng.random(600) < 0.2) | (rng.random(300) < 0.2).repeat(2)
    got = pick(binary_effects("any", happened, everybody), "odds_ratio", errors="cluster_pair")
    design = np.column_stack([np.ones(600), everybody.treated])
    share = np.where(everybody.treated, happened[everybody.treated].mean(), happened[~everybody.treated].mean())
    bread = np.linalg.inv(design.T @ (design * (share * (1 - share))[:, None]))
    error = np.sqrt(sandwich(design, happened - share, bread, everybody.pair))
    assert np.log(got.high / got.low) / 2 / 1.959963984540054 == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("adjusted", [False, True])
def test_difference_is_least_squares_and_its_sandwich(adjusted: bool) -> None:
    everybody, rng = people()
    count = rng.poisson(0.3, 600)
    found = count_effects("fills", count, everybody, scale=100)
    extra = everybody.covariates if adjusted else everybody.covariates[:, []]
    design = np.column_stack([np.ones(600), everybody.treated, extra])
    slope, *_ = np.linalg.lstsq(design, count * 100.0, rcond=None)
    left = count * 100.0 - design @ slope
    bread = np.linalg.inv(design.T @ design)
    plain = pick(found, "difference_per_scale", adjusted=adjusted)
    clustered = pick(found, "difference_per_scale", adjusted=adjusted, errors="cluster_pair")
    assert plain.estimate == pytest.approx(slope[1])
    error = np.sqrt(left @ left / (600 - design.shape[1]) * bread[1, 1])
    assert (plain.high - plain.low) / 2 == pytest.approx(1.96 * error, rel=0.01)
    error = np.sqrt(sandwich(design, left, bread, everybody.pair))
    assert (clustered.high - clustered.low) / 2 == pytest.approx(1.96 * error, rel=0.01)


def test_adjustment_removes_a_confounder() -> None:
    everybody, rng = people(4000)
    age = rng.normal(50, 10, 8000) + 5 * everybody.treated
    confounded = Matched(everybody.treated, everybody.pair, age[:, None], ("age",))
    happened = rng.random(8000) < 1 / (1 + np.exp(-(-1 - 0.7 * everybody.treated + 0.08 * (age - 50))))
    found = binary_effects("any", happened, confounded)
    adjusted = pick(found, "odds_ratio", adjusted=True)
    assert adjusted.low is not None
    assert adjusted.high is not None
    assert adjusted.low < np.exp(-0.7) < adjusted.high
    assert pick(found, "odds_ratio").estimate > adjusted.high  # type: ignore[operator]


def test_covariates_that_say_nothing_are_left_out_by_name() -> None:
    everybody, rng = people()
    age, sex = everybody.covariates.T
    nobody = (np.arange(600) < 8).astype(float)
    wide = np.column_stack([age, sex, np.full(600, 3.0), 2 * age + sex, everybody.treated, nobody])
    names = ("age", "sex", "plan", "both", "arm", "rare")
    happened = (rng.random(600) < 0.2) & (nobody == 0)
    found = binary_effects("any", happened, Matched(everybody.treated, everybody.pair, wide, names))
    assert found.left_out == ("plan", "both", "arm", "rare")
    counted = count_effects("n", happened.astype(int), Matched(everybody.treated, everybody.pair, wide, names))
    assert counted.left_out == ("plan", "both", "arm")
    same = binary_effects("any", happened, everybody)
    assert pick(found, "odds_ratio", adjusted=True).estimate == pytest.approx(
        pick(same, "odds_ratio", adjusted=True).estimate, rel=1e-9
    )


def test_without_covariates_nothing_is_adjusted() -> None:
    everybody, rng = people()
    bare = Matched(everybody.treated, everybody.pair, np.zeros((600, 0)), ())
    assert not any(e.adjusted for e in binary_effects("any", rng.random(600) < 0.3, bare).effects)


def test_no_events_in_an_arm_is_a_note_and_the_difference_stays() -> None:
    everybody, rng = people()
    happened = (rng.random(600) < 0.2) & ~everybody.treated
    found = binary_effects("any", happened, everybody)
    assert {e.note for e in found.effects if e.measure != "risk_difference"} == {"no events in the treated arm"}
    difference = pick(found, "risk_difference")
    assert difference.estimate == pytest.approx(-100 * happened[~everybody.treated].mean())
    assert pick(found, "odds_ratio").estimate is None


@pytest.mark.parametrize("reference", [0, 1, 2])
def test_which_level_is_the_reference_does_not_decide_what_can_be_estimated(reference: int) -> None:
    """Nobody of level 0 has the outcome: it is joined by another level, whoever is the reference."""
    rng, everybody = np.random.default_rng(0), people()[0]
    level = rng.choice(3, 600, p=[0.1, 0.5, 0.4])
    happened = (rng.random(600) < 0.2) & (level != 0)
    others = [k for k in range(3) if k != reference]
    names = tuple(f"region={k}" for k in others)
    known = Matched(everybody.treated, everybody.pair, np.column_stack([level == k for k in others]) * 1.0, names)
    found = binary_effects("any", happened, known)
    left = {0: level == 2, 1: level == 2, 2: level == 1}[reference]
    design = np.column_stack([np.ones(600), everybody.treated, left]).astype(float)
    want = np.exp(sm.Logit(happened.astype(float), design).fit(disp=0).params[1])
    assert pick(found, "odds_ratio", adjusted=True).estimate == pytest.approx(want, rel=1e-6)
    assert found.left_out == {0: ("region=1",), 1: ("region=0",), 2: ("region=0",)}[reference]


def test_an_outcome_that_does_not_vary_has_no_interval() -> None:
    everybody, _ = people()
    for count in (np.zeros(600, int), np.ones(600, int), np.where(everybody.treated, 1, 0)):
        assert {e.note for e in count_effects("n", count, everybody).effects} == {NO_WIDTH}
        difference = pick(binary_effects("any", count > 0, everybody), "risk_difference")
        assert (difference.estimate, difference.note) == (None, NO_WIDTH)


def test_a_covariate_that_separates_the_outcome_is_a_note() -> None:
    everybody, _ = people()
    happened = np.arange(600) % 10 < 3
    told = Matched(everybody.treated, everybody.pair, (happened * 2.0 + np.arange(600) % 2)[:, None], ("tells",))
    assert "does not converge" in pick(binary_effects("any", happened, told), "odds_ratio", adjusted=True).note


def test_too_few_people_are_a_note() -> None:
    two = Matched(np.array([True, False]), np.array([0, 0]), np.zeros((2, 0)), ())
    assert {e.note for e in count_effects("n", np.array([0, 1]), two).effects} == {"fewer people than columns"}
    nobody = Matched(np.zeros(0, bool), np.zeros(0, int), np.zeros((0, 1)), ("age",))
    assert {e.note for e in count_effects("n", np.zeros(0, int), nobody).effects} == {"an arm is empty"}
    assert {e.note for e in binary_effects("any", np.zeros(0, bool), nobody).effects} == {"nobody in the treated arm"}


def test_the_press_reading_is_one_minus_the_risk_ratio() -> None:
    everybody, rng = people()
    found = binary_effects("any", rng.random(600) < 0.2, everybody)
    ratio, press = pick(found, "risk_ratio"), pick(found, "relative_reduction")
    assert (press.estimate, press.low, press.high) == pytest.approx(
        tuple(100 - 100 * bound for bound in (ratio.estimate, ratio.high, ratio.low) if bound is not None)
    )


def test_an_arm_is_described() -> None:
    arm = arm_outcome(np.array([0, 0, 3, 1]))
    assert (arm.n, arm.people, arm.percent, arm.total, arm.per_100) == (4, 2, 50.0, 4, 100.0)
    assert arm.sd == pytest.approx(np.sqrt(2))
    assert arm_outcome(np.zeros(0, int)).percent is None
    assert number_needed(0.0) is None
    assert TwoByTwo(5, 5, 5, 1).empty == "only events in the treated arm"
