"""Measures that read other days than those of their window: the guards of a protocol know the days that they read."""

import pytest
from claimtwin.config.load import load_configuration
from claimtwin.config.measures import READINGS
from claimtwin.errors import ConfigError
from pydantic import ValidationError

from tests.support.rows import protocol_of

CLAIMS = {"name": "b", "title": "B", "source": "claims", "procedures": "physical_therapy"}
PROGRAM = {"name": "a", "title": "A", "source": "program"}
EXPOSED = {**CLAIMS, "exposure": {"care": "therapy", "least": 2, "window": [0, 90]}}
ARMS = {"treated": PROGRAM, "comparator": EXPOSED, "overlap": "exclude_roster"}


def asked(measure, *window, pre=365, post=450, **parts):
    outcome = {"name": "o", "title": "O", "kind": "count", "measure": measure, "window": list(window)}
    enrollment = {"pre_days": pre, "post_days": post}
    return protocol_of(outcomes=[outcome], histories={"fills": {}}, enrollment=enrollment, **parts)


@pytest.mark.parametrize(
    ("measure", "window", "why"),
    [
        ("new_use", (0, 365), "counts from day 1"),
        ("continuing_use", (0, 365), "counts from day 1"),
        ("persistent_use", (1, 2), "0 to 180 of its own"),
        ("long_term_use", (1, 365), "0 to 424 of its own"),
        ("long_term_months", (1, 365), "of 90 days"),
    ],
)
def test_a_window_that_a_measure_does_not_answer_is_refused(measure, window, why):
    with pytest.raises(ValidationError, match=why):
        asked(measure, *window)


@pytest.mark.parametrize("measure", ["persistent_use", "long_term_use"])
def test_a_measure_with_days_of_its_own_never_outruns_an_exposure(measure):
    with pytest.raises(ValidationError, match="immortal time"):
        asked(measure, *READINGS[measure].only, arms=ARMS)
    assert asked(measure, *READINGS[measure].only).outcomes[0].last_day == READINGS[measure].only[1]


@pytest.mark.parametrize("measure", ["new_use", "continuing_use", "chronic_episode", "continued_15_days"])
def test_a_measure_that_begins_after_the_exposure_is_asked_and_one_that_does_not_is_refused(measure):
    assert asked(measure, 91, 200, arms=ARMS).outcomes[0].window == (91, 200)
    with pytest.raises(ValidationError, match="immortal time"):
        asked(measure, 90, 200, arms=ARMS)


@pytest.mark.parametrize(
    ("measure", "window", "reads"),
    [
        ("new_use", (1, 365), 365),
        ("persistent_use", (0, 180), 180),
        ("chronic_episode", (1, 365), 545),
        ("continued_15_days", (0, 365), 394),
        ("continued_31_days", (0, 365), 426),
        ("long_first_supply", (0, 365), 367),
        ("long_term_use", (0, 424), 424),
    ],
)
def test_follow_up_is_as_long_as_what_is_read(measure, window, reads):
    assert asked(measure, *window, post=reads).enrollment.post_days == reads
    with pytest.raises(ValidationError, match=f"longest outcome window .{reads} days"):
        asked(measure, *window, post=reads - 1)


@pytest.mark.parametrize(
    ("measure", "window", "before"),
    [("new_use", (1, 90), 365), ("dose_change", (1, 90), 365), ("long_first_supply", (30, 90), 60)],
)
def test_a_look_back_is_held_against_the_days_enrolled_before(measure, window, before):
    short = {"washout": None, "score": {"covariates": ["age"], "lookback_days": 30}, "adjust": []}
    assert asked(measure, *window, pre=before, **short).outcomes[0].lookback_days == before
    with pytest.raises(ValidationError, match=f"longest look-back .{before} days"):
        asked(measure, *window, pre=before - 1, **short)


def test_a_change_that_may_be_negative_is_no_yes_or_no():
    outcome = {"name": "o", "title": "O", "kind": "binary", "measure": "dose_change", "window": [1, 90]}
    with pytest.raises(ValidationError, match="below nought"):
        protocol_of(outcomes=[outcome], histories={"fills": {}})


@pytest.mark.parametrize(("through", "runs"), [("2021-09-30", True), ("2021-09-29", False)])
def test_follow_up_that_has_not_run_out_is_told_by_what_is_read(through, runs):
    """The last index is on 2020-10-31; a first fill on the last day of [0, 273] is followed to day 334, 2021-09-30."""
    changes = [
        "study.study.index_window=[2020-01-01, 2020-10-31]", "study.published=[]", "study.power.expected_risk={}",
        "study.outcomes=[{name: o, title: O, kind: binary, measure: continued_31_days, window: [0, 273]}]",
        "study.histories.fills.products=opioid", f"env.ingest.data_through={through}",
    ]  # fmt: skip
    if runs:
        assert load_configuration("jpr_s412081", "local", changes)[0].outcomes[0].last_day == 334
    else:
        with pytest.raises(ConfigError, match=r"334 days, and 0 of run-out\) ends 1 days after"):
            load_configuration("jpr_s412081", "local", changes)
