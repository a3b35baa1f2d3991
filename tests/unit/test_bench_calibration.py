"""Calibrated p-values by the study's own path, of populations in which a hidden severity biases every outcome."""

import numpy as np
import pytest
from claimtwin.synth.people import PROGRAMME
from claimtwin.synth.spec import NO_DIRT, Cause, SynthSpec

from bench.calibration import Judged, judge, matched_people, share_below


def test_a_planted_bias_fools_plain_p_values_and_not_calibrated_ones() -> None:
    """The bench proves 4 to 6 %; so few outcomes tell 5 % from 10 only, and 5 from the 50 without calibration."""
    found = [judge(seed, 8000, controls=60, judged=60) for seed in range(1, 4)]
    assert {len(one.calibrated) for one in found} == {60}
    plain, told = (share_below([getattr(one, name) for one in found]) for name in ("plain", "calibrated"))
    assert plain[0] > 25
    assert 1 < told[0] < 10


def test_without_a_bias_calibration_leaves_about_as_many_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.calibration.TIE", 0.0)
    monkeypatch.setattr("bench.calibration.TIE_SPREAD", 0.0)
    one: Judged = judge(4, 8000, controls=40, judged=60)
    assert (one.plain < 0.05).mean() < 0.15 and (one.calibrated < 0.05).mean() < 0.15


def test_the_match_makes_what_is_seen_alike_and_the_severity_not() -> None:
    people = matched_people(SynthSpec(members=8000, seed=1, dirt=NO_DIRT, cause=Cause(effect=0, severity=0.8)))
    treated = people.arm == PROGRAMME
    assert treated.tolist() == [True, False] * (len(treated) // 2)

    def smd(values: np.ndarray) -> float:
        return float((values[treated].mean() - values[~treated].mean()) / values.std())

    assert max(abs(smd(values)) for values in (people.age, *people.visits.T[:7])) < 0.1
    assert smd(people.severity) < -0.4
