"""People: who they are, what care they had before their index day, which arm they take, what that does to them.

One row a member. Every member gets an index day and a history measured from it; for those of the background
nothing happens on that day.
"""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from claimtwin.synth.calendar import INDEX_STOP, Days, completed_years, day_of
from claimtwin.synth.catalogue import CONDITIONS, KINDS
from claimtwin.synth.causes import CERTAIN, Seen, choice_of, prior_of, risks_of
from claimtwin.synth.draws import Draws, Flags, Floats, Index, cumulative, poisson
from claimtwin.synth.families import draw_births, draw_families, draw_sexes
from claimtwin.synth.spec import SynthSpec

BACKGROUND, PROGRAMME, THERAPY = 0, 1, 2
MOST_VISITS = 24
ADULT = 18
_ACUTE = 0.4
STATES = (
    ("NY", "PA", "MA", "NJ", "CT"), ("IL", "OH", "MI", "MN", "WI"), ("TX", "FL", "GA", "NC", "VA"),
    ("CA", "WA", "CO", "AZ", "OR"),
)  # fmt: skip
_REGIONS = cumulative([17, 21, 38, 24])
_STATES_IN_A_REGION = cumulative([5, 4, 3, 2, 1])
_BODIES = cumulative([40, 14, 18, 9, 19])
_MONTHS = (31, 28, 25, 15, 21, 30, 33, 32, 32, 33)
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
        number: Member, from 0. head, part: The subscriber's number, and the part in the family.
        employer: From 1, the family's; ``other_employer`` is of a second job.
        state: Place in the region's list. region: Census region.
        index: Day of the index, and ``age`` in completed years on it.
        pool: Whether the person seeks help with a joint. arm: BACKGROUND, PROGRAMME or THERAPY.
        body: Region of the complaint, place in ``BODIES``. acute: Whether the complaint is new.
        seeking: Group of care seeking, 0 to 4. conditions: (n, 8) comorbidities.
        visits: (n, 8) days of care of each kind, laboratory last, in the 365 days before the index.
        severity: In thousandths of a standard deviation; no claim shows it.
        risk_with, risk_without: Chance of beginning opioids in a year, in units of 2**-32.
        begins: Whether they do, in the arm they took. prior: Whether they had opioids in the year before.
    """

    number: Index
    head: Index
    part: Index
    employer: Index
    other_employer: Index
    female: Flags
    region: Index
    state: Index
    birth: Days
    index: Days
    age: Index
    pool: Flags
    arm: Index
    body: Index
    acute: Flags
    seeking: Index
    conditions: Flags
    visits: Index
    severity: Index
    risk_with: Index
    risk_without: Index
    begins: Flags
    prior: Flags

    def take(self, rows: Index | Flags) -> "People":
        """Some of the people, by place or by flag."""
        return People(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def seen_of(people: People) -> Seen:
    """What a study can measure of each person before the index."""
    return Seen(people.age, people.female, people.region, people.conditions.sum(axis=1), people.visits[:, :7])


def draw_people(spec: SynthSpec, first: int, stop: int) -> People:
    """Members ``first`` to ``stop`` - 1, their days around 2020 whatever ``spec.index_year``."""
    draws, number = Draws(spec.seed), np.arange(first, stop, dtype=np.int64)
    families = draw_families(draws, number)
    birth, index = draw_births(draws, number, families), _indexes(draws, number, spec.index_months)
    age = completed_years(birth, index)
    pool = (age >= 14) & draws.chance("pool", number, spec.pool)
    seeking, region = draws.whole("seeking", number, len(SEEKING)), draws.pick("region", families.head, _REGIONS)
    female = draw_sexes(draws, number, families)
    conditions = _conditions(draws, number, age)
    visits = draws.pick("visits", number[:, None], _history()[pool * len(SEEKING) + seeking], np.arange(8))
    seen = Seen(age, female, region, conditions.sum(axis=1), visits[:, :7])
    severity = _severity(draws, number)
    takes = pool & draws.chance("choice", number, choice_of(seen, severity, spec.cause) / CERTAIN)
    risk_with, risk_without = risks_of(seen, severity, spec.cause)
    employer = 1 + draws.pick("employer", families.head, cumulative([1 / (k + 3) for k in range(spec.employers)]))
    return People(
        number=number,
        head=families.head,
        part=families.part,
        employer=employer,
        other_employer=employer % spec.employers + 1,
        female=female,
        region=region,
        state=draws.pick("state", families.head, _STATES_IN_A_REGION),
        birth=birth,
        index=index,
        age=age,
        pool=pool,
        arm=np.where(takes, PROGRAMME, np.where(pool, THERAPY, BACKGROUND)),
        body=draws.pick("body", number, _BODIES),
        acute=draws.chance("acute", number, _ACUTE),
        seeking=seeking,
        conditions=conditions,
        visits=visits,
        severity=severity,
        risk_with=risk_with,
        risk_without=risk_without,
        begins=draws.chance("begins", number, np.where(takes, risk_with, risk_without) / CERTAIN),
        prior=draws.chance("prior", number, prior_of(risk_without)),
    )


def _indexes(draws: Draws, number: Index, months: tuple[int, int]) -> Days:
    """A day from January to October 2020, or of some of these months; fewer in the spring, when much was closed."""
    starts = np.array([day_of(2020, month, 1) for month in range(1, 11)] + [INDEX_STOP])
    asked = [weight if months[0] <= month <= months[1] else 0 for month, weight in enumerate(_MONTHS, 1)]
    month = draws.pick("index month", number, cumulative(asked))
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
