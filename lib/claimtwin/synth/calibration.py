"""Log-odds that give asked risks: found on the expectations of a fixed sample of people, before anything runs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from claimtwin.config.load import config_error
from claimtwin.synth.causes import CERTAIN, choice_of, prior_of, risks_of
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws, Flags, Floats, Index
from claimtwin.synth.people import ADULT, People, draw_people, seen_of
from claimtwin.synth.spec import Cause, SynthSpec, Targets

REFERENCE_SEED, REFERENCE_MEMBERS = 0, 20_000
"""The sample is the same for every population, so equal targets give equal log-odds."""
_HALVINGS = 22


@dataclass(frozen=True)
class _Expected:
    """Means over those who would take the programme, and over those who would not, at one cause."""

    risk_with: float
    risk_without: float
    risk_of_comparators: float

    @property
    def crude_odds_ratio(self) -> float:
        return _odds(self.risk_with) / _odds(self.risk_of_comparators)


def calibrated(spec: SynthSpec) -> SynthSpec:
    """The specification with its targets turned into log-odds; unchanged where it has none.

    Raises:
        ConfigError: A target lies beyond what the bounds of ``cause`` can give.
    """
    if spec.targets is None:
        return spec
    people = draw_people(spec.model_copy(update={"seed": REFERENCE_SEED}), 0, REFERENCE_MEMBERS)
    people = people.take(_studied(people))
    cause = spec.cause
    if spec.targets.crude_odds_ratio is None:
        return spec.model_copy(update={"cause": _with_risks(people, cause, spec.targets), "targets": None})

    def crude_at(confounding: float) -> float:
        there = _with_risks(people, _changed(cause, confounding=confounding), asked)
        return -_expected(people, there).crude_odds_ratio

    asked = spec.targets
    confounding = _solved("targets.crude_odds_ratio", crude_at, -spec.targets.crude_odds_ratio, (0.0, 2.0))
    cause = _with_risks(people, _changed(cause, confounding=confounding), spec.targets)
    return spec.model_copy(update={"cause": cause, "targets": None})


def _studied(people: People) -> Flags:
    whole = draw_coverage(Draws(REFERENCE_SEED), people).continuous(people.index)
    kept: Flags = people.pool & (people.age >= ADULT) & whole
    return kept


def _with_risks(people: People, cause: Cause, targets: Targets) -> Cause:
    def without_at(risk: float) -> float:
        return _expected(people, _changed(cause, risk=risk)).risk_without

    level = _solved("targets.risk_comparator", without_at, targets.risk_comparator, (-6.0, 1.0))
    cause = _changed(cause, risk=level)

    def with_at(effect: float) -> float:
        return _expected(people, _changed(cause, effect=effect)).risk_with

    return _changed(cause, effect=_solved("targets.risk_treated", with_at, targets.risk_treated, (-3.0, 3.0)))


def _expected(people: People, cause: Cause) -> _Expected:
    """Means weighted by the chance of each arm and of having had no opioids before."""
    seen = seen_of(people)
    chosen = choice_of(seen, people.severity, cause) / CERTAIN
    risk_with, risk_without = risks_of(seen, people.severity, cause)
    naive = 1 - prior_of(risk_without)
    return _Expected(
        _mean(risk_with, chosen * naive), _mean(risk_without, chosen * naive), _mean(risk_without, (1 - chosen) * naive)
    )


def _mean(risk: Index, weight: Floats) -> float:
    return float(np.average(risk / CERTAIN, weights=weight))


def _solved(key: str, value_at: Callable[[float], float], asked: float, bounds: tuple[float, float]) -> float:
    """Where a rising function is as asked, to a thousandth of the bounds' unit.

    Raises:
        ConfigError: It is not so anywhere between the bounds.
    """
    low, high = bounds
    least, most = value_at(low), value_at(high)
    if not least <= asked <= most:
        ends = sorted((abs(least), abs(most)))
        raise config_error([f"synth: {key}: cannot be met; between {ends[0]:.4g} and {ends[1]:.4g} can"])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if value_at(middle) < asked else (low, middle)
    return round((low + high) / 2, 3)


def _changed(cause: Cause, **values: float) -> Cause:
    return cause.model_copy(update=values)


def _odds(chance: float) -> float:
    return chance / (1 - chance)
