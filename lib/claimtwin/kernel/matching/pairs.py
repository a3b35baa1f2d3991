"""What a match returns."""

from collections.abc import Iterable
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
        return euclidean(units.space[treated].T, units.space[control].T)
    one, other = units.score[treated], units.score[control]
    with np.errstate(invalid="ignore"):
        apart: Scores = np.where(one == other, 0.0, np.abs(one - other))
    return apart


def euclidean(one: Iterable[Any], other: Iterable[Any]) -> Scores:
    """Square root of the sum of squared differences, given column by column, so that all callers round alike."""
    total: Any = 0.0
    for a, b in zip(one, other, strict=True):
        total = total + (a - b) ** 2
    root: Scores = np.sqrt(total)
    return root
