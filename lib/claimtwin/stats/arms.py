"""One outcome in each arm, and the crude contrasts of the 2 x 2 table."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.intervals import Estimate, wald, wald_of_log
from claimtwin.stats.weighted_risks import weighted_risk


@dataclass(frozen=True)
class ArmOutcome:
    """One outcome in one arm; any figure may be None: withheld, or not defined for so few people.

    Attributes:
        n: People.
        people: Those with the outcome at least once.
        percent, low, high: People per 100 and its 95 % Wald interval.
        total: Times the outcome occurred, over all people.
        per_100: Total per 100 people.
        sd: Standard deviation per person, n - 1.
    """

    n: int | None
    people: int | None
    percent: float | None
    low: float | None
    high: float | None
    total: int | None
    per_100: float | None
    sd: float | None


@dataclass(frozen=True)
class TwoByTwo:
    """People and people with the outcome, in the treated (1) and in the comparator (0) arm."""

    n1: int
    events1: int
    n0: int
    events0: int

    @property
    def empty(self) -> str:
        """Why no ratio can be formed, in words; the empty string if one can."""
        for arm, n, events in (("treated", self.n1, self.events1), ("comparator", self.n0, self.events0)):
            if not n:
                return f"nobody in the {arm} arm"
            if events in (0, n):
                return f"{'no' if events == 0 else 'only'} events in the {arm} arm"
        return ""


def percent_of(n: int, events: int) -> tuple[float, float, float]:
    """Events per 100 people with the 95 % Wald interval; ``n`` at least 1."""
    share = events / n
    found = wald(share, sqrt(share * (1 - share) / n))
    return 100 * share, 100 * found.low, 100 * found.high


def arm_outcome(count: NDArray[np.int64], weight: FloatArray | None = None) -> ArmOutcome:
    """Describe one arm from each person's number of occurrences (0 or 1 for a yes-no outcome).

    With ``weight`` people and total stay counts; percent, its interval, ``per_100`` and ``sd`` are weighted.
    """
    n, people, total = len(count), int((count > 0).sum()), int(count.sum())
    if not n:
        return ArmOutcome(0, 0, None, None, None, 0, None, None)
    if weight is not None:
        return ArmOutcome(n, people, *_weighted_percent(count > 0, weight), total, *_weighted_mean(count, weight))
    sd = float(np.std(count, ddof=1)) if n > 1 else None
    return ArmOutcome(n, people, *percent_of(n, people), total, 100 * total / n, sd)


def _weighted_percent(happened: NDArray[np.bool_], weight: FloatArray) -> tuple[float, float, float]:
    risk = weighted_risk(happened, weight)
    found = wald(100 * risk.share, 100 * sqrt(risk.variance))
    return found.estimate, found.low, found.high


def _weighted_mean(count: NDArray[np.int64], weight: FloatArray) -> tuple[float, float | None]:
    """Occurrences per 100 people, and their standard deviation per person (weights measure reliability)."""
    total, squares = float(weight.sum()), float((weight**2).sum())
    mean = float(weight @ count) / total
    freedom = total - squares / total
    sd = sqrt(float(weight @ (count - mean) ** 2) / freedom) if freedom > 0 else None
    return 100 * mean, sd


def two_by_two(happened: NDArray[np.bool_], treated: NDArray[np.bool_]) -> TwoByTwo:
    """Count people and events by arm."""
    return TwoByTwo(
        int(treated.sum()), int((happened & treated).sum()), int((~treated).sum()), int((happened & ~treated).sum())
    )


def crude_odds_ratio(table: TwoByTwo) -> Estimate:
    """Odds ratio with Woolf's interval; ``table.empty`` must be empty."""
    cells = (table.events1, table.n1 - table.events1, table.events0, table.n0 - table.events0)
    return wald_of_log(log(cells[0] * cells[3] / (cells[1] * cells[2])), sqrt(sum(1 / cell for cell in cells)))


def risk_ratio(table: TwoByTwo) -> Estimate:
    """Risk ratio with the log interval (Katz); ``table.empty`` must be empty."""
    ratio = (table.events1 / table.n1) / (table.events0 / table.n0)
    error = sqrt(1 / table.events1 - 1 / table.n1 + 1 / table.events0 - 1 / table.n0)
    return wald_of_log(log(ratio), error)


def risk_difference(table: TwoByTwo) -> Estimate:
    """Difference of risks in percentage points with the Wald interval; both arms must hold people."""
    one, zero = table.events1 / table.n1, table.events0 / table.n0
    error = sqrt(one * (1 - one) / table.n1 + zero * (1 - zero) / table.n0)
    return wald(100 * (one - zero), 100 * error)


def relative_reduction(ratio: Estimate) -> Estimate:
    """1 - risk ratio in percent: what a press release calls "less likely". Not 1 - odds ratio."""
    return Estimate(100 - 100 * ratio.estimate, 100 - 100 * ratio.high, 100 - 100 * ratio.low, ratio.p_value)


def number_needed(difference_points: float) -> float | None:
    """People treated for one event fewer (or more): 100 / |difference in percentage points|; None at 0."""
    return 100 / abs(difference_points) if difference_points else None
