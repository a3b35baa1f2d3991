"""Rosenbaum's bounds: how far from a coin toss the choice of arm inside a pair may be before a finding is lost.

Gamma is the largest ratio of the odds of being the treated one of a pair, between its two members; 1 is a randomised
trial. For each Gamma the one-sided p-value, in the direction that was seen, lies between two bounds.
Source: Rosenbaum, Observational Studies, 2nd ed. 2002, section 4.3.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom, norm, rankdata

from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.paired import PairTable

LEVEL = 0.05
HIGHEST = 1e6
Tail = Callable[[float], float]


@dataclass(frozen=True)
class Bound:
    """The range of one-sided p-values for one Gamma."""

    gamma: float
    low: float
    high: float


def sign_tail(table: PairTable) -> Tail:
    """McNemar's test: one-sided p-value when in each discordant pair the event falls on one side with a given chance.

    Raises:
        CannotFitError: There is no discordant pair.
    """
    if not table.discordant:
        raise CannotFitError("no discordant pair")
    most = max(table.treated_only, table.comparator_only)
    return lambda chance: float(binom.sf(most - 1, table.discordant, chance))


def signed_rank_tail(difference: NDArray[np.float64]) -> Tail:
    """Wilcoxon's signed rank test, normal approximation, likewise.

    Args:
        difference: (pairs,) the treated less the comparator.

    Ties: equal sizes share the mean of their ranks; pairs without a difference are ranked with the others and
    count on neither side (Pratt's way, as in Rosenbaum's table 4.2).

    Raises:
        CannotFitError: No pair differs.
    """
    if not difference.any():
        raise CannotFitError("no pair differs")
    ranks = np.asarray(rankdata(np.abs(difference)))[difference != 0]
    signs = difference[difference != 0] > 0
    most = max(float(ranks[signs].sum()), float(ranks[~signs].sum()))
    total, squares = float(ranks.sum()), float((ranks**2).sum())
    return lambda chance: float(norm.sf((most - chance * total) / np.sqrt(chance * (1 - chance) * squares)))


def bounds(tail: Tail, gammas: list[float]) -> list[Bound]:
    """The p-values' range for each Gamma, at least 1."""
    return [Bound(gamma, tail(1 / (1 + gamma)), tail(gamma / (1 + gamma))) for gamma in gammas]


def critical_gamma(tail: Tail, level: float = LEVEL) -> float:
    """The largest Gamma at which the upper bound is still at or below ``level``.

    Raises:
        CannotFitError: The finding is not significant even at Gamma 1, or is at every Gamma.
    """

    def excess(gamma: float) -> float:
        return tail(gamma / (1 + gamma)) - level

    if excess(1.0) > 0:
        raise CannotFitError("not significant even without hidden bias")
    if excess(HIGHEST) < 0:
        raise CannotFitError("no hidden bias however large overturns it")
    return float(brentq(excess, 1.0, HIGHEST, xtol=1e-10))
