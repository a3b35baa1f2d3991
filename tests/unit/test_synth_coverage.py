"""Forty populations, each studied whole: calibration inside the published bands, and intervals that hold the truth."""

import math
import os
from functools import cache

import numpy as np
import pytest
from claimtwin.study.local import LocalStudy, run_local, synth_protocol

from bench.coverage import Found, Line, found_in, found_of, has_truth, lines_of, spec_of, summarise
from bench.planted import whole_truths

SEEDS = range(1, 1 + int(os.environ.get("CLAIMTWIN_SEEDS", "40")))
MEMBERS = int(os.environ.get("CLAIMTWIN_SEED_MEMBERS", "2000"))


@cache
def studies() -> list[LocalStudy]:
    protocol = synth_protocol(2020, main_only=True)
    return [run_local(spec_of(seed, MEMBERS, null=False), protocol) for seed in SEEDS]


@cache
def line(outcome: str, measure: str, adjusted: bool = False, errors: str = "cluster_pair") -> Line:
    found = [one for seed, study in zip(SEEDS, studies(), strict=True) for one in effects_of(seed, study)]
    return next(row for row in summarise(found, []) if row.key[:4] == (outcome, measure, adjusted, errors))


def effects_of(seed: int, study: LocalStudy) -> list[Found]:
    spec = spec_of(seed, MEMBERS, null=False)
    sides = (study.candidates, study.pairs)
    truths = [whole_truths(rows.filter(rows["treated"]), spec) for rows in sides]
    return [found_of(effect, *truths) for effect in study.effects if has_truth(effect)]


def pooled(side: bool) -> np.ndarray:
    """Opioid dispensings of all matched people of an arm, over all populations."""
    arms = [study.pairs.filter(np.asarray(study.pairs["treated"].to_numpy()) == side) for study in studies()]
    return np.concatenate([rows["opioid_fills"].to_numpy() for rows in arms])


def test_initiation_fills_spread_and_contrasts_lie_in_the_published_bands() -> None:
    treated, comparator = pooled(True), pooled(False)
    assert len(treated) > 140 * len(SEEDS)
    begun = [100 * (arm > 0).mean() for arm in (treated, comparator)]
    assert 7.08 < begun[0] < 8.72 and 12.59 < begun[1] < 14.66
    assert 14.28 < 100 * treated.mean() < 19.31 and 20.02 < 100 * comparator.mean() < 24.70
    assert 0.71 < treated.std() < 1.03 and 0.68 < comparator.std() < 0.89
    assert treated[treated > 0].mean() == pytest.approx(2.12, abs=0.2)
    assert comparator[comparator > 0].mean() == pytest.approx(1.64, abs=0.1)
    shares = [share / (100 - share) for share in begun]
    assert 0.47 < shares[0] / shares[1] < 0.62
    assert -9.06 < 100 * (treated.mean() - comparator.mean()) < -2.07


def test_before_the_match_the_crude_odds_ratio_is_about_0_40() -> None:
    counts = np.zeros((2, 2))
    for study in studies():
        arm, begun = study.candidates["treated"].to_numpy(), study.candidates["opioid_fills"].to_numpy() > 0
        counts += [[(arm & begun).sum(), (arm & ~begun).sum()], [(~arm & begun).sum(), (~arm & ~begun).sum()]]
    assert counts[0, 0] * counts[1, 1] / counts[0, 1] / counts[1, 0] == pytest.approx(0.40, abs=0.04)


@pytest.mark.parametrize(
    ("outcome", "measure", "errors"),
    [
        ("any_opioid", "odds_ratio", "cluster_pair"),
        ("any_opioid", "risk_difference", "nonrobust"),
        ("opioid_fills", "difference_per_scale", "cluster_pair"),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_should(outcome: str, measure: str, errors: str) -> None:
    """Within three Monte-Carlo errors of 95 % and of no bias."""
    found = line(outcome, measure, errors=errors)
    assert found.n == len(SEEDS)
    assert abs(found.bias) < 3.3 * found.bias_error
    assert found.coverage > 95 - 3.3 * 100 * np.sqrt(0.95 * 0.05 / found.n)


def test_the_adjusted_odds_ratio_lies_farther_from_1_than_the_unadjusted() -> None:
    plain, adjusted = line("any_opioid", "odds_ratio"), line("any_opioid", "odds_ratio", True)
    assert adjusted.bias < plain.bias


def test_nearly_all_of_the_programme_find_a_twin() -> None:
    treated = sum(int(np.sum(study.candidates["treated"].to_numpy())) for study in studies())
    assert sum(study.pairs.num_rows for study in studies()) / 2 > 0.95 * treated


def test_without_an_effect_few_intervals_say_there_is_one() -> None:
    nulls = [one for seed in range(2, 6) for one in found_in(seed, 2500, null=True)]
    told = np.array([[one.truth, one.matched] for one in nulls])
    assert np.nanmax(np.abs(told)) < 1e-9
    tests, designs = (
        np.array([one.key[k] == word for one in nulls]) for k, word in ((1, "interaction"), (3, "influence"))
    )
    assert (np.isnan(told[:, 0]) == tests).all() and (np.isnan(told[:, 1]) == tests | designs).all()
    assert sum(one.alarms for one in nulls) < 0.25 * len(nulls)
    models = {one.key[4] for one in nulls}
    assert {"logit", "gamma", "kaplan_meier", "cox", "person_time", "weights overlap", "doubly_robust ate"} <= models


def test_a_table_tells_coverage_and_false_alarms_of_each_model() -> None:
    key = ("o", "odds_ratio", True, "nonrobust", "")
    effects = [Found(key, e, e - 1, e + 1, 0.0, 0.5) for e in (0.0, 0.9, 1.2, -0.1)]
    nulls = [Found(key, e, e - 1, e + 1, 0.0, 0.0) for e in (0.0, 2.0)]
    (found,) = summarise(effects, nulls)
    assert (found.coverage, found.matched, found.false_alarms) == (75.0, 100.0, 50.0)
    assert found.bias == pytest.approx(0.5)
    text = "\n".join(lines_of([found]))
    assert "o, odds_ratio, adjusted, nonrobust [c] [p]" in text and "75.0" in text
    test = Found(("o", "interaction", False, "cluster_pair", "sex"), *[math.nan] * 5, p_value=0.01)
    (found,) = summarise([test], [test, test])
    assert math.isnan(found.coverage) and found.false_alarms == 100.0
