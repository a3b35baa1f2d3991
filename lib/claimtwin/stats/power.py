"""What a matched study of a given size can see, told before any outcome is looked at."""

from dataclasses import dataclass
from math import exp, sqrt
from statistics import NormalDist

from scipy.optimize import brentq

NORMAL = NormalDist()


@dataclass(frozen=True)
class Wanted:
    """Two-sided level of the test and chance to find the effect."""

    level: float = 0.05
    power: float = 0.8

    @property
    def z(self) -> float:
        """Sum of the two normal quantiles."""
        return NORMAL.inv_cdf(1 - self.level / 2) + NORMAL.inv_cdf(self.power)


def detectable_ratio(events: int, wanted: Wanted, share_treated: float = 0.5) -> float | None:
    """Smallest ratio above 1 that so many events of both arms together can show; None without events.

    It needs no look at the arms apart. Its reciprocal is the largest ratio below 1.
    Source: Schoenfeld, Biometrics 1983;39:499, as the minimum detectable relative risk.
    """
    return exp(wanted.z / sqrt(events * share_treated * (1 - share_treated))) if events > 0 else None


def detectable_difference(
    pairs: int, risk: float, wanted: Wanted, correlation: float = 0.0, *, twins: float = 1.0
) -> float | None:
    """Smallest reduction of risk, as a share of people, that so many pairs can show; None if none can be shown.

    Args:
        pairs: Number of pairs, or of matched treated.
        risk: Expected risk of the comparators, between 0 and 1.
        wanted: Level and power.
        correlation: Of the outcomes of twins; 0 is the cautious choice.
        twins: Of each treated, on average; above 1 the comparators' part of the variance is divided by it.

    Source: two proportions, variance pooled under no effect (Fleiss, Statistical Methods for Rates and
    Proportions, 3rd ed. 2003, chapter 4), less the covariance of pairs.
    """
    low, high = NORMAL.inv_cdf(1 - wanted.level / 2), NORMAL.inv_cdf(wanted.power)

    def lacking(reduction: float) -> float:
        one, middle = risk - reduction, risk - reduction / (1 + twins)
        null = (1 + 1 / twins) * middle * (1 - middle) * (1 - correlation)
        apart = (
            one * (1 - one) + risk * (1 - risk) / twins - 2 * correlation * sqrt(one * (1 - one) * risk * (1 - risk))
        )
        return reduction - (low * sqrt(null) + high * sqrt(apart)) / sqrt(pairs)

    if pairs < 1 or not 0 < risk < 1 or lacking(risk) <= 0:
        return None
    return float(brentq(lacking, 0.0, risk, xtol=1e-14))
