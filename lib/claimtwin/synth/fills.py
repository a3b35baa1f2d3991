"""Dispensings: opioids by the two-part recipe, opioids that a study must not count, and other drugs."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from claimtwin.synth.calendar import FIRST, LOOKBACK, STOP, Days, spread
from claimtwin.synth.catalogue import Choices, catalogue
from claimtwin.synth.coverage import Coverage
from claimtwin.synth.draws import Draws, Flags, Floats, Index, cumulative, negative_binomial, poisson
from claimtwin.synth.people import PROGRAMME, SEEKING, People
from claimtwin.synth.spec import Fills

MOST = 80
FOLLOW_UP = 365
_INDEX_DAY, _LATER, _EARLIER, _FIVE_A_YEAR = 0.01, 0.04, 0.03, 1.6
_OUTCOME, _PRIOR, _ON_INDEX, _AFTERWARDS, _LONG_BEFORE, _OTHER = range(6)
# Days' supply of opioids: bands of a commercial low-back cohort (docs/synthetic-data.md), then their chances.
_SUPPLY = np.array([2, 3, 4, 5, 7, 10, 14, 20, 30])
_SUPPLY_CHANCES = cumulative([8.4, 10.2, 14.0, 15.3, 16.0, 16.2, 2.2, 7.5, 10.3])
_REFILL = np.array([30, 90, 10])


@dataclass(frozen=True)
class Dispensings:
    """One row a dispensing, sorted by person and day; ``claim`` counts a person's dispensings from 1.

    ``item`` is a place in the catalogue's drugs.
    """

    person: Index
    claim: Index
    day: Days
    item: Index
    supply: Index
    quantity: Index
    cents: Index


def chances_after_first(fills: Fills) -> tuple[Floats, Floats]:
    """Chances of 0 to ``MOST`` dispensings on top of the first: with the programme, and without it."""
    return (
        negative_binomial(fills.programme_mean, fills.programme_dispersion, MOST),
        negative_binomial(fills.therapy_mean, fills.therapy_dispersion, MOST),
    )


def count_opioids(draws: Draws, people: People, fills: Fills) -> Index:
    """Opioid dispensings of each person in days 1 to 365 after its index."""
    programme, therapy = chances_after_first(fills)
    more = [draws.pick("more fills", people.number, cumulative(chances)) for chances in (programme, therapy)]
    return np.where(people.begins, 1 + np.where(people.arm == PROGRAMME, *more), 0)


def draw_dispensings(draws: Draws, people: People, coverage: Coverage, fills: Fills) -> Dispensings:
    """All dispensings of the given people on days on which they are enrolled with pharmacy benefits."""
    counts = _count_all(draws, people, count_opioids(draws, people, fills))
    person, slot = np.nonzero(counts)
    repeats = counts[person, slot]
    place = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    person, slot, count = (np.repeat(values, repeats) for values in (person, slot, repeats))
    key, number = people.number[person], slot * 100 + place
    day = _draw_days(draws.uniform("fill day", key, number), people.index[person], slot, place, count)
    kept = (day >= FIRST) & (day < STOP) & coverage.holds(person, day) & coverage.pharmacy[person]
    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((place[rows], slot[rows], day[rows], person[rows]))]
    return _products(draws, person[rows], key[rows], number[rows], day[rows], slot[rows] == _OTHER, len(people.number))


def _count_all(draws: Draws, people: People, opioids: Index) -> Index:
    """(n, 6) dispensings by reason; those on the index day, and those after a year, count in no study window."""
    number = people.number
    reasons = (("fill on index", _INDEX_DAY), ("fill later", _LATER), ("fill long before", _EARLIER))
    on_index, later, earlier = (draws.chance(name, number, chance).astype(np.int64) for name, chance in reasons)
    prior = np.where(people.prior, 1 + draws.pick("prior fills", number, cumulative([6, 2, 1, 1])), 0)
    means = np.array(SEEKING) * 3 * _FIVE_A_YEAR
    other = draws.pick("other fills", number, cumulative(poisson(means, 24))[people.seeking])
    return np.stack([opioids, prior, on_index, later, earlier, other], axis=1)


def _draw_days(within: Floats, index: Days, slot: Index, place: Index, count: Index) -> Days:
    whole = np.full(len(index), FOLLOW_UP)
    after = index + 1 + spread(place, count, whole, within)
    before = index - LOOKBACK + spread(place, count, np.full(len(index), LOOKBACK), within)
    later = index + FOLLOW_UP + 1 + (within * 60).astype(np.int64)
    long_before = index - LOOKBACK - 1 - (within * 150).astype(np.int64)
    other = FIRST + spread(place, count, np.full(len(index), STOP - FIRST), within)
    days: Days = np.choose(slot, [after, before, index, later, long_before, other])
    return days


def _products(
    draws: Draws, person: Index, key: Index, number: Index, day: Days, other: Flags, people: int
) -> Dispensings:  # fmt: skip
    item = _pick(draws, key, number, catalogue().drug, other.astype(np.int64))
    opioid = _SUPPLY[draws.pick("supply", key, _SUPPLY_CHANCES, number)]
    refill = _REFILL[draws.pick("refill", key, cumulative([60, 25, 15]), number)]
    supply = np.where(other, refill, opioid)
    first = np.searchsorted(person, np.arange(people))
    return Dispensings(
        person=person,
        claim=np.arange(len(person)) - first[person] + 1,
        day=day,
        item=item,
        supply=supply,
        quantity=supply * np.where(other, 1, 4),
        cents=400 + supply * (20 + draws.whole("price", key, 60, number)),
    )


def _pick(draws: Draws, key: Index, number: Index, choices: Choices, row: Index) -> Index:
    chosen: Index = choices.item[row, draws.pick("drug", key, choices.cumulative[row], number)]
    return chosen


@cache
def mean_after_first(fills: Fills) -> tuple[float, float]:
    """Mean dispensings on top of the first, with the programme and without it, as drawn."""
    programme, therapy = chances_after_first(fills)
    return _mean(programme), _mean(therapy)


def _mean(chances: Floats) -> float:
    return math.fsum(count * chance for count, chance in enumerate(chances.tolist()))
