"""Care: visits of every kind over three years, and the service lines that they are billed as.

The year before the index holds exactly the days of care that the person was drawn with. Therapy for a complaint
of a studied region happens in the index window only to those who enter the study by it, or have the programme.
"""

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from claimtwin.synth.calendar import FIRST, INDEX_FIRST, INDEX_STOP, LOOKBACK, NEW_CODES, STOP, Days, spread
from claimtwin.synth.catalogue import (
    BODIES,
    CONDITIONS,
    GENERAL,
    KINDS,
    LINES,
    OTHER_JOINT,
    THEMES,
    Choices,
    catalogue,
)
from claimtwin.synth.coverage import Coverage
from claimtwin.synth.draws import Draws, Flags, Floats, Index, cumulative, poisson
from claimtwin.synth.people import BACKGROUND, PROGRAMME, SEEKING, THERAPY, People

OFFICE, EMERGENCY, THERAPY_VISIT, LABORATORY, EVALUATION = (
    KINDS.index(name) for name in ("office", "emergency", "therapy", "laboratory", "evaluation")
)
_BEFORE, _LOOKBACK, _AFTER, _COURSE, _CONDITION = range(5)
_A_YEAR = (1.7, 0.13, 0.20, 0.40, 0.25, 0.08, 0.02, 0.8)  # days of care a year outside the look-back, by kind
_SLOTS = 8 * 3 + 2  # eight kinds in three periods, the course of therapy, one visit a comorbidity
_MOST = 24
_COURSE_LENGTH = cumulative([4, 6, 8, 10, 12, 12, 11, 10, 8, 7, 5, 4, 3])
_AMOUNT_STEPS = 1024


@dataclass(frozen=True)
class Visits:
    """One row a visit, sorted by person, then slot and place; ``person`` is the row in the people.

    ``slot`` and ``place`` tell visits of a person apart and key their draws. ``theme`` is what it was for.
    """

    person: Index
    slot: Index
    place: Index
    kind: Index
    day: Days
    theme: Index

    def take(self, rows: Index | Flags) -> "Visits":
        """Some of the visits, by place or by flag."""
        columns = (self.person, self.slot, self.place, self.kind, self.day, self.theme)
        return Visits(*(column[rows] for column in columns))


@dataclass(frozen=True)
class Lines:
    """One row a service line, sorted by person, day, claim and line.

    ``claim`` counts a person's visits, ``item`` and ``diagnoses`` are places in the catalogue (-1 none),
    ``late`` marks days with the diagnosis codes of October 2021.
    """

    person: Index
    claim: Index
    line: Index
    day: Days
    paid: Days
    item: Index
    diagnoses: Index
    late: Flags
    cents: Index


