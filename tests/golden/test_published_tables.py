"""Numbers of the founding publication's abstract, worked back from its counts (JPR.S412081)."""

import numpy as np
import pytest
from claimtwin.stats.arms import (
    TwoByTwo,
    arm_outcome,
    crude_odds_ratio,
    number_needed,
    percent_of,
    relative_reduction,
    risk_difference,
    risk_ratio,
)
from claimtwin.stats.effects import Matched, binary_effects, count_effects

PUBLISHED = TwoByTwo(4195, 331, 4195, 572)


@pytest.mark.parametrize(
    ("events", "published"), [(331, (7.89, 7.07, 8.71)), (572, (13.64, 12.60, 14.67))], ids=["digital", "therapy"]
)
def test_initiation_and_its_interval(events: int, published: tuple[float, ...]) -> None:
    assert tuple(round(value, 2) for value in percent_of(4195, events)) == published


def test_crude_odds_ratio() -> None:
    got = crude_odds_ratio(PUBLISHED)
    assert (round(got.estimate, 3), round(got.low, 3), round(got.high, 3)) == (0.543, 0.470, 0.626)
    assert np.log(got.high / got.low) / 2 / 1.959963984540054 == pytest.approx(0.0728, abs=5e-5)


def test_crude_risk_ratio_and_the_press_reading() -> None:
    got = risk_ratio(PUBLISHED)
    assert (round(got.estimate, 3), round(got.low, 3), round(got.high, 3)) == (0.579, 0.509, 0.658)
    press = relative_reduction(risk_ratio(PUBLISHED))
    assert round(press.estimate) == 42
    assert press.low < press.estimate < press.high


def test_risk_difference_and_number_needed() -> None:
    got = risk_difference(PUBLISHED)
    assert (round(got.estimate, 2), round(got.low, 2), round(got.high, 2)) == (-5.74, -7.07, -4.42)
    assert round(number_needed(got.estimate) or 0, 1) == 17.4


def matched_people() -> tuple[Matched, np.ndarray]:
    """4,195 pairs with the published initiators; who is paired with whom was not published."""
    treated = np.repeat([True, False], 4195)
    happened = np.concatenate([np.arange(4195) < 331, np.arange(4195) < 572])
    pair = np.concatenate([np.arange(4195), np.random.default_rng(1).permutation(4195)])
    return Matched(treated, pair, np.zeros((8390, 0)), ()), happened


def test_logit_gives_the_table_s_odds_ratio_and_pairing_alike_errors() -> None:
    people, happened = matched_people()
    plain, clustered = binary_effects("any_opioid_12m", happened, people).effects[:2]
    assert (round(plain.estimate or 0, 3), round(plain.low or 0, 3), round(plain.high or 0, 3)) == (0.543, 0.470, 0.626)
    assert clustered.low == pytest.approx(plain.low, abs=0.01)


def fills(people: int, total: int) -> np.ndarray:
    """4,195 counts with the published people and total: everybody one fill, the rest spread over the first 120."""
    count = (np.arange(4195) < people).astype(np.int64)
    extra = total - people
    count[:120] += extra // 120
    count[: extra % 120] += 1
    return count


def test_prescriptions_per_hundred() -> None:
    digital, therapy = fills(331, 702), fills(572, 938)
    assert (round(arm_outcome(digital).per_100 or 0, 2), round(arm_outcome(therapy).per_100 or 0, 2)) == (16.73, 22.36)
    people, _ = matched_people()
    effect = count_effects("rx_per_100", np.concatenate([digital, therapy]), people, scale=100).effects[0]
    assert round(effect.estimate or 0, 2) == -5.63


def test_the_published_interval_of_prescriptions_follows_from_its_sd() -> None:
    """16.73 (14.11 to 19.36) and 22.36 (19.99 to 24.73) are means with SDs of 0.867 and 0.783 a person."""
    for mean, sd, interval in ((16.73, 0.867, (14.11, 19.36)), (22.36, 0.783, (19.99, 24.73))):
        half = 1.959963984540054 * 100 * sd / np.sqrt(4195)
        assert (mean - half, mean + half) == pytest.approx(interval, abs=0.015)
