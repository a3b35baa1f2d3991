"""Published measures of opioid use as outcomes of a study: each a whole number per person and window."""

from collections.abc import Callable

import numpy as np

from claimtwin.kernel import opioid_measures as m
from claimtwin.kernel.columns import Days, Flags, Index
from claimtwin.kernel.fills import MILLI, divided
from claimtwin.kernel.mme import daily_doses, fills_asked, summed
from claimtwin.kernel.opioid_measures import OpioidUse
from claimtwin.kernel.supply import covered_days

YEAR = 365
GAP_DAYS = 30
Measure = Callable[[OpioidUse, Index, Days, int, int], Index | Flags]


def _days_supply(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    asked, row = fills_asked(use.fills, member, index, first, last)
    return summed(asked, np.maximum(use.fills.supply[row], 0), len(member))


def _days_covered(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    return covered_days(use.days, member, index, first, last)


def _mme(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    return divided(daily_doses(use.fills, member, index, first, last).mme, MILLI)


MEASURES: dict[str, Measure] = {
    "new_use": lambda use, who, day, _, last: m.new_use(use, who, day, YEAR, last),
    "continuing_use": lambda use, who, day, _, last: m.continuing_use(use, who, day, YEAR, last),
    "persistent_use": lambda use, who, day, first, last: m.persistent_use(use, who, day),
    "long_term_use": lambda use, who, day, first, last: m.long_term_kazis(use, who, day),
    "chronic_episode": lambda use, who, day, _, last: m.chronic_episode(use, who, day, last, gap_days=GAP_DAYS),
    "high_dose_50": lambda use, who, day, first, last: m.high_dose(use, who, day, first, last, least=50),
    "high_dose_90": lambda use, who, day, first, last: m.high_dose(use, who, day, first, last, least=90),
    "potential_overuse": m.potential_overuse,
    "with_benzodiazepine": m.with_benzodiazepine,
    "benzodiazepine_days": m.shared_days,
    "continued_15_days": lambda use, who, day, _, last: m.continued_opioids(use, who, day, last, long=False),
    "continued_31_days": lambda use, who, day, _, last: m.continued_opioids(use, who, day, last, long=True),
    "long_first_supply": m.long_first_supply,
    "days_supply": _days_supply,
    "days_covered": _days_covered,
    "mme": _mme,
}
"""By the name that a protocol uses; yes and no are 1 and 0, ``mme`` whole milligrams rounded half up.

New and continuing use look back 365 days; persistent and long-term use have windows of their own.
"""


def measure(use: OpioidUse, name: str, member: Index, index: Days, first: int, last: int) -> Index:
    """One measure for each asked member, days ``first`` to ``last`` about its index, both included."""
    return MEASURES[name](use, member, index, first, last).astype(np.int64)
