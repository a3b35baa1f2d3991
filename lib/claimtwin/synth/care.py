"""Care: visits of every kind over three years, and the service lines that they are billed as.

The year before the index holds exactly the days of care that the person was drawn with. Therapy for a complaint
of a studied region happens in the index window only to those who enter the study by it, or have the programme.
"""

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from claimtwin.synth.calendar import FIRST, INDEX_FIRST, INDEX_STOP, LOOKBACK, STOP, Days
from claimtwin.synth.catalogue import (
    BODIES,
    CONDITIONS,
    DENTAL,
    EXPOSURES,
    GENERAL,
    KINDS,
    LINES,
    OTHER_JOINT,
    THEMES,
    Choices,
    catalogue,
    complaint_row,
)
from claimtwin.synth.controls import count_exposures
from claimtwin.synth.coverage import Coverage
from claimtwin.synth.draws import Draws, Flags, Floats, Index, cumulative, poisson
from claimtwin.synth.fills import DENTAL as FOR_DENTAL
from claimtwin.synth.fills import SURGERY as FOR_SURGERY
from claimtwin.synth.fills import first_fill
from claimtwin.synth.people import BACKGROUND, PROGRAMME, SEEKING, THERAPY, People
from claimtwin.synth.spec import SynthSpec, open_days

OFFICE, EMERGENCY, THERAPY_VISIT, SURGERY, LABORATORY, EVALUATION, DENTAL_VISIT = (
    KINDS.index(name) for name in ("office", "emergency", "therapy", "surgery", "laboratory", "evaluation", "dental")
)
_BEFORE, _LOOKBACK, _AFTER, _COURSE, _CONDITION, _CONTROL, _WITH_FILL = range(7)
_A_YEAR = (1.7, 0.13, 0.20, 0.40, 0.25, 0.08, 0.02, 0.8)  # days of care a year outside the look-back, by kind
# Eight kinds in three periods, the course of therapy, one visit a comorbidity, negative controls, dentist, surgery.
_SLOT_KINDS = np.array(
    [*range(8)] * 3 + [THERAPY_VISIT, LABORATORY] + [KINDS.index(name) for name in EXPOSURES] + [DENTAL_VISIT, SURGERY]
)
_SLOT_PERIODS = np.array([_BEFORE] * 8 + [_LOOKBACK] * 8 + [_AFTER] * 8 + [_COURSE, _CONDITION] + [_CONTROL] * 4
                         + [_WITH_FILL] * 2)  # fmt: skip
