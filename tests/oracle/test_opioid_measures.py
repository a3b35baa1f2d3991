"""Published measures of opioid use against their words, and the worked cases of their boundaries."""

from random import Random

import numpy as np
import pytest
from claimtwin.config.measures import reading_of
from claimtwin.kernel import opioid_measures as m
from claimtwin.kernel.fills import Fills
from claimtwin.kernel.mme import daily_doses
from claimtwin.kernel.outcome_measures import MEASURES, measure
from claimtwin.kernel.spans import merge_spans
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import measures_by_hand as by_hand
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


def use_of(opioids, benzos, stays=None):
    one, other = fills_of(opioids), fills_of(benzos)
    spans = [merge_spans(f.member, f.day, (f.day + f.supply).astype(np.int32)) for f in (one, other)]
    return m.OpioidUse(one, spans[0], other, spans[1], None if stays is None else spans_of(stays))


def spans_of(rows):
    columns = [np.array([row[k] for row in rows], kind) for k, kind in enumerate((np.int64, np.int32, np.int32))]
    return merge_spans(*columns)


def random_fills(dice):
    """Few short fills, many long ones that make somebody a long-term user, or months at a high dose."""
    kind = dice.choice(["few", "many", "steady"])
    if kind == "steady":
        start, step, dose = dice.randint(-60, 60), dice.choice([28, 30, 34, 45]), dice.choice([45, 90, 120])
        days = range(start, start + step * dice.randint(2, 12), step)
        return [(0, day, 30 - dice.choice([0, 0, 1]), dose) for day in days]
    longest, edges = 35 if kind == "many" else 6, [0, 1, -30, -31, 14, 90, 180]
    day = lambda: dice.choice([*edges, dice.randint(-400, 420), *(dice.randint(-95, 150) for _ in range(9))])  # noqa: E731
    return [
        (dice.randrange(MEMBERS), day(), dice.randint(1, longest), dice.choice([10, 45, 50, 90]))
        for _ in range(dice.randint(0, 40 if kind == "many" else 8))
    ]


def random_stays(dice):
    found = [(dice.randrange(MEMBERS), dice.randint(-8, 90)) for _ in range(dice.randint(0, 4))]
    return [(who, start, start + dice.randint(1, 40)) for who, start in found]


def window_of(dice, name):
    """A window that the measure answers."""
    rule, first = reading_of(name), dice.choice([0, 1, 1, 30, 91])
    first = max(first, rule.opens)
    if rule.only is not None:
        return rule.only
    return first, first + (rule.length - 1 if rule.length else dice.choice([0, 5, 119, 274, 364]))


def answer(use, name, index, window):
    return measure(use, name, np.arange(MEMBERS), index, *window).tolist()


@many_histories
@given(st.integers(0, 2**32), st.sampled_from(sorted(MEASURES)))
def test_measures_follow_their_words(seed, name):
    check_words(Random(seed), name)


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_every_measure_follows_its_words(name):
    """Each a few times a run, until it was not always the same."""
    dice, found = Random(name), set()
    for tries in range(400):
        found |= set(check_words(dice, name))
        if tries >= 5 and len(found) > 1:
            return
    pytest.fail("the histories never move this measure")


def check_words(dice, name):
    opioids, benzos, stays = random_fills(dice), random_fills(dice), dice.choice([None, random_stays(dice)])
    index, window = np.array([dice.randint(-40, 40) for _ in range(MEMBERS)], np.int32), window_of(dice, name)
    assert not reading_of(name).fault(window)
    got = answer(use_of(opioids, benzos, stays), name, index, window)
    for who in range(MEMBERS):
        rows = [[row[1:] for row in rows if row[0] == who] for rows in (opioids, benzos, stays or [])]
        assert got[who] == by_hand.measure(name, *rows, int(index[who]), *window), (name, window)
    return got


@many_histories
@given(st.integers(0, 2**32), st.sampled_from(sorted(MEASURES)))
def test_a_measure_reads_no_other_days_than_it_says(seed, name):
    """What is dispensed after its last day, or is used up before its look-back, moves no measure; and nothing between
    index and window that is used up before the window makes it more.
    """
    dice = Random(seed)
    own, benzos = random_fills(dice), random_fills(dice)
    index, window, rule = np.zeros(MEMBERS, np.int32), window_of(dice, name), reading_of(name)
    before, last = -rule.lookback_days(window), rule.last_day(window)
    far = []
    for _ in range(dice.randint(1, 4)):
        supply = dice.randint(1, 40)
        day = dice.choice([last + dice.randint(1, 60), before - supply - dice.choice([0, 1, dice.randint(0, 50)])])
        far.append((dice.randrange(MEMBERS), day, supply, 90))
    plain = answer(use_of(own, benzos), name, index, window)
    assert answer(use_of([*own, *far], [*benzos, *far]), name, index, window) == plain
    if window[0] > 0:
        day = dice.randrange(window[0])
        early = (0, day, dice.randint(1, window[0] - day), 90)
        assert answer(use_of([*own, early], [*benzos, early]), name, index, window)[0] <= plain[0]


def one(use, measure, *window, **options):
    return bool(measure(use, np.zeros(1, np.int64), np.zeros(1, np.int32), *window, **options)[0])


def test_continued_opioids_need_not_follow_each_other():
    """Five days, and ten from day 10, make fifteen of thirty; a day less does not."""
    assert one(use_of([(0, 0, 5, 10), (0, 10, 10, 10)], []), m.continued_opioids, 0, 365, long=False)
    assert not one(use_of([(0, 0, 5, 10), (0, 10, 9, 10)], []), m.continued_opioids, 0, 365, long=False)


@pytest.mark.parametrize(("second", "enough"), [(16, True), (15, False)])
def test_thirty_one_days_of_sixty_two(second, enough):
    assert one(use_of([(0, 0, 15, 10), (0, 40, second, 10)], []), m.continued_opioids, 0, 365, long=True) is enough


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
    change = m.dose_change(use, np.zeros(1, np.int64), np.zeros(1, np.int32), 1, 365)
    assert change.tolist() == [-10_000]


@pytest.mark.parametrize(("gap", "length", "dose", "overuse"), [
    (7, 45, 90, True), (8, 45, 90, False), (7, 44, 90, False), (7, 45, 89, False),
])  # fmt: skip
def test_overuse_is_ninety_days_of_ninety(gap, length, dose, overuse):
    use = use_of([(0, 0, 45, dose), (0, 45 + gap, length, dose)], [])
    assert one(use, m.potential_overuse, 0, 364) is overuse


@pytest.mark.parametrize(("second_day", "chronic"), [(89, True), (91, False)])
def test_half_of_a_chronic_episode_is_covered(second_day, chronic):
    """Two supplies of 45 days in a run of 90 and as many days without: 180 days, 90 covered; one more is too many."""
    use = use_of([(0, 1, 45, 10), (0, second_day + 46, 45, 10)], [])
    runs = m.chronic_episode(use, np.zeros(1, np.int64), np.zeros(1, np.int32), 1, 365, gap_days=200)
    assert bool(runs[0]) is chronic


def test_a_fill_that_begins_when_another_ends_is_not_added_to_it():
    doses = daily_doses(
        fills_of([(0, 0, 10, 40), (0, 10, 10, 50)]), np.zeros(1, np.int64), np.zeros(1, np.int32), 0, 30
    )
    assert doses.highest_day.tolist() == [50_000]
