"""Negative controls: no effect where nothing is hidden, and one on half of them where a severity is."""

from functools import cache

import numpy as np
import pytest
from claimtwin.config.protocol import Protocol
from claimtwin.study.local import run_local, synth_protocol
from claimtwin.synth import NO_DIRT, Cause, SynthSpec
from claimtwin.synth.catalogue import EXPOSURES, OUTCOMES
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.controls import SHARING_EXPOSURES, SHARING_OUTCOMES, count_controls, count_exposures
from claimtwin.synth.draws import Draws
from claimtwin.synth.people import PROGRAMME, THERAPY, draw_people

CODES = {"eye_exam": "92014", "flu_shot": "90686", "hearing_test": "92557", "skin_tag_removal": "11200"}
MEMBERS = 6000


def with_outcomes() -> Protocol:
    values = synth_protocol(2020, main_only=True).model_dump()
    values["outcomes"] += [
        {"name": name, "title": name, "kind": "binary", "drug": name, "window": [1, 365]} for name in OUTCOMES
    ]
    return Protocol.model_validate(values)


def with_exposure(name: str) -> Protocol:
    values = synth_protocol(2020, main_only=True).model_dump()
    values["arms"]["treated"] = {
        "name": name, "title": name, "source": "claims", "procedures": [CODES[name]], "require_region": False
    }  # fmt: skip
    values["arms"]["overlap"] = "first_arm_entered"
    values["matching"]["block_keys"] = []
    return Protocol.model_validate(values)


@cache
def z_of(severity: float) -> dict[str, float]:
    """Log odds ratio over its error by outcome: the matched, unadjusted, clustered by pair."""
    spec = SynthSpec(members=MEMBERS, seed=31, dirt=NO_DIRT, cause=Cause(severity=severity))
    effects = run_local(spec, with_outcomes()).effects
    rows = [e for e in effects if (e["measure"], e["adjusted"], e["errors"]) == ("odds_ratio", False, "cluster_pair")]
    main = {e["outcome"]: e for e in rows[::-1]}  # of several models the first, which is the main one
    return {name: np.log(e["estimate"]) / (np.log(e["high"] / e["low"]) / 3.92) for name, e in main.items()}


def test_there_are_enough_and_some_share_the_severity() -> None:
    assert len(OUTCOMES) >= 8 and len(EXPOSURES) >= 4
    assert set(SHARING_OUTCOMES) < set(OUTCOMES) and set(SHARING_EXPOSURES) < set(EXPOSURES)


def test_matched_studies_of_the_control_outcomes_find_nothing() -> None:
    found = np.array([z_of(0.0)[name] for name in OUTCOMES])
    assert np.abs(found).max() < 3.3
    assert (found**2).sum() < 26.1  # 0.999 of chi square with 8 degrees of freedom


def test_a_hidden_severity_shows_in_the_controls_that_share_it_and_in_no_other() -> None:
    alone = [z_of(1.0)[name] for name in OUTCOMES if name not in SHARING_OUTCOMES]
    shared = [z_of(1.0)[name] for name in SHARING_OUTCOMES]
    assert np.abs(alone).max() < 3.3
    assert np.sum(shared) / 2 < -3.3


@pytest.mark.parametrize("name", EXPOSURES)
def test_a_study_of_a_control_exposure_runs_and_finds_nothing(name: str) -> None:
    spec = SynthSpec(members=5000, seed=33, dirt=NO_DIRT, cause=Cause(effect=0))
    study = run_local(spec, with_exposure(name))
    effect = next(e for e in study.effects if e["measure"] == "odds_ratio" and not e["adjusted"])
    assert study.pairs.num_rows > 150
    z = np.log(effect["estimate"]) / (np.log(effect["high"] / effect["low"]) / 3.92)
    assert abs(z) < 3.3


def test_chances_hang_on_the_severity_for_the_second_half_only() -> None:
    people = draw_people(SynthSpec(members=30_000), 0, 30_000)
    cause = Cause(severity=1.0)
    for counts in (count_controls(Draws(1), people, cause), count_exposures(Draws(1), people, cause)):
        severe = people.severity > 0
        ratio = (counts > 0)[severe].mean(axis=0) / (counts > 0)[~severe].mean(axis=0)
        half = len(ratio) // 2
        assert np.abs(ratio[:half] - 1).max() < 0.12 and ratio[half:].min() > 1.5


def test_the_risk_of_opioids_is_the_same_with_and_without_a_control_exposure() -> None:
    """Nothing but age and care seeking ties them: within an arm and a risk band the shares that begin agree."""
    people = draw_people(SynthSpec(members=60_000, seed=4), 0, 60_000)
    exposed = count_exposures(Draws(4), people, Cause()) > 0
    band = np.digitize(people.risk_without / CERTAIN, [0.08, 0.12, 0.18, 0.3])
    for k in range(len(EXPOSURES)):
        gaps, variance = 0.0, 0.0
        for arm in (PROGRAMME, THERAPY):
            for part in range(5):
                groups = [people.begins[(people.arm == arm) & (band == part) & (exposed[:, k] == e)] for e in (0, 1)]
                if min(map(len, groups)) > 30:
                    gaps += groups[1].mean() - groups[0].mean()
                    variance += sum(g.mean() * (1 - g.mean()) / len(g) for g in groups)
        assert abs(gaps) < 3.3 * np.sqrt(variance)
