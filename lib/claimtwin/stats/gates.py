"""Gates: what a design must reach before anybody may see an effect, judged without looking at one."""

from dataclasses import dataclass
from math import log

MIDDLE = (0.3, 0.7)
"""Preference scores of people of whom either arm might have been expected (Walker and others 2013)."""


@dataclass(frozen=True)
class Gate:
    """One gate as judged; ``value`` is None where it may not be shown or there is none."""

    gate: str
    outcome: str
    threshold: float
    value: float | None
    passed: bool


def at_most(gate: str, threshold: float | None, value: float | None, outcome: str = "") -> list[Gate]:
    """The gate that a value does not exceed; no gate without a threshold, and no value does not pass."""
    if threshold is None:
        return []
    return [Gate(gate, outcome, threshold, value, value is not None and value <= threshold)]


def at_least(gate: str, threshold: float | None, value: float | None, outcome: str = "") -> list[Gate]:
    """The gate that a value reaches; no gate without a threshold, and no value does not pass."""
    if threshold is None:
        return []
    return [Gate(gate, outcome, threshold, value, value is not None and value >= threshold)]


def equipoise_range(share_treated: float) -> tuple[float, float]:
    """Logits of the propensity score between which the preference score lies in 0.3 to 0.7.

    The preference score is the score had both arms the same size: its logit is that of the score less the logit of
    the share of treated. Source: Walker, Patrick, Lauer and others, Comp. Eff. Res. 2013;3:11.
    """
    middle = log(share_treated / (1 - share_treated))
    low, high = (middle + log(share / (1 - share)) for share in MIDDLE)
    return low, high
