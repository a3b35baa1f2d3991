"""Every draw is a hash of (seed, name of the draw, key of the thing, k), so nothing depends on order or partition.

A draw has no state: the same four values give the same bits in a population of any size, on any machine.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bits = NDArray[np.uint64]
Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SHIFTS = tuple(np.uint64(n) for n in (30, 27, 31))


@dataclass(frozen=True)
class Draws:
    """All draws of one seed. Keys and ``k`` are whole numbers of 0 or more and broadcast against each other."""

    seed: int

    def bits(self, name: str, key: ArrayLike, k: ArrayLike = 0) -> Bits:
        """64 bits each: ``mix(mix(code + g * key) + g * (k + 1))``, all modulo 2**64.

        ``mix`` and ``g`` are the finaliser and the step of splitmix64 (Steele, Lea, Flood, OOPSLA 2014); ``code``
        is the first 8 bytes, little-endian, of BLAKE2b of the name, keyed by the seed's decimal text.
        """
        digest = blake2b(name.encode(), key=str(self.seed).encode(), digest_size=8).digest()
        code = np.frombuffer(digest, "<u8").astype(np.uint64)
        keys, numbers = (np.atleast_1d(np.asarray(values)).astype(np.uint64) for values in (key, k))
        return _mix(_mix(code + _GAMMA * keys) + _GAMMA * (numbers + np.uint64(1)))

    def uniform(self, name: str, key: ArrayLike, k: ArrayLike = 0) -> Floats:
        """Multiples of 2**-53, 0 included and 1 not."""
        return (self.bits(name, key, k) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def chance(self, name: str, key: ArrayLike, probability: ArrayLike, k: ArrayLike = 0) -> Flags:
        """True with the given probability."""
        happens: Flags = self.uniform(name, key, k) < np.asarray(probability)
        return happens

    def whole(self, name: str, key: ArrayLike, below: ArrayLike, k: ArrayLike = 0) -> Index:
        """Whole numbers from 0 to ``below`` - 1, all equally likely."""
        numbers: Index = (self.uniform(name, key, k) * np.asarray(below)).astype(np.int64)
        return numbers

    def pick(self, name: str, key: ArrayLike, cumulative: Floats, k: ArrayLike = 0) -> Index:
        """Number of a category or a count, by the inverse of a distribution function.

        Args:
            name, key, k: The draw.
            cumulative: Ascending along the last axis: one function for all, or one row a draw.
        """
        place: Index = (self.uniform(name, key, k)[..., None] >= cumulative).sum(axis=-1)
        return place


def cumulative(weights: ArrayLike) -> Floats:
    """Distribution function of categories with these weights, without its last step (which is 1)."""
    shares = np.cumsum(np.asarray(weights, np.float64), axis=-1)
    steps: Floats = (shares / shares[..., -1:])[..., :-1]
    return steps


def poisson(mean: ArrayLike, most: int) -> Floats:
    """Chances of 0 to ``most`` events, cut there and made to sum to 1; one row a mean."""
    means = np.asarray(mean, np.float64)
    chances = [np.exp(-means)]
    for count in range(1, most + 1):
        chances.append(chances[-1] * means / count)
    table = np.stack(chances, axis=-1)
    cut: Floats = table / table.sum(axis=-1, keepdims=True)
    return cut


def negative_binomial(mean: float, dispersion: float, most: int) -> Floats:
    """Chances of 0 to ``most``, cut there; variance before the cut is mean + dispersion * mean**2."""
    size, stop = 1 / dispersion, 1 / (1 + dispersion * mean)
    chances = [stop**size]
    for count in range(1, most + 1):
        chances.append(chances[-1] * (size + count - 1) / count * (1 - stop))
    table = np.array(chances)
    cut: Floats = table / table.sum()
    return cut


def _mix(state: Bits) -> Bits:
    first, second, third = _SHIFTS
    state = (state ^ (state >> first)) * _FIRST
    state = (state ^ (state >> second)) * _SECOND
    mixed: Bits = state ^ (state >> third)
    return mixed