_ACUTE_DAYS = 90
# Days from service to payment: bands, then their chances; the tail is the run-out that an early extract misses.
_PAID = np.array([[6, 9], [15, 16], [31, 30], [61, 60], [121, 50]])
_PAID_CHANCES = cumulative([45, 30, 15, 8, 2])
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

    ``claim`` counts a person's visits, ``item`` and ``diagnoses`` are places in the catalogue (-1 none).
    """

    person: Index
    claim: Index
    line: Index
    day: Days
    paid: Days
    item: Index
    diagnoses: Index
    cents: Index


def draw_lines(spec: SynthSpec, people: People, coverage: Coverage) -> Lines:
    """All service lines of the given people on days on which they are enrolled."""
    visits = draw_visits(spec, people, coverage)
    return bill(spec, people, visits, diagnose(spec, people, visits))


def draw_visits(spec: SynthSpec, people: People, coverage: Coverage) -> Visits:
    """All visits of the given people on days on which they are enrolled, by person, day, slot and place."""
    visits = _draw_visits(spec, people)
    visits = visits.take(coverage.holds(visits.person, visits.day))
    return visits.take(np.lexsort((visits.place, visits.slot, visits.day, visits.person)))


def bill(spec: SynthSpec, people: People, visits: Visits, diagnoses: Index) -> Lines:
    """The service lines of visits."""
    draws = Draws(spec.seed)
    first = np.searchsorted(visits.person, np.arange(len(people.number)))
    claim = np.arange(len(visits.person)) - first[visits.person] + 1
    key, number = people.number[visits.person], visits.slot * 100 + visits.place
    row = (visits.kind * len(THEMES) + visits.theme) * LINES
    item = np.stack([_pick(draws, f"line {k}", key, number, catalogue().care, row + k) for k in range(LINES)], axis=1)
    visit, line = np.nonzero(item >= 0)
    factor = _draw_factors(draws, people, visits)
    cents = catalogue().dollars[item[visit, line]] * factor[visit]
    lag = _PAID[draws.pick("paid band", key, _PAID_CHANCES, number)]
    paid = visits.day + lag[:, 0] + (draws.uniform("paid", key, number) * lag[:, 1]).astype(np.int64)
    return Lines(
        person=visits.person[visit],
        claim=claim[visit],
        line=line + 1,
        day=visits.day[visit],
        paid=paid[visit],
        item=item[visit, line],
        diagnoses=diagnoses[visit],
        cents=np.maximum(cents // 1000, 1),
    )


def _draw_visits(spec: SynthSpec, people: People) -> Visits:
    draws = Draws(spec.seed)
    counts = _count_visits(spec, people)
    person, slot = np.nonzero(counts)
    repeats = counts[person, slot]
    place = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    person, slot = np.repeat(person, repeats), np.repeat(slot, repeats)
    kind, period = _SLOT_KINDS[slot], _SLOT_PERIODS[slot]
    kind = np.where((period == _COURSE) & (place == 0), EVALUATION, kind)
    draft = Visits(person, slot, place, kind, slot, slot)
    day = _draw_days(spec, people, draft, period, np.repeat(repeats, repeats))
    draft = Visits(person, slot, place, kind, day, slot)
    theme = _draw_themes(draws, people, draft, period)
    shut = (period == _COURSE) & (place > 0) & ~open_days(spec).is_open(day)
    return Visits(person, slot, place, kind, day, theme).take((day >= FIRST) & (day < STOP) & ~shut)


def _count_visits(spec: SynthSpec, people: People) -> Index:
    """(n, slots) visits: before the look-back, in it, after the index, in the course of therapy, of comorbidities,
    negative controls, and with the first opioid at the dentist's or after surgery.
    """
    draws, number = Draws(spec.seed), people.number
    months = [(people.index - LOOKBACK - FIRST) // 30, (STOP - people.index) // 30]
    outside = [
        draws.pick(name, number[:, None], _rates()[people.seeking, length], np.arange(8))
        for name, length in zip(("visits before", "visits after"), months, strict=True)
    ]
    enters = (people.arm == THERAPY) | ((people.arm == PROGRAMME) & draws.chance("therapy too", number, 0.15))
    course = np.where(enters, 1 + draws.pick("course", number, _COURSE_LENGTH), 0)
    groups = people.conditions.sum(axis=1)
    controls = count_exposures(draws, people, spec.cause)
    reason = first_fill(spec, people)[1]
    with_fill = np.stack([reason == FOR_DENTAL, reason == FOR_SURGERY], axis=1).astype(np.int64)
    parts = [outside[0], people.visits, outside[1], course[:, None], groups[:, None], controls, with_fill]
    return np.concatenate(parts, axis=1)


def _draw_days(spec: SynthSpec, people: People, visits: Visits, period: Index, count: Index) -> Days:
    """Day of each visit; those of one slot never share a day. The course begins on the index day.

    A new complaint brings its care, visits to the office apart, into the last weeks before the index.
    """
    draws, opened = Draws(spec.seed), open_days(spec)
    person, place = visits.person, visits.place
    key, number, index = people.number[person], visits.slot * 100 + place, people.index[person]
    within = draws.uniform("visit day", key, number)
    new = (period == _LOOKBACK) & people.acute[person] & (visits.kind >= THERAPY_VISIT) & (visits.kind <= SURGERY)
    starts = np.choose(period, [np.full(len(index), FIRST), index - LOOKBACK, index + 1, index, index - LOOKBACK,
                                np.full(len(index), FIRST), index])  # fmt: skip
    stops = np.choose(period, [index - LOOKBACK, index, np.full(len(index), STOP), index, index,
                               np.full(len(index), STOP), index])  # fmt: skip
    starts = np.where(new, index - _ACUTE_DAYS, starts)
    days = opened.spread(place, count, starts, np.maximum(stops - starts, 1), within)
    later = np.where(people.arm[person] == PROGRAMME, 1 + draws.whole("course later", key, 60), 0)
    course = index + place * 4 + np.where(place > 0, (within * 3).astype(np.int64), 0) + later
    filled = first_fill(spec, people)[0][person] - (visits.kind == SURGERY)
    return np.where(period == _COURSE, course, np.where(period == _WITH_FILL, filled, days))


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
    control = DENTAL + 1 + visits.kind - KINDS.index(EXPOSURES[0])
    theme = np.where(period == _CONTROL, control, np.where(visits.kind == DENTAL_VISIT, DENTAL, theme))
    return np.where(period == _CONDITION, GENERAL + 1 + _group(people, visits.person, visits.place), theme)


def _group(people: People, person: Index, rank: Index) -> Index:
    """The person's comorbidity of a rank from 0; any number where there is none of that rank."""
    order = np.argsort(~people.conditions, axis=1, kind="stable")
    chosen: Index = order[person, np.minimum(rank, len(CONDITIONS) - 1)]
    return chosen


def diagnose(spec: SynthSpec, people: People, visits: Visits) -> Index:
    """(n, 3) diagnoses: of the theme, then perhaps one of the person's comorbidities, then perhaps a general one.

    Places in the catalogue, -1 for none.
    """
    draws = Draws(spec.seed)
    key, number = people.number[visits.person], visits.slot * 100 + visits.place
    has = people.conditions.sum(axis=1)[visits.person]
    group = _group(people, visits.person, draws.whole("which condition", key, has, number))
    told = (has > 0) & draws.chance("condition told", key, 0.35, number)
    more = told & draws.chance("general told", key, 0.3, number)
    themes = (complaint_row(visits.theme, people.acute[visits.person]), GENERAL + 1 + group, key * 0 + GENERAL)
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
