"""Published measures of opioid use against their words, and the worked cases of their boundaries."""

from random import Random

import numpy as np
import pytest
from claimtwin.kernel import opioid_measures as m
from claimtwin.kernel.fills import Fills
from claimtwin.kernel.spans import merge_spans
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.measures_by_hand import measures
from tests.support.examples import many_histories

MEMBERS = 2


def fills_of(rows):
    """Kernel fills of (member, day, supply, MME a day)."""
    rows = sorted(rows)
    column = lambda k, kind: np.array([row[k] for row in rows], kind)  # noqa: E731
    supply = column(2, np.int64)
    nothing = np.zeros(len(rows), np.int64)
    mme = column(3, np.int64) * supply * 1000
    return Fills(column(0, np.int64), column(1, np.int32), nothing, nothing, supply, nothing.astype(np.int16), mme)


def use_of(opioids, benzos):
    one, other = fills_of(opioids), fills_of(benzos)
    spans = [merge_spans(f.member, f.day, (f.day + f.supply).astype(np.int32)) for f in (one, other)]
    return m.OpioidUse(one, spans[0], other, spans[1])


def random_fills(dice):
    """Few short fills, or many long ones that make somebody a long-term user."""
    heavy = dice.random() < 0.5
    longest, edges = 35 if heavy else 6, [0, 1, -30, -31, 14, 90, 180]
    day = lambda: dice.choice([*edges, dice.randint(-400, 420), *(dice.randint(-95, 150) for _ in range(9))])  # noqa: E731
    return [
        (dice.randrange(MEMBERS), day(), dice.randint(1, longest), dice.choice([10, 45, 50, 90]))
        for _ in range(dice.randint(0, 40 if heavy else 8))
    ]


def asked_of_kernel(use, member, index, first, last, lookback):
    at = (use, member, index)
    return {
        "new": m.new_use(*at, lookback, last),
        "continuing": m.continuing_use(*at, lookback, last),
        "first": m.days_to_first_fill(*at, first, last),
        "persistent": m.persistent_use(*at),
        "kazis": m.long_term_kazis(*at),
        "months": m.long_term_months(*at),
        "chronic": m.chronic_episode(*at, last, gap_days=30),
        "high": m.high_dose(*at, first, last, least=50),
        "overuse": m.potential_overuse(*at, first, last),
        "benzo": m.with_benzodiazepine(*at, first, last),
        "shared": m.shared_days(*at, first, last),
        "continued": m.continued_opioids(*at, last, long=False),
        "continued_long": m.continued_opioids(*at, last, long=True),
        "long_first": m.long_first_supply(*at, first, last),
    }


@many_histories
@given(st.integers(0, 2**32))
def test_measures_follow_their_words(seed):
    dice = Random(seed)
    opioids, benzos = random_fills(dice), random_fills(dice)
    first, last, lookback = dice.choice([0, 1]), dice.choice([5, 120, 365]), dice.choice([30, 365])
    index = np.array([dice.randint(-40, 40) for _ in range(MEMBERS)], np.int32)
    got = asked_of_kernel(use_of(opioids, benzos), np.arange(MEMBERS), index, first, last, lookback)
    for who in range(MEMBERS):
        mine, theirs = ([row[1:] for row in rows if row[0] == who] for rows in (opioids, benzos))
        expected = measures(mine, theirs, int(index[who]), first, last, lookback)
        found = {name: column[who].item() for name, column in got.items()}
        # A first fill on a day before index cannot be told from none: windows here begin at 0 or later.
        assert found == expected | {"first": -1 if expected["first"] is None else expected["first"]}


def one(use, measure, *window, **options):
    return bool(measure(use, np.zeros(1, np.int64), np.zeros(1, np.int32), *window, **options)[0])


def test_continued_opioids_need_not_follow_each_other():
    """Five days, and ten from day 10, make fifteen of thirty; a day less does not."""
    assert one(use_of([(0, 0, 5, 10), (0, 10, 10, 10)], []), m.continued_opioids, 365, long=False)
    assert not one(use_of([(0, 0, 5, 10), (0, 10, 9, 10)], []), m.continued_opioids, 365, long=False)


@pytest.mark.parametrize(("second", "enough"), [(16, True), (15, False)])
def test_thirty_one_days_of_sixty_two(second, enough):
    assert one(use_of([(0, 0, 15, 10), (0, 40, second, 10)], []), m.continued_opioids, 365, long=True) is enough


@pytest.mark.parametrize(("shared", "enough"), [(30, True), (29, False)])
def test_thirty_days_shared_with_a_benzodiazepine(shared, enough):
    benzos = [(0, 0, 10, 0), (0, 60 - (shared - 10), 30, 0)]
    assert one(use_of([(0, 0, 30, 10), (0, 30, 30, 10)], benzos), m.with_benzodiazepine, 0, 364) is enough


@pytest.mark.parametrize(("second_day", "long"), [(2, True), (3, False)])
def test_supplies_of_three_days_are_added_to_the_first(second_day, long):
    assert one(use_of([(0, 0, 5, 10), (0, second_day, 3, 10)], []), m.long_first_supply, 0, 364) is long


def test_high_dose_over_a_period():
    assert one(use_of([(0, 0, 10, 90), (0, 10, 10, 90)], []), m.high_dose_period, 0, 364, least=90)
    assert not one(use_of([(0, 0, 10, 90), (0, 11, 10, 90)], []), m.high_dose_period, 0, 364, least=90)
    assert not one(use_of([(0, 0, 20, 90)], []), m.high_dose_period, 0, 364, least=90)


def test_the_dose_of_a_prior_user_falls_to_nought_who_stops():
    use = use_of([(0, -100, 365, 10)], [])
    change = m.dose_change(use, np.zeros(1, np.int64), np.zeros(1, np.int32), 365, 365)
    assert change.tolist() == [-10_000]


@pytest.mark.parametrize(("gap", "length", "dose", "overuse"), [
    (7, 45, 90, True), (8, 45, 90, False), (7, 44, 90, False), (7, 45, 89, False),
])  # fmt: skip
def test_overuse_is_ninety_days_of_ninety(gap, length, dose, overuse):
    use = use_of([(0, 0, 45, dose), (0, 45 + gap, length, dose)], [])
    assert one(use, m.potential_overuse, 0, 364) is overuse
