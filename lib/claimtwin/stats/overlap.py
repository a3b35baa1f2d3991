"""How well a score tells the arms apart, from counts by step of the logit: no row of anybody is needed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray

STEPS = 1024
"""Steps per unit of the logit in which people are counted."""


@dataclass(frozen=True)
class Discrimination:
    """What counts by step tell.

    Attributes:
        c_statistic: Share of couples of a treated and a comparator in which the treated has the higher logit; who
            shares a step counts a half. None with an empty arm.
        slack: How far the c-statistic may lie from that of the exact logits: half the share of couples in one step.
        common: Share of each arm, treated first, whose logit lies in the range of the other arm's; to a step.
    """

    c_statistic: float | None
    slack: float
    common: tuple[float, float] | None


@dataclass(frozen=True)
class ArmWeights:
    """Weights of one arm.

    Attributes:
        largest: The largest, in means of the arm's weights.
        share: The largest as a share of the arm's sum.
        effective: Effective sample size, (sum w)^2 / sum w^2: people who would tell as much unweighted.
    """

    largest: float
    share: float
    effective: float


def discrimination(
    step: NDArray[np.int64], treated: NDArray[np.int64], comparator: NDArray[np.int64]
) -> Discrimination:
    """The figures from the people of each arm in each step, steps in any order and each once.

    Source of the c-statistic: Hanley and McNeil, Radiology 1982;143:29, with ties a half.
    """
    order = np.argsort(step)
    one, zero = treated[order].astype(np.float64), comparator[order].astype(np.float64)
    if not one.sum() or not zero.sum():
        return Discrimination(None, 0.0, None)
    couples = one.sum() * zero.sum()
    below, tied = float(one @ (np.cumsum(zero) - zero)), float(one @ zero)
    common = _inside(one, zero), _inside(zero, one)
    return Discrimination((below + tied / 2) / couples, tied / 2 / couples, common)


def weight_figures(step: NDArray[np.int64], people: NDArray[np.int64], is_treated: bool) -> dict[str, ArmWeights]:
    """Weights of one arm by estimand (``stats.designs.weights_of``), taken at the middle of each step.

    At most 0.05 % from those of the exact logits. An empty arm has none.
    """
    if not people.sum():
        return {}
    odds = np.exp((step + 0.5) / STEPS)
    score = odds / (1 + odds)
    by_arm = {
        "att": (np.ones_like(odds), odds),
        "ate": (1 / score, 1 + odds),
        "overlap": (1 - score, score),
    }
    return {name: _figures(by_arm[name][0 if is_treated else 1], people) for name in by_arm}


def _figures(weight: FloatArray, people: NDArray[np.int64]) -> ArmWeights:
    there = people > 0
    total, squares = float(weight @ people), float(weight**2 @ people)
    mean = total / float(people.sum())
    return ArmWeights(float(weight[there].max()) / mean, float(weight[there].max()) / total, total**2 / squares)


def _inside(own: FloatArray, other: FloatArray) -> float:
    places = np.flatnonzero(other)
    return float(own[places[0] : places[-1] + 1].sum() / own.sum())
