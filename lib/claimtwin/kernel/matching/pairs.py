"""What a match returns."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.units import Scores, Units


@dataclass(frozen=True)
class Pairs:
    """One row per couple, ordered by block, by the treated's turn, then by rank.

    The turn of ``closest``, ``farthest`` and ``maximum`` is here that of ``largest``.

    Attributes:
        treated, control: Row numbers into the units.
        rank: 1 for a treated's first twin, 2 for the second.
        distance: In units of the score, or of the space where there is one; finite.
    """

    treated: Index
    control: Index
    rank: Index
    distance: Scores

    def __len__(self) -> int:
        """Number of couples."""
        return len(self.treated)

    def take(self, rows: Any) -> "Pairs":
        """The couples of these rows, or where a flag is set."""
        return Pairs(*(column[rows] for column in vars(self).values()))


def pairs_of(units: Units, treated: Index, control: Index, rank: Index) -> Pairs:
    """Couples with their distances."""
    return Pairs(treated, control, rank, distances(units, treated, control))


def distances(units: Units, treated: Index, control: Index) -> Scores:
    """How far apart each couple is; equal infinite scores are 0 apart."""
    if units.space.shape[1]:
        return euclidean(units.space[treated], units.space[control])
    one, other = units.score[treated], units.score[control]
    with np.errstate(invalid="ignore"):
        apart: Scores = np.where(one == other, 0.0, np.abs(one - other))
    return apart


def euclidean(one: Scores, other: Scores) -> Scores:
    """Square root of the sum of squared differences, summed column by column so that all callers round alike."""
    total = np.zeros(np.broadcast_shapes(one.shape, other.shape)[0])
    for column in range(one.shape[-1]):
        total += (one[..., column] - other[..., column]) ** 2
    return np.sqrt(total)
