"""Families: of each four members in the order of their numbers, who is subscriber, spouse or dependant of whom."""

from dataclasses import dataclass

import numpy as np

from claimtwin.synth.calendar import Days, day_of
from claimtwin.synth.draws import Draws, Flags, Index, cumulative

SUBSCRIBER, SPOUSE, DEPENDANT = 0, 1, 2
AS_OF = day_of(2020, 6, 1)
_YEAR = 365.25
_HOUSEHOLD = 4
# Of four members side by side: the place of each one's subscriber, and each one's part in the family.
_HEADS = np.array([[0, 0, 0, 0], [0, 0, 0, 3], [0, 0, 2, 2], [0, 0, 2, 3], [0, 1, 2, 3]])
_PARTS = np.array([[0, 1, 2, 2], [0, 1, 2, 0], [0, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
_SHARES = cumulative([15, 20, 25, 20, 20])
_AGES = ((18, 24, 11), (25, 29, 10), (30, 39, 24), (40, 49, 23), (50, 59, 22), (60, 64, 7), (65, 79, 2))
_OLDEST_DEPENDANT = 26
_YOUNGEST = 3 * 366  # born before the first enrolment


@dataclass(frozen=True)
class Families:
    """One row a member: the number of the subscriber, which may be the own, and the part in the family."""

    head: Index
    part: Index


def draw_families(draws: Draws, number: Index) -> Families:
    """Families of the given members; a family never depends on how many members there are."""
    household, place = number // _HOUSEHOLD, number % _HOUSEHOLD
    kind = draws.pick("household", household, _SHARES)
    return Families(household * _HOUSEHOLD + _HEADS[kind, place], _PARTS[kind, place])


def draw_births(draws: Draws, number: Index, families: Families) -> Days:
    """Birth days: spouses within five years of the subscriber, dependants from 3 to 26, most born to an adult."""
    head = AS_OF - (_years(draws, families.head) * _YEAR).astype(np.int64)
    near = head + draws.whole("spouse born", number, 3653) - 1826
    spouse = np.minimum(near, AS_OF - round(18 * _YEAR))
    most = np.clip(AS_OF - head - round(18 * _YEAR), _YOUNGEST, round(_OLDEST_DEPENDANT * _YEAR))
    older = (draws.uniform("dependant born", number) * (most - _YOUNGEST)).astype(np.int64)
    dependant = AS_OF - _YOUNGEST - older
    births: Days = np.choose(families.part, [head, spouse, dependant])
    return births


def draw_sexes(draws: Draws, number: Index, families: Families) -> Flags:
    """Whether each is a woman; most spouses are of the other sex."""
    head = draws.chance("female", families.head, 0.53)
    spouse = head ^ draws.chance("spouse", number, 0.95)
    return np.where(families.part == SPOUSE, spouse, np.where(families.part == DEPENDANT, _half(draws, number), head))


def _half(draws: Draws, number: Index) -> Flags:
    return draws.chance("dependant female", number, 0.49)


def _years(draws: Draws, head: Index) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    band = draws.pick("age band", head, cumulative([weight for _, _, weight in _AGES]))
    low, high = (np.array(ends)[band] for ends in list(zip(*_AGES, strict=True))[:2])
    years: np.ndarray[tuple[int], np.dtype[np.float64]] = low + draws.uniform("age", head) * (high - low + 1)
    return years
