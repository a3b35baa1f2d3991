"""What the covariates look like, from sums that shards of any size can make: counts, means, scatter, ranges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from claimtwin.errors import GuardError
from claimtwin.stats.exact import FloatArray

CENTER_BITS = 16
HEAD = 6
"""Single numbers before the vectors of packed moments."""


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of p covariates over n candidates, without a row of any of them.

    Attributes:
        n, n_treated: Candidates, and those of the treated arm.
        mean: (p,) mean of each column.
        scatter: (p, p) sums of products of deviations from the mean.
        low, high: (2, p) smallest and largest value by arm, comparator first; inf and -inf in an empty arm.
        weight, weight_treated: Sums of the weights; without weights the numbers of people.
        mean_treated: (p,) mean of each column in the treated arm; 0 where it is empty.
        heaviest: Largest weight, 1 without weights.
    """

    n: int
    n_treated: int
    mean: FloatArray
    scatter: FloatArray
    low: FloatArray
    high: FloatArray
    weight: float
    weight_treated: float
    mean_treated: FloatArray
    heaviest: float = 1.0

    @property
    def sd(self) -> FloatArray:
        """Standard deviation of each column, sum of weights - 1 in the denominator."""
        return np.asarray(np.sqrt(np.diag(self.scatter) / max(self.weight - 1, 1)))

    @property
    def unit(self) -> float:
        """The power of two at or above the largest weight, so that weight / unit lies in [0, 1]."""
        return float(np.exp2(np.ceil(np.log2(self.heaviest))))

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

    def only(self, kept: Sequence[int]) -> "Moments":
        """Moments of some of the columns, by place."""
        keep = np.array(kept, np.int64)
        scatter = self.scatter[np.ix_(keep, keep)]
        return replace(
            self, mean=self.mean[keep], mean_treated=self.mean_treated[keep], scatter=scatter,
            low=self.low[:, keep], high=self.high[:, keep],
        )  # fmt: skip

    def pack(self) -> FloatArray:
        """Flatten to one float64 vector: p, n, n_treated, weights, means, scatter, low, high."""
        weights = (self.weight, self.weight_treated, self.heaviest)
        head = np.array([len(self.mean), self.n, self.n_treated, *weights], np.float64)
        tail = (self.mean, self.mean_treated, self.scatter.ravel(), self.low.ravel(), self.high.ravel())
        return np.concatenate([head, *tail])

    @classmethod
    def unpack(cls, vector: Sequence[float] | FloatArray) -> "Moments":
        """Undo ``pack``."""
        flat = np.asarray(vector, np.float64)
        p, n, treated = (int(value) for value in flat[:3])
        weight, weight_treated, heaviest = (float(value) for value in flat[3:HEAD])
        mean, own, scatter, low, high = np.split(flat[HEAD:], np.cumsum([p, p, p * p, 2 * p]))
        sums = scatter.reshape(p, p), low.reshape(2, p), high.reshape(2, p)
        return cls(n, treated, mean, *sums, weight, weight_treated, own, heaviest)


def moments_of(x: FloatArray, y: NDArray[np.bool_], weight: FloatArray | None = None) -> Moments:
    """Moments of one shard: ``x`` (n, p) covariates, ``y`` (n,) true for the treated; n may be 0.

    ``weight`` (n,): a person of weight 2 counts as two of weight 1; those of weight 0 are as if they were not there.

    Raises:
        GuardError: A weight is negative or not finite.
    """
    if weight is not None:
        return _weighted_moments(x, y, weight)
    mean = _mean(x, None)
    deviation = x - mean
    n, treated = len(x), int(y.sum())
    own = _mean(x[y], None)
    return Moments(n, treated, mean, deviation.T @ deviation, *_ranges(x, y), float(n), float(treated), own)


def no_moments(p: int) -> Moments:
    """Moments of nobody, so that an empty table is an empty arm and not a special case."""
    return moments_of(np.zeros((0, p)), np.zeros(0, np.bool_), np.zeros(0))


def _weighted_moments(x: FloatArray, y: NDArray[np.bool_], weight: FloatArray) -> Moments:
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise GuardError(
            "a weight of the propensity model is negative or not finite", "propensity model",
            "weights are finite and not below 0", "look at the column of weights",
        )  # fmt: skip
    some = weight > 0
    x, y, weight = x[some], y[some], weight[some]
    total = float(weight.sum())
    mean = _mean(x, weight)
    deviation = x - mean
    scatter, arms = (deviation * weight[:, None]).T @ deviation, (total, float(weight[y].sum()))
    heaviest = float(weight.max(initial=2.0**-500))
    return Moments(len(x), int(y.sum()), mean, scatter, *_ranges(x, y), *arms, _mean(x[y], weight[y]), heaviest)


def _mean(x: FloatArray, weight: FloatArray | None) -> FloatArray:
    """Mean of each column; 0 of nobody."""
    if not len(x):
        return np.zeros(x.shape[1])
    return np.asarray(x.mean(axis=0) if weight is None else weight @ x / weight.sum())


def _ranges(x: FloatArray, y: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    arms = [x[~y], x[y]]
    low = np.stack([arm.min(axis=0, initial=np.inf) for arm in arms])
    high = np.stack([arm.max(axis=0, initial=-np.inf) for arm in arms])
    return low, high


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
    weight = one.weight + other.weight
    treated = one.weight_treated + other.weight_treated
    share, of_treated = _share(other.weight, weight), _share(other.weight_treated, treated)
    apart = other.mean - one.mean
    return Moments(
        one.n + other.n,
        one.n_treated + other.n_treated,
        one.mean + apart * share,
        one.scatter + other.scatter + np.outer(apart, apart) * (one.weight * share),
        np.minimum(one.low, other.low),
        np.maximum(one.high, other.high),
        weight,
        treated,
        one.mean_treated + (other.mean_treated - one.mean_treated) * of_treated,
        max(one.heaviest, other.heaviest),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
