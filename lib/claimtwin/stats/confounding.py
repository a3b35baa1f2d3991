"""What an unmeasured confounder would have to be like to explain an effect: E-value, tipping point, corrected ratio.

All are for a yes-no confounder and a risk ratio; nothing here is estimated from data.
"""

from dataclasses import dataclass
from math import sqrt

COMMON = 0.15
"""From this risk on an odds ratio is too far from 1 to stand for a risk ratio; its root is nearer."""


@dataclass(frozen=True)
class Confounder:
    """A yes-no confounder: its share of either arm, and the ratio of risks of people with it and without."""

    prevalence_treated: float
    prevalence_comparator: float
    risk_ratio: float


def as_risk_ratio(odds_ratio: float, risk: float) -> float:
    """Risk ratio that an odds ratio stands for: itself where the outcome is rare (``risk`` below 15 %), else its root.

    Source: VanderWeele and Ding, Ann. Intern. Med. 2017;167:268, table 2.
    """
    return odds_ratio if risk < COMMON else sqrt(odds_ratio)


def hazard_as_risk_ratio(hazard_ratio: float, risk: float) -> float:
    """Risk ratio that a hazard ratio stands for: itself where the outcome is rare, else the approximation for 50 %.

    Source: VanderWeele and Ding, Ann. Intern. Med. 2017;167:268, table 2; VanderWeele, Eur. J. Epidemiol. 2017;32:23.
    """
    root = sqrt(hazard_ratio)
    return hazard_ratio if risk < COMMON else (1 - 0.5**root) / (1 - 0.5 ** (1 / root))


def e_value(ratio: float) -> float:
    """How strongly a confounder must be tied to arm and outcome, both as risk ratios, to explain a ratio away.

    Source: VanderWeele and Ding, Ann. Intern. Med. 2017;167:268.
    """
    above = max(ratio, 1 / ratio)
    return above + sqrt(above * (above - 1))


def e_value_of_limit(low: float, high: float) -> float:
    """E-value of the limit nearer 1; 1 where the interval holds 1, for then nothing has to be explained away."""
    return 1.0 if low <= 1 <= high else e_value(high if high < 1 else low)


def bias_factor(confounder: Confounder) -> float:
    """By how much a confounder multiplies the risk ratio.

    Source: Bross, J. Chronic Dis. 1966;19:637; Schneeweiss, Pharmacoepidemiol. Drug Saf. 2006;15:291.
    """
    more = confounder.risk_ratio - 1
    return (confounder.prevalence_treated * more + 1) / (confounder.prevalence_comparator * more + 1)


def tipping_risk_ratio(ratio: float, prevalence_treated: float, prevalence_comparator: float) -> float | None:
    """Ratio of risks at which a confounder of these prevalences moves ``ratio`` to 1; None where none does.

    Source: D'Agostino McGowan, Am. J. Epidemiol. 2022;191:1671.
    """
    room = prevalence_treated - ratio * prevalence_comparator
    needed = 1 + (ratio - 1) / room if room else 0.0
    return needed if needed > 0 else None
