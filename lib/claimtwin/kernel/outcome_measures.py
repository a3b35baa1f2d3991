"""Published measures of opioid use as outcomes of a study: each a whole number per person and window."""

from collections.abc import Callable

import numpy as np

from claimtwin.config.measures import GAP_DAYS
from claimtwin.kernel import opioid_measures as m
from claimtwin.kernel.columns import Days, Flags, Index
from claimtwin.kernel.fills import MILLI, divided
from claimtwin.kernel.mme import daily_doses, fills_asked, summed
from claimtwin.kernel.opioid_measures import OpioidUse
from claimtwin.kernel.supply import covered_days

Measure = Callable[[OpioidUse, Index, Days, int, int], Index | Flags]


def _days_supply(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    asked, row = fills_asked(use.fills, member, index, first, last)
    return summed(asked, np.maximum(use.fills.supply[row], 0), len(member))


def _days_covered(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    return covered_days(use.days, member, index, first, last)


def _mme(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
    return divided(daily_doses(use.fills, member, index, first, last).mme, MILLI)


def _dose(name: str) -> Measure:
    """One definition of the daily dose, nought for who has no fill of known dose in the window."""

    def doses(use: OpioidUse, member: Index, index: Days, first: int, last: int) -> Index:
        found: Index = getattr(daily_doses(use.fills, member, index, first, last), name)
        return np.maximum(found, 0)

    return doses


MEASURES: dict[str, Measure] = {
    "new_use": m.new_use,
    "continuing_use": m.continuing_use,
    "dose_change": m.dose_change,
    "persistent_use": lambda use, who, day, first, last: m.persistent_use(use, who, day),
    "long_term_use": lambda use, who, day, first, last: m.long_term_kazis(use, who, day),
    "long_term_months": lambda use, who, day, _, last: m.long_term_months(use, who, day, last),
    "chronic_episode": lambda *asked: m.chronic_episode(*asked, gap_days=GAP_DAYS),
    "high_dose_50": lambda *asked: m.high_dose(*asked, least=50),
    "high_dose_90": lambda *asked: m.high_dose(*asked, least=90),
    "high_dose_period": lambda *asked: m.high_dose_period(*asked, least=90),
    "potential_overuse": m.potential_overuse,
    "with_benzodiazepine": m.with_benzodiazepine,
    "benzodiazepine_days": m.shared_days,
    "continued_15_days": lambda *asked: m.continued_opioids(*asked, long=False),
    "continued_31_days": lambda *asked: m.continued_opioids(*asked, long=True),
    "long_first_supply": m.long_first_supply,
    "days_supply": _days_supply,
    "days_covered": _days_covered,
    "proportion_covered": m.proportion_covered,
    "mme": _mme,
    "mme_a_day_supply": _dose("by_supply"),
    "mme_a_day_covered": _dose("by_covered"),
    "mme_a_day_window": _dose("by_window"),
    "mme_a_day_highest": _dose("highest_day"),
}
"""By the name that a protocol uses, each answering for the days that ``config.measures`` says it reads.

Yes and no are 1 and 0, ``mme`` whole milligrams rounded half up, doses a day thousandths of a milligram, the
proportion thousandths; only ``dose_change`` may lie below nought.
"""


def measure(use: OpioidUse, name: str, member: Index, index: Days, first: int, last: int) -> Index:
    """One measure for each asked member, days ``first`` to ``last`` about its index, both included."""
    return MEASURES[name](use, member, index, first, last).astype(np.int64)
