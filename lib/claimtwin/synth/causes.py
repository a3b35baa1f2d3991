"""Who takes the programme, and who begins opioids: two logistic models on what a study can measure, in whole numbers.

Weights are thousandths of a log-odds and chances are in units of 2**-32, so that sums are exact and no result
hangs on how a machine computes an exponential.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from claimtwin.synth.draws import Flags, Floats, Index
from claimtwin.synth.spec import Cause

CERTAIN = 2**32
MIDDLE_AGE = 42
_MOST = 12_000

# Per year of age, woman, census region (northeast, midwest, south, west), comorbidity, then a day of care of
# each family: office, emergency, therapy, chiropractic, imaging, injection, surgery.
CHOICE = (-20, 180, (130, 0, -240, 280), -290, (-130, -330, -20, 15, -220, -460, -500))
RISK = (12, -110, (-150, 0, 210, -110), 270, (115, 340, 10, 25, 200, 430, 520))

Weights = tuple[int, int, tuple[int, ...], int, tuple[int, ...]]


@dataclass(frozen=True)
class Seen:
    """What a study can measure of each person before the index; ``visits`` has a column a care family."""

    age: Index
    female: Flags
    region: Index
    conditions: Index
    visits: Index


def log_odds(weights: Weights, seen: Seen) -> Index:
    """Sum of the weighted attributes, in thousandths."""
    per_year, woman, regions, condition, families = weights
    total: Index = (seen.age - MIDDLE_AGE) * per_year + seen.female * woman + seen.conditions * condition
    total = total + np.array(regions, np.int64)[seen.region] + seen.visits @ np.array(families, np.int64)
    return total


def chance_of(thousandths: Index) -> Index:
    """Logistic function; in units of 2**-32."""
    chance: Index = _logistic()[np.clip(thousandths, -_MOST, _MOST) + _MOST]
    return chance


def in_thousandths(value: float) -> int:
    """A log-odds of the specification in the unit of the weights."""
    return round(value * 1000)


def choice_of(seen: Seen, severity: Index, cause: Cause) -> Index:
    """Chance of taking the programme rather than therapy, in units of 2**-32.

    ``severity`` is in thousandths of a standard deviation.
    """
    shown = log_odds(CHOICE, seen) * in_thousandths(cause.confounding) // 1000
    hidden = severity * in_thousandths(cause.severity) // 1000
    return chance_of(in_thousandths(cause.choice) + shown - hidden)


def risks_of(seen: Seen, severity: Index, cause: Cause) -> tuple[Index, Index]:
    """Chances of beginning opioids within a year with the programme and without it, in units of 2**-32."""
    without = in_thousandths(cause.risk) + log_odds(RISK, seen)
    without = without + severity * in_thousandths(cause.severity) // 1000
    return chance_of(without + in_thousandths(cause.effect)), chance_of(without)


def prior_of(risk_without: Index) -> Floats:
    """Chance of having had opioids in the year before index: more for those at risk of them."""
    chance: Floats = 0.03 + 0.25 * (risk_without / CERTAIN)
    return chance


@cache
def _logistic() -> Index:
    steps = range(-_MOST, _MOST + 1)
    return np.array([round(CERTAIN / (1 + math.exp(-step / 1000))) for step in steps], np.int64)
