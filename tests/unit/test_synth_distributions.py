"""Draws against published splitmix64 numbers and scipy, days that never meet, and ages."""

import numpy as np
import pytest
from claimtwin.synth.calendar import completed_years, day_of, spread
from claimtwin.synth.draws import Draws, cumulative, negative_binomial, poisson
from scipy import stats

from tests.unit.test_synth_draws import ALL, GAMMA, mix


def test_the_mixing_is_that_of_splitmix64() -> None:
    assert mix(GAMMA) == 0xE220A8397B1DCDAF
    assert [mix((1234567 + n * GAMMA) & ALL) for n in (1, 2)] == [6457827717110365317, 3203168211198807973]


def test_uniforms_are_even_and_independent_of_seed_name_and_neighbour() -> None:
    keys = np.arange(200_000)
    first = Draws(7).uniform("a", keys)
    assert 0 <= first.min() and first.max() < 1
    assert stats.kstest(first[:50_000], "uniform").pvalue > 0.001
    for other in (Draws(8).uniform("a", keys), Draws(7).uniform("b", keys), Draws(7).uniform("a", keys, 1)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.01


def test_chances_categories_and_whole_numbers_come_as_often_as_asked() -> None:
    draws, keys = Draws(5), np.arange(200_000)
    assert abs(draws.chance("c", keys, 0.03).mean() - 0.03) < 0.002
    shares = np.bincount(draws.pick("p", keys, cumulative([1, 0, 3])), minlength=3) / len(keys)
    assert shares == pytest.approx([0.25, 0, 0.75], abs=0.005)
    assert np.bincount(draws.whole("w", keys, 7)) / len(keys) == pytest.approx([1 / 7] * 7, abs=0.005)


def test_counts_follow_their_distributions() -> None:
    assert poisson(2.5, 40) == pytest.approx(stats.poisson(2.5).pmf(range(41)), abs=1e-12)
    size, stop = 1 / 3.41, 1 / (1 + 3.41 * 1.12)
    assert negative_binomial(1.12, 3.41, 200) == pytest.approx(stats.nbinom(size, stop).pmf(range(201)), abs=1e-12)
    assert poisson(9.0, 3).sum() == pytest.approx(1)


def test_spread_days_never_meet_and_fill_the_stretch() -> None:
    for count, length in ((1, 365), (7, 365), (24, 25), (80, 365), (365, 365)):
        for within in (0.0, 0.5, 1 - 2**-53):
            days = spread(np.arange(count), np.full(count, count), np.full(count, length), np.full(count, within))
            assert len(set(days.tolist())) == count
            assert 0 <= days.min() and days.max() < length


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ((2002, 6, 1), (2020, 5, 31), 17),
        ((2002, 6, 1), (2020, 6, 1), 18),
        ((2000, 2, 29), (2020, 2, 28), 19),
        ((2000, 2, 29), (2020, 2, 29), 20),
        ((1955, 12, 31), (2020, 1, 1), 64),
    ],
)
def test_age_is_in_completed_years(birth: tuple[int, int, int], day: tuple[int, int, int], age: int) -> None:
    assert completed_years(np.array([day_of(*birth)]), np.array([day_of(*day)])).tolist() == [age]
