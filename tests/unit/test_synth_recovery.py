"""Matching on what a study measures finds the planted effect; comparing the arms as they are does not."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.kernel.matching import match_largest
from claimtwin.synth import NO_DIRT, Cause, SynthSpec, truth_of
from claimtwin.synth.care import draw_lines
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws
from claimtwin.synth.fills import count_opioids
from claimtwin.synth.people import PROGRAMME, People, draw_people
from claimtwin.synth.truth import eligible

SEEDS = range(101, 105)


@dataclass(frozen=True)
class Study:
    """Log odds ratios of one population; ``expected`` is the matched one without the chance of the outcomes."""

    truth: float
    crude: float
    expected: float
    estimate: float
    error: float
    pairs: int
    treated: int


def log_odds(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


def covariates(people: People, cents: np.ndarray) -> np.ndarray:
    regions = [people.region == region for region in (1, 2, 3)]
    columns = [people.age, ~people.female, *regions, *people.visits[:, :7].T, np.log1p(cents / 100)]
    return np.stack([*columns, people.conditions.sum(axis=1)], axis=1).astype(np.float64)


def pair_up(score: np.ndarray, treated: np.ndarray, body: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the treated and of their twins, matched inside body regions."""
    caliper, parts = 0.2 * score.std(ddof=1), []
    for region in range(5):
        ours, theirs = (np.flatnonzero((treated == arm) & (body == region)) for arm in (True, False))
        found = match_largest(score[ours], ours, score[theirs], theirs, caliper=caliper)
        parts.append((ours[found.treated], theirs[found.control]))
    first, second = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    return first, second


@cache
def run(seed: int, severity: float = 0.0) -> Study:
    """The study preset's match and its unadjusted odds ratio with errors by pair, on the numbers behind a feed."""
    spec = SynthSpec(seed=seed, dirt=NO_DIRT, cause=Cause(severity=severity))
    draws, people = Draws(seed), draw_people(spec, 0, spec.members)
    coverage = draw_coverage(draws, people)
    lines = draw_lines(spec, people, coverage)
    before = (lines.day >= people.index[lines.person] - 365) & (lines.day < people.index[lines.person])
    cents = np.bincount(lines.person[before], lines.cents[before], len(people.number))
    met = eligible(draws, people, coverage)
    measured, began = covariates(people, cents)[met], count_opioids(draws, people, spec.fills)[met] > 0
    people = people.take(met)
    treated = people.arm == PROGRAMME
    design = sm.add_constant(measured)
    score = design @ sm.Logit(treated, design).fit(disp=0).params
    ours, theirs = pair_up(score, treated, people.body)
    share, other = began[ours].mean(), began[theirs].mean()
    pull = (began[ours] - share) / (share * (1 - share)) - (began[theirs] - other) / (other * (1 - other))
    with_it, without = people.risk_with[ours].mean() / CERTAIN, people.risk_without[theirs].mean() / CERTAIN
    return Study(
        truth=float(np.log(truth_of(spec).odds_ratio)),
        crude=log_odds(began[treated].mean()) - log_odds(began[~treated].mean()),
        expected=log_odds(with_it) - log_odds(without),
        estimate=log_odds(share) - log_odds(other),
        error=float(np.sqrt((pull**2).sum()) / len(ours)),
        pairs=len(ours),
        treated=int(treated.sum()),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_nearly_every_member_of_the_programme_finds_a_twin_and_the_match_has_no_bias(seed: int) -> None:
    study = run(seed)
    assert study.pairs > 0.98 * study.treated
    assert 1500 < study.pairs < 2000
    assert study.expected == pytest.approx(study.truth, abs=0.015)


def test_intervals_hold_the_truth_as_often_as_they_should() -> None:
    off = np.array([(run(seed).estimate - run(seed).truth) / run(seed).error for seed in SEEDS])
    assert (np.abs(off) < 1.96).sum() >= len(off) - 1
    assert abs(off.mean()) < 3 / np.sqrt(len(off))


def test_the_crude_odds_ratio_is_far_from_the_truth() -> None:
    crude = np.mean([run(seed).crude for seed in SEEDS])
    assert np.exp(crude) == pytest.approx(0.40, abs=0.03)
    assert np.mean([run(seed).truth for seed in SEEDS]) - crude > 0.25


def test_a_severity_that_no_claim_shows_biases_the_match() -> None:
    study = run(101, 0.6)
    assert study.expected < study.truth - 0.2
