"""Dispensings: opioids by the two-part recipe, opioids that a study must not count, and other drugs."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from claimtwin.synth.calendar import FIRST, LOOKBACK, STOP, Days, spread
from claimtwin.synth.catalogue import catalogue
from claimtwin.synth.controls import count_controls
from claimtwin.synth.coverage import Coverage
from claimtwin.synth.draws import Draws, Flags, Floats, Index, cumulative, negative_binomial, poisson
from claimtwin.synth.people import PROGRAMME, SEEKING, People
from claimtwin.synth.spec import Fills, SynthSpec

MOST = 80
FOLLOW_UP = 365
PAIN, DENTAL, SURGERY = range(3)
_REASONS = cumulative([78, 10, 12])
_LATER, _EARLIER, _FIVE_A_YEAR, _ANXIOUS = 0.04, 0.03, 1.6, 0.07
# Reasons of a dispensing; from the sixth on one for each list of drugs after the opioids, in the order of the lists.
_OUTCOME, _PRIOR, _ON_INDEX, _AFTERWARDS, _LONG_BEFORE, _OTHER = range(6)
# Days' supply of opioids: bands of a commercial low-back cohort (docs/synthetic-data.md), then their chances.
_SUPPLY = np.array([2, 3, 4, 5, 7, 10, 14, 20, 30])
_SUPPLY_CHANCES = cumulative([8.4, 10.2, 14.0, 15.3, 16.0, 16.2, 2.2, 7.5, 10.3])
_REFILL = np.array([30, 90, 10])
_SHORT, _SHORT_CHANCES = np.array([2, 3, 5]), [3, 5, 4]
# Cents: of each dispensing, and of each day of its supply at least, with so many prices above.
_A_FILL, _A_DAY, _PRICES = 400, 20, 60


@dataclass(frozen=True)
class Dispensings:
    """One row a dispensing, sorted by person and day; ``claim`` counts a person's dispensings from 1.

    ``item`` is a place in the catalogue's drugs, ``list`` in ``DRUG_LISTS``.
    """

    person: Index
    claim: Index
    day: Days
    paid: Days
    item: Index
    list: Index
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


def first_fill(spec: SynthSpec, people: People) -> tuple[Days, Index]:
    """Day of each person's first opioid after index, and what it was for; of no meaning without one."""
    draws, number = Draws(spec.seed), people.number
    count = count_opioids(draws, people, spec.fills)
    within = draws.uniform("fill day", number, number * 0)
    day = people.index + 1 + spread(number * 0, np.maximum(count, 1), np.full(len(number), FOLLOW_UP), within)
    return day, np.where(people.begins, draws.pick("reason", number, _REASONS), PAIN)


def draw_dispensings(spec: SynthSpec, people: People, coverage: Coverage) -> Dispensings:
    """All dispensings of the given people on days on which they are enrolled with pharmacy benefits."""
    draws = Draws(spec.seed)
    counts = _count_all(draws, people, spec)
    person, slot = np.nonzero(counts)
    repeats = counts[person, slot]
    place = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    person, slot, count = (np.repeat(values, repeats) for values in (person, slot, repeats))
    key, number = people.number[person], slot * 100 + place
    day = _draw_days(draws.uniform("fill day", key, number), people.index[person], slot, place, count)
    kept = (day >= FIRST) & (day < STOP) & coverage.holds(person, day, pharmacy=True)
    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((place[rows], slot[rows], day[rows], person[rows]))]
    short = (slot == _OUTCOME) & (place == 0) & (first_fill(spec, people)[1][person] != PAIN)
    drugs = _list_of(slot)[rows]
    return _products(draws, person[rows], key[rows], number[rows], day[rows], drugs, short[rows], len(people.number))


def _list_of(slot: Index) -> Index:
    """Place in ``DRUG_LISTS`` of what is dispensed for each reason."""
    lists: Index = np.maximum(slot - _OTHER + 1, 0)
    return lists


