"""Measures of opioid use by name: which days each reads, and which windows it can answer. Part of ``study.yaml``."""

from dataclasses import dataclass
from typing import Literal

YEAR = 365
GAP_DAYS = 30
"""Longest gap within an episode of ``chronic_episode``."""
EPISODE_SEEN = 180
"""Days after its window on which ``chronic_episode`` still looks: half of them covered are 90."""
FIRST_SUPPLY_CLEAN = 90
Span = tuple[int, int]

MeasureName = Literal[
    "new_use", "continuing_use", "persistent_use", "long_term_use", "long_term_months", "chronic_episode",
    "high_dose_50", "high_dose_90", "high_dose_period", "potential_overuse", "with_benzodiazepine",
    "benzodiazepine_days", "continued_15_days", "continued_31_days", "long_first_supply", "days_supply",
    "days_covered", "proportion_covered", "mme", "mme_a_day_supply", "mme_a_day_covered", "mme_a_day_window",
    "mme_a_day_highest", "dose_change",
]  # fmt: skip
"""Measures of opioid use that an outcome may be."""
OF_BENZODIAZEPINES = ("with_benzodiazepine", "benzodiazepine_days")
SIGNED = ("dose_change",)
"""Measures that may lie below nought: a number, never a yes or no."""


@dataclass(frozen=True)
class Reading:
    """Which days a measure reads about index, given a window ``[first, last]`` of an outcome.

    Attributes:
        look_back: Days before index that it must know.
        clean: Days before the window that it must know, those before index among them.
        beyond: Days after the window that it reads.
        opens: First day on which its window may start.
        only: The one window it has, where that is its own.
        length: Days that its window must have; null for any.
    """

    look_back: int = 0
    clean: int = 0
    beyond: int = 0
    opens: int = 0
    only: Span | None = None
    length: int | None = None

    def lookback_days(self, window: Span) -> int:
        """Days before index that must be observed for the answer to be known."""
        return max(self.look_back, self.clean - window[0], 0)

    def last_day(self, window: Span) -> int:
        """Last day about index that is read."""
        return window[1] + self.beyond

    def fault(self, window: Span) -> str:
        """Why a window is not one that the measure can answer; empty if it is."""
        if self.only is not None and window != self.only:
            return f"has the days {self.only[0]} to {self.only[1]} of its own; write them as its window"
        if window[0] < self.opens:
            return f"counts from day {self.opens} on; start the window there or later"
        if self.length is not None and window[1] - window[0] + 1 != self.length:
            return f"is of {self.length} days; make the window so long"
        return ""


READINGS: dict[str, Reading] = {
    "new_use": Reading(look_back=YEAR, opens=1),
    "continuing_use": Reading(look_back=YEAR, opens=1),
    "dose_change": Reading(look_back=YEAR, opens=1),
    "persistent_use": Reading(look_back=YEAR, only=(0, 180)),
    "long_term_use": Reading(only=(0, 60 + YEAR - 1)),
    "long_term_months": Reading(length=90),
    "chronic_episode": Reading(clean=GAP_DAYS + 1, beyond=EPISODE_SEEN),
    "continued_15_days": Reading(beyond=29),
    "continued_31_days": Reading(beyond=61),
    "long_first_supply": Reading(clean=FIRST_SUPPLY_CLEAN, beyond=2),
}
"""Measures that read other days than those of their window, or not every window.

Supply that runs into a window from fills before it counts where days with supply are asked for, and asks for no
look-back: a supply is seldom longer than the window before index that a study asks for anyway.
"""


def reading_of(measure: str | None) -> Reading:
    """The days that a measure reads; those of the window for what is no measure."""
    return READINGS.get(measure or "", Reading())
