"""Terms of a model beyond straight lines: restricted cubic splines, and quantiles from counts for their knots."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray

KNOT_SHARES: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}
"""Shares of people at or below each knot. Source: Harrell, Regression Modeling Strategies, 2nd ed. 2015, Table 2.3."""
BINS = 4096


def spline_basis(x: FloatArray, knots: Sequence[float], basis: int) -> FloatArray:
    """(n,) one of the k - 2 curved columns of a restricted cubic spline with k rising knots, ``basis`` from 1.

    Together with x itself they make every curve that is cubic between the knots, smooth at them and straight beyond
    the first and the last. Divided by the squared distance of the outer knots, so that they are in the unit of x.
    Source: Harrell, Regression Modeling Strategies, 2nd ed. 2015, 2.4.5.
    """
    own, last, end = knots[basis - 1], knots[-2], knots[-1]
    width = end - last
    bent = _cubed(x - own) - _cubed(x - last) * ((end - own) / width) + _cubed(x - end) * ((last - own) / width)
    return np.asarray(bent / (end - knots[0]) ** 2)


def grid_step(low: float, high: float) -> float:
    """The power of two in which values are counted: the least with fewer than ``BINS`` steps in the range."""
    return float(np.exp2(np.ceil(np.log2(max(high - low, 2.0**-40) / (BINS - 2)))))


def grid_counts(x: FloatArray, low: float, step: float) -> NDArray[np.int64]:
    """(BINS,) how many values lie in each step of the grid, the first that which holds ``low``."""
    place = np.floor(x / step) - np.floor(low / step)
    return np.bincount(place.astype(np.int64), minlength=BINS).astype(np.int64)


def knots_from(counts: NDArray[np.int64], low: float, step: float, knots: int) -> tuple[float, ...]:
    """The steps that hold the quantiles of ``KNOT_SHARES``, each once, rising; whole numbers stay what they are.

    A quantile is the least step with at least its share of people in it and below. Steps are counted, so that knots
    are the same for every sharding.
    """
    reached = np.cumsum(counts)
    places = [int(np.searchsorted(reached, share * reached[-1], "left")) for share in KNOT_SHARES[knots]]
    return tuple(sorted({(np.floor(low / step) + place) * step for place in places}))


def _cubed(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0) ** 3
