"""People: who they are, what care they had before their index day, which arm they take, what that does to them.

One row a member. Every member gets an index day and a history measured from it; for those of the background
nothing happens on that day.
"""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from claimtwin.synth.calendar import INDEX_STOP, Days, completed_years, day_of
from claimtwin.synth.catalogue import CONDITIONS, KINDS
from claimtwin.synth.causes import CERTAIN, Seen, choice_of, risks_of
from claimtwin.synth.draws import Draws, Flags, Floats, Index, cumulative, poisson
from claimtwin.synth.spec import SynthSpec

BACKGROUND, PROGRAMME, THERAPY = 0, 1, 2
MOST_VISITS = 24
STATES = (
    ("NY", "PA", "MA", "NJ", "CT"), ("IL", "OH", "MI", "MN", "WI"), ("TX", "FL", "GA", "NC", "VA"),
    ("CA", "WA", "CO", "AZ", "OR"),
)  # fmt: skip
_AGES = ((6, 17, 3), (18, 24, 11), (25, 29, 10), (30, 39, 24), (40, 49, 23), (50, 59, 21), (60, 64, 6), (65, 79, 2))
_REGIONS = cumulative([17, 21, 38, 24])
_STATES_IN_A_REGION = cumulative([5, 4, 3, 2, 1])
_BODIES = cumulative([40, 14, 18, 9, 19])
_MONTHS = cumulative([31, 28, 25, 15, 21, 30, 33, 32, 32, 33])
_NORMAL_STEPS = 12  # a sum of so many uniforms has a standard deviation of 1
# How much care people seek, five equal groups; and for each kind of care the chance of any in the year before
# index and the mean of what comes on top: in the pool, then in the background.
SEEKING = (0.45, 0.75, 1.0, 1.25, 1.6)
_BEFORE: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "office": ((1.0, 1.9), (0.60, 1.1)),
    "emergency": ((0.15, 0.25), (0.09, 0.2)),
    "therapy": ((0.13, 3.0), (0.03, 3.0)),
    "chiropractic": ((0.13, 3.5), (0.06, 3.0)),
    "imaging": ((0.38, 0.4), (0.10, 0.3)),
    "injection": ((0.15, 0.4), (0.03, 0.3)),
    "surgery": ((0.05, 0.05), (0.012, 0.05)),
    "laboratory": ((0.50, 0.6), (0.40, 0.6)),
}
_PREVALENCE = (0.010, 0.010, 0.012, 0.085, 0.016, 0.030, 0.080, 0.014)


@dataclass(frozen=True)
class People:
    """One row a member, in the order of ``number``.

    Attributes:
        number: Member, from 0. employer: From 1. state: Place in the region's list. region: Census region.
        index: Day of the index, and ``age`` in completed years on it.
        arm: BACKGROUND, PROGRAMME or THERAPY. body: Region of the complaint, place in ``BODIES``.
        seeking: Group of care seeking, 0 to 4. conditions: (n, 8) comorbidities.
        visits: (n, 8) days of care of each kind, laboratory last, in the 365 days before the index.
        risk_with, risk_without: Chance of beginning opioids in a year, in units of 2**-32.
        begins: Whether they do, in the arm they took. prior: Whether they had opioids in the year before.
    """

    number: Index
    employer: Index
    female: Flags
    region: Index
    state: Index
    birth: Days
    index: Days
    age: Index
    arm: Index
    body: Index
    seeking: Index
    conditions: Flags
    visits: Index
    risk_with: Index
    risk_without: Index
    begins: Flags
    prior: Flags

    def take(self, rows: Index | Flags) -> "People":
        """Some of the people, by place or by flag."""
        return People(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_people(spec: SynthSpec, first: int, stop: int) -> People:
    """Members ``first`` to ``stop`` - 1."""
    draws, number = Draws(spec.seed), np.arange(first, stop, dtype=np.int64)
    birth, index = _births(draws, number), _indexes(draws, number)
    age = completed_years(birth, index)
    pool = (age >= 14) & draws.chance("pool", number, spec.pool)
    seeking = draws.whole("seeking", number, len(SEEKING))
    female = draws.chance("female", number, 0.53)
    region = draws.pick("region", number, _REGIONS)
    conditions = _conditions(draws, number, age)
    visits = draws.pick("visits", number[:, None], _history()[pool * len(SEEKING) + seeking], np.arange(8))
    seen = Seen(age, female, region, conditions.sum(axis=1), visits[:, :7])
    severity = _severity(draws, number)
    takes = pool & draws.chance("choice", number, choice_of(seen, severity, spec.cause) / CERTAIN)
    risk_with, risk_without = risks_of(seen, severity, spec.cause)
    return People(
        number=number,
        employer=1 + draws.pick("employer", number, cumulative([1 / (k + 3) for k in range(spec.employers)])),
        female=female,
        region=region,
        state=draws.pick("state", number, _STATES_IN_A_REGION),
        birth=birth,
        index=index,
        age=age,
        arm=np.where(takes, PROGRAMME, np.where(pool, THERAPY, BACKGROUND)),
        body=draws.pick("body", number, _BODIES),
        seeking=seeking,
        conditions=conditions,
        visits=visits,
        risk_with=risk_with,
        risk_without=risk_without,
        begins=draws.chance("begins", number, np.where(takes, risk_with, risk_without) / CERTAIN),
        prior=draws.chance("prior", number, 0.03 + 0.25 * (risk_without / CERTAIN)),
    )


def _births(draws: Draws, number: Index) -> Days:
    band = draws.pick("age band", number, cumulative([weight for _, _, weight in _AGES]))
    low, high = (np.array(ends)[band] for ends in list(zip(*_AGES, strict=True))[:2])
    days = draws.uniform("age", number) * ((high - low + 1) * 365.25)
    birth: Days = day_of(2020, 6, 1) - (low * 365.25 + days).astype(np.int64)
    return birth


def _indexes(draws: Draws, number: Index) -> Days:
    """A day from January to October 2020; fewer in the spring, when much care was closed."""
    starts = np.array([day_of(2020, month, 1) for month in range(1, 11)] + [INDEX_STOP])
    month = draws.pick("index month", number, _MONTHS)
    days: Days = starts[month] + draws.whole("index day", number, starts[month + 1] - starts[month])
    return days


def _conditions(draws: Draws, number: Index, age: Index) -> Flags:
    chance = np.array(_PREVALENCE) * np.clip(age[:, None] - 12, 2, 60) / 30
    return draws.chance("condition", number[:, None], chance, np.arange(len(CONDITIONS)))


def _severity(draws: Draws, number: Index) -> Index:
    """About a standard normal, in thousandths."""
    total = draws.uniform("severity", number[:, None], np.arange(_NORMAL_STEPS)).sum(axis=1) - _NORMAL_STEPS / 2
    severity: Index = np.rint(total * 1000).astype(np.int64)
    return severity


@cache
def _history() -> Floats:
    """Distribution functions of days of care before index: (background then pool by seeking, kind, count)."""
    rows = [
        [_any_then_more(*_BEFORE[kind][1 - pool], sought) for kind in KINDS[:8]]
        for pool in (0, 1)
        for sought in SEEKING
    ]
    return np.array(rows)


def _any_then_more(chance: float, mean: float, sought: float) -> Floats:
    some = chance if chance == 1 else min(chance * sought, 0.95)
    more = poisson(mean * sought, MOST_VISITS - 1) * some
    return cumulative(np.concatenate([[1 - some], more]))