def draw_lines(draws: Draws, people: People, coverage: Coverage) -> Lines:
    """All service lines of the given people on days on which they are enrolled."""
    visits = _draw_visits(draws, people)
    visits = visits.take(coverage.holds(visits.person, visits.day))
    visits = visits.take(np.lexsort((visits.place, visits.slot, visits.day, visits.person)))
    first = np.searchsorted(visits.person, np.arange(len(people.number)))
    claim = np.arange(len(visits.person)) - first[visits.person] + 1
    key, number = people.number[visits.person], visits.slot * 100 + visits.place
    row = (visits.kind * len(THEMES) + visits.theme) * LINES
    item = np.stack([_pick(draws, f"line {k}", key, number, catalogue().care, row + k) for k in range(LINES)], axis=1)
    diagnoses = _draw_diagnoses(draws, people, visits)
    visit, line = np.nonzero(item >= 0)
    factor = _draw_factors(draws, people, visits)
    cents = catalogue().dollars[item[visit, line]] * factor[visit]
    return Lines(
        person=visits.person[visit],
        claim=claim[visit],
        line=line + 1,
        day=visits.day[visit],
        paid=visits.day[visit] + 6 + draws.whole("paid", key, 40, number)[visit],
        item=item[visit, line],
        diagnoses=diagnoses[visit],
        late=visits.day[visit] >= NEW_CODES,
        cents=np.maximum(cents // 1000, 1),
    )


def _draw_visits(draws: Draws, people: People) -> Visits:
    counts = _count_visits(draws, people)
    person, slot = np.nonzero(counts)
    repeats = counts[person, slot]
    place = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    person, slot = np.repeat(person, repeats), np.repeat(slot, repeats)
    kind, period = _kinds_of(slot), np.minimum(slot // 8, _COURSE) + (slot == _SLOTS - 1)
    kind = np.where((period == _COURSE) & (place == 0), EVALUATION, kind)
    key, number = people.number[person], slot * 100 + place
    within = draws.uniform("visit day", key, number)
    day = _draw_days(within, people.index[person], period, place, np.repeat(repeats, repeats))
    late = (period == _COURSE) & (people.arm[person] == PROGRAMME)
    day = day + np.where(late, 1 + draws.whole("course later", key, 60), 0)
    theme = _draw_themes(draws, people, Visits(person, slot, place, kind, day, slot), period)
    return Visits(person, slot, place, kind, day, theme).take((day >= FIRST) & (day < STOP))


def _kinds_of(slot: Index) -> Index:
    kinds: Index = np.array([*range(8)] * 3 + [THERAPY_VISIT, LABORATORY], np.int64)[slot]
    return kinds


def _count_visits(draws: Draws, people: People) -> Index:
    """(n, slots) visits: before the look-back, in it, after the index, in the course of therapy, of comorbidities."""
    number = people.number
    months = [(people.index - LOOKBACK - FIRST) // 30, (STOP - people.index) // 30]
    outside = [
        draws.pick(name, number[:, None], _rates()[people.seeking, length], np.arange(8))
        for name, length in zip(("visits before", "visits after"), months, strict=True)
    ]
    enters = (people.arm == THERAPY) | ((people.arm == PROGRAMME) & draws.chance("therapy too", number, 0.15))
    course = np.where(enters, 1 + draws.pick("course", number, _COURSE_LENGTH), 0)
    groups = people.conditions.sum(axis=1)
    return np.concatenate([outside[0], people.visits, outside[1], course[:, None], groups[:, None]], axis=1)


def _draw_days(within: Floats, index: Days, period: Index, place: Index, count: Index) -> Days:
    """Day of each visit; those of one slot never share a day. The course begins on the index day."""
    early = spread(place, count, np.maximum(index - LOOKBACK - FIRST, 1), within) + FIRST
    before = spread(place, count, np.full(len(index), LOOKBACK), within) + index - LOOKBACK
    after = spread(place, count, STOP - index - 1, within) + index + 1
    course = index + place * 4 + np.where(place > 0, (within * 3).astype(np.int64), 0)
    days: Days = np.choose(period, [early, before, after, course, before])
    return days


def _draw_themes(draws: Draws, people: People, visits: Visits, period: Index) -> Index:
    """What each visit was for; joint care mostly for the person's own region."""
    key, number = people.number[visits.person], visits.slot * 100 + visits.place
    arm, body = people.arm[visits.person], people.body[visits.person]
    other = draws.whole("other region", key, len(BODIES), number)
    theme = np.where(draws.chance("elsewhere", key, 0.08, number) & (period != _COURSE), other, body)
    spoken = np.where(arm == BACKGROUND, 0.15, 0.5)
    general = (visits.kind == OFFICE) | (visits.kind == EMERGENCY)
    general &= ~draws.chance("joint visit", key, spoken, number)
    general &= (period != _LOOKBACK) | (visits.place > 0) | (arm == BACKGROUND)
    theme = np.where(general | (visits.kind == LABORATORY), GENERAL, theme)
    window = (visits.day >= INDEX_FIRST) & (visits.day < INDEX_STOP)
    would_enter = window & ((arm == BACKGROUND) | ((arm == THERAPY) & (visits.day < people.index[visits.person])))
    away = would_enter | (draws.chance("other joint", key, 0.1, number) & (period != _COURSE))
    theme = np.where((visits.kind == THERAPY_VISIT) & away, OTHER_JOINT, theme)
    return np.where(period == _CONDITION, GENERAL + 1 + _group(people, visits.person, visits.place), theme)


def _group(people: People, person: Index, rank: Index) -> Index:
    """The person's comorbidity of a rank from 0; any number where there is none of that rank."""
    order = np.argsort(~people.conditions, axis=1, kind="stable")
    chosen: Index = order[person, np.minimum(rank, len(CONDITIONS) - 1)]
    return chosen


def _draw_diagnoses(draws: Draws, people: People, visits: Visits) -> Index:
    """(n, 3) diagnoses: of the theme, then perhaps one of the person's comorbidities, then perhaps a general one."""
    key, number = people.number[visits.person], visits.slot * 100 + visits.place
    has = people.conditions.sum(axis=1)[visits.person]
    group = _group(people, visits.person, draws.whole("which condition", key, has, number))
    told = (has > 0) & draws.chance("condition told", key, 0.35, number)
    more = told & draws.chance("general told", key, 0.3, number)
    themes = (visits.theme, GENERAL + 1 + group, np.full(len(key), GENERAL))
    found = [_pick(draws, f"diagnosis {k}", key, number, catalogue().diagnosis, row) for k, row in enumerate(themes)]
    return np.stack([found[0], np.where(told, found[1], -1), np.where(more, found[2], -1)], axis=1)


def _draw_factors(draws: Draws, people: People, visits: Visits) -> Index:
    """What turns usual dollars into thousandths of a cent: skewed, and more for those who seek more care."""
    step = draws.whole("amount", people.number[visits.person], _AMOUNT_STEPS, visits.slot * 100 + visits.place)
    person = np.array([round(100 * sought**0.25) for sought in SEEKING])[people.seeking[visits.person]]
    factor: Index = _amounts()[step] * person
    return factor


def _pick(draws: Draws, name: str, key: Index, number: Index, choices: Choices, row: Index) -> Index:
    place = draws.pick(name, key, choices.cumulative[row], number)
    chosen: Index = choices.item[row, place]
    return chosen


@cache
def _rates() -> Floats:
    """Distribution functions of visits by seeking, months (0 to 36), kind and count."""
    months = np.arange(37)[None, :, None] / 12
    means = np.array(SEEKING)[:, None, None] * months * np.array(_A_YEAR)
    return cumulative(poisson(means, _MOST))


@cache
def _amounts() -> Index:
    """Quantiles of a log-normal spread with a standard deviation of 0.45 on the log scale, in thousandths."""
    normal = NormalDist()
    middles = [(step + 0.5) / _AMOUNT_STEPS for step in range(_AMOUNT_STEPS)]
    return np.array([round(1000 * math.exp(0.45 * normal.inv_cdf(middle))) for middle in middles], np.int64)
