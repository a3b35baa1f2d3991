"""What the covariates look like, from sums that shards of any size can make: counts, means, scatter, ranges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray

CENTER_BITS = 16


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of p covariates over n candidates, without a row of any of them.

    Attributes:
        n, n_treated: Candidates, and those of the treated arm.
        mean: (p,) mean of each column.
        scatter: (p, p) sums of products of deviations from the mean.
        low, high: (2, p) smallest and largest value by arm, comparator first; inf and -inf in an empty arm.
    """

    n: int
    n_treated: int
    mean: FloatArray
    scatter: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def sd(self) -> FloatArray:
        """Standard deviation of each column, n - 1 in the denominator."""
        return np.asarray(np.sqrt(np.diag(self.scatter) / max(self.n - 1, 1)))

    @property
    def center(self) -> FloatArray:
        """Mean of each column, rounded to 2**-16 of its range so that it is the same for every sharding.

        Any center gives the same fit; a coarse one close to the mean keeps the digits and drops the noise.
        """
        grid = np.exp2(np.frexp(self.high.max(axis=0) - self.low.min(axis=0))[1] - CENTER_BITS)
        return np.asarray(np.rint(self.mean / grid) * grid)

    @property
    def scale(self) -> FloatArray:
        """Largest distance of each column from its center, so that (x - center) / scale lies in [-1, 1]."""
        center = self.center
        return np.asarray(np.maximum(self.high.max(axis=0) - center, center - self.low.min(axis=0)))

    def pack(self) -> FloatArray:
        """Flatten to one float64 vector: p, n, n_treated, mean, scatter, low, high."""
        head = np.array([len(self.mean), self.n, self.n_treated], np.float64)
        return np.concatenate([head, self.mean, self.scatter.ravel(), self.low.ravel(), self.high.ravel()])

    @classmethod
    def unpack(cls, vector: Sequence[float] | FloatArray) -> "Moments":
        """Undo ``pack``."""
        flat = np.asarray(vector, np.float64)
        p = int(flat[0])
        mean, scatter, low, high = np.split(flat[3:], np.cumsum([p, p * p, 2 * p]))
        return cls(int(flat[1]), int(flat[2]), mean, scatter.reshape(p, p), low.reshape(2, p), high.reshape(2, p))


def moments_of(x: FloatArray, y: NDArray[np.bool_]) -> Moments:
    """Moments of one shard: ``x`` (n, p) covariates, ``y`` (n,) true for the treated; n may be 0."""
    mean = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    deviation = x - mean
    arms = [x[~y], x[y]]
    low = np.stack([arm.min(axis=0, initial=np.inf) for arm in arms])
    high = np.stack([arm.max(axis=0, initial=-np.inf) for arm in arms])
    return Moments(len(x), int(y.sum()), mean, deviation.T @ deviation, low, high)


def add_moments(shards: Sequence[Moments]) -> Moments:
    """Moments of all shards together, added in the given order; at least one shard.

    Means are merged, not raw sums, so that a column far from zero keeps its digits.
    Source: Chan, Golub, LeVeque, Am. Stat. 1983;37:242.
    """
    total = shards[0]
    for shard in shards[1:]:
        total = _merged(total, shard)
    return total


def _merged(one: Moments, other: Moments) -> Moments:
    n = one.n + other.n
    share = other.n / n if n else 0.0
    apart = other.mean - one.mean
    return Moments(
        n,
        one.n_treated + other.n_treated,
        one.mean + apart * share,
        one.scatter + other.scatter + np.outer(apart, apart) * (one.n * share),
        np.minimum(one.low, other.low),
        np.maximum(one.high, other.high),
    )