def _count_all(draws: Draws, people: People, spec: SynthSpec) -> Index:
    """(n, slots) dispensings by reason; those on the index day, and those after a year, count in no study window."""
    number = people.number
    reasons = (("fill on index", spec.fills.on_index), ("fill later", _LATER), ("fill long before", _EARLIER))
    beside = [draws.chance(name, number, chance).astype(np.int64) for name, chance in reasons]
    prior = np.where(people.prior, 1 + draws.pick("prior fills", number, cumulative([6, 2, 1, 1])), 0)
    means = np.array(SEEKING) * 3 * _FIVE_A_YEAR
    other = draws.pick("other fills", number, cumulative(poisson(means, 24))[people.seeking])
    anxious = draws.chance("anxious", number, _ANXIOUS)
    calming = np.where(anxious, 1 + draws.pick("calming fills", number, cumulative([4, 2, 2, 1, 1, 1])), 0)
    opioids = count_opioids(draws, people, spec.fills)
    first = np.stack([opioids, prior, *beside, other, calming], axis=1)
    return np.concatenate([first, count_controls(draws, people, spec.cause)], axis=1)


def _draw_days(within: Floats, index: Days, slot: Index, place: Index, count: Index) -> Days:
    whole = np.full(len(index), FOLLOW_UP)
    after = index + 1 + spread(place, count, whole, within)
    before = index - LOOKBACK + spread(place, count, np.full(len(index), LOOKBACK), within)
    later = index + FOLLOW_UP + 1 + (within * 60).astype(np.int64)
    long_before = index - LOOKBACK - 1 - (within * 150).astype(np.int64)
    other = FIRST + spread(place, count, np.full(len(index), STOP - FIRST), within)
    days: Days = np.choose(np.minimum(slot, _OTHER), [after, before, index, later, long_before, other])
    return days


def _products(
    draws: Draws, person: Index, key: Index, number: Index, day: Days, drugs: Index, short: Flags, people: int
) -> Dispensings:
    choices = catalogue().drug
    item = choices.item[drugs, draws.pick("drug", key, choices.cumulative[drugs], number)]
    other = drugs > 0
    opioid = _SUPPLY[draws.pick("supply", key, _SUPPLY_CHANCES, number)]
    opioid = np.where(short, _SHORT[draws.pick("short supply", key, cumulative(_SHORT_CHANCES), number)], opioid)
    refill = _REFILL[draws.pick("refill", key, cumulative([60, 25, 15]), number)]
    supply = np.where(other, refill, opioid)
    first = np.searchsorted(person, np.arange(people))
    return Dispensings(
        person=person,
        claim=np.arange(len(person)) - first[person] + 1,
        day=day,
        paid=day + 1 + draws.whole("fill paid", key, 14, number),
        item=item,
        list=drugs,
        supply=supply,
        quantity=supply * np.where(other, 1, 4),
        cents=_A_FILL + supply * (_A_DAY + draws.whole("price", key, _PRICES, number)),
    )


@cache
def mean_after_first(fills: Fills) -> tuple[float, float]:
    """Mean dispensings on top of the first, with the programme and without it, as drawn."""
    programme, therapy = chances_after_first(fills)
    return _mean(programme), _mean(therapy)


def mean_cents() -> tuple[float, float]:
    """Mean allowed cents of a person's first opioid dispensing after index, and of each later one; alike in both arms.

    The first is for less supply where it follows a dental visit or surgery.
    """
    pain, later = _shares(_REASONS, 3)[PAIN], float(_shares(_SUPPLY_CHANCES, len(_SUPPLY)) @ _SUPPLY)
    short = float(_shares(cumulative(_SHORT_CHANCES), len(_SHORT)) @ _SHORT)
    first = pain * later + (1 - pain) * short
    a_day = _A_DAY + (_PRICES - 1) / 2
    return _A_FILL + first * a_day, _A_FILL + later * a_day


def _shares(steps: Floats, count: int) -> Floats:
    """Chances of ``count`` categories, from their distribution function without its last step."""
    shares: Floats = np.diff(np.concatenate([[0.0], np.ravel(steps)[: count - 1], [1.0]]))
    return shares


def _mean(chances: Floats) -> float:
    return math.fsum(count * chance for count, chance in enumerate(chances.tolist()))
