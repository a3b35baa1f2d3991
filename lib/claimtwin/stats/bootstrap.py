"""The pair bootstrap: each draw gives every pair a weight, hashed from seed, draw and pair, and refits the model.

Weights are Poisson with mean 1, which for many pairs is the same as drawing them with replacement, and needs no
generator: the weight of a pair in a draw depends on nothing else. Source: Hanley and MacGibbon, Comput. Methods
Programs Biomed. 2006;83:57. All draws of a chunk are fitted at once.
"""

from math import exp, factorial

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import LOGIT, NO_FIT, CannotFitError, Family
from claimtwin.stats.matched import Matched

POISSON = np.cumsum([exp(-1) / factorial(k) for k in range(18)])
"""P(weight <= k) for k = 0 to 17; more than 17 has a probability below 1e-16."""
STEPS = 60
ANEW = 4
"""Newton's matrix is made anew every so many steps; between, it is a good enough one."""
CLOSE = 1e-13
"""A step this small is the last: what it leaves lies beyond the digits of the results."""


def draw_weights(seed: int, draws: NDArray[np.int64], pairs: int) -> FloatArray:
    """(pairs, draws) weights 0, 1, 2 ...; ``draws`` are the numbers of the draws.

    Source of the hash: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    """
    with np.errstate(over="ignore"):
        start = _mix(np.uint64(seed % 2**64) + _mix(draws.astype(np.uint64) + np.uint64(1)))
        bits = _mix(start[None, :] + _mix(np.arange(pairs, dtype=np.uint64) + np.uint64(1))[:, None])
    uniform = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.searchsorted(POISSON, uniform, side="right").astype(np.float64)


def weights_of_people(people: Matched, seed: int, draws: NDArray[np.int64], pair: NDArray[np.int64]) -> FloatArray:
    """(n, draws) weights: those of each person's pair or set, numbered from 0 in ``pair``, times the person's own."""
    drawn = draw_weights(seed, draws, int(pair.max()) + 1)[pair]
    return drawn if people.weight is None else drawn * people.weight[:, None]


def fit_draws(
    y: FloatArray, design: FloatArray, weights: FloatArray, start: FloatArray, family: Family = LOGIT
) -> FloatArray:
    """(k, draws) coefficients of weighted regressions of a family, logistic ones without a word, by Newton's method.

    Args:
        y: (n,) outcome.
        design: (n, k) columns.
        weights: (n, draws) weights.
        start: (k,) coefficients of the unweighted fit, from which all begin.
        family: The model.

    Raises:
        CannotFitError: A draw has no finite solution.
    """
    k = design.shape[1]
    rows, columns = np.tril_indices(k)
    products = design[:, rows] * design[:, columns]
    params = np.repeat(start[:, None], weights.shape[1], axis=1)
    inverse = np.empty((weights.shape[1], k, k))
    for step in range(STEPS):
        mean = family.mean(design @ params)
        score = design.T @ (weights * family.pull(y[:, None], mean))
        if step % ANEW == 0:
            inverse = _inverses(products.T @ (weights * family.weight(y[:, None], mean)), rows, columns, k)
        move = np.einsum("bij,jb->ib", inverse, score)
        params = params + move
        if np.abs(move).max(initial=0.0) < CLOSE:
            return np.asarray(params)
        if not np.isfinite(params).all() or np.abs(params).max() > 500:
            break
    raise CannotFitError(f"in a bootstrap draw {NO_FIT}")


def _inverses(packed: FloatArray, rows: NDArray[np.int64], columns: NDArray[np.int64], k: int) -> FloatArray:
    full = np.empty((packed.shape[1], k, k))
    full[:, rows, columns] = full[:, columns, rows] = packed.T
    try:
        return np.asarray(np.linalg.inv(full), np.float64)
    except np.linalg.LinAlgError:
        raise CannotFitError(f"in a bootstrap draw {NO_FIT}") from None


def _mix(x: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    x = x * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
