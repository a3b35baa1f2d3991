"""The people of a match, as columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimtwin.errors import InputError
from claimtwin.kernel.columns import Flags, Index

Scores = NDArray[np.float64]
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """One row per person of either arm, in any order.

    Attributes:
        treated: Whether the person chooses (treated) or is chosen (control).
        score: What distances and the score caliper are measured on, on its link already; 0 where there is none.
            Two equal infinities are 0 apart; an infinite score is out of reach of every other score.
        tie: Declared tie key, the smaller one goes first. Equal keys fall back to the order of rows, so rows
            are sorted by id where keys can be equal.
        block: Code of the exact combination; pairs never cross blocks.
        differ: n x a codes; a pair differs in every one of them (anti-exact).
        near: n x c covariates with a caliper each, in its own unit; finite.
        space: n x p coordinates, whitened already, in which the distance is Euclidean; finite. With p = 0 the
            distance is the absolute difference of the scores.

    Null: none; a column that is not used is made by ``of``.

    Raises:
        InputError: Columns of unequal length, a missing score, a coordinate that is not finite (with the count).
    """

    treated: Flags
    score: Scores
    tie: Index
    block: Index
    differ: Index
    near: Table
    space: Table

    def __post_init__(self) -> None:
        """Refuse what cannot be matched."""
        for name, column in vars(self).items():
            if len(column) != len(self.treated):
                raise _refused(f"{len(column)} rows of {name} for {len(self.treated)} people.", name, "same length")
        for name in ("differ", "near", "space"):
            if getattr(self, name).ndim != 2:
                raise _refused(f"{name} is not a table of people by columns.", name, "two dimensions")
        if missing := int(np.count_nonzero(np.isnan(self.score))):
            raise _refused(f"{missing} scores are missing.", "score", "everybody has a score")
        for name in ("near", "space"):
            if wrong := int(np.count_nonzero(~np.isfinite(getattr(self, name)))):
                raise _refused(f"{wrong} values of {name} are missing or infinite.", name, "all values are finite")

    def __len__(self) -> int:
        """Number of people."""
        return len(self.treated)

    def take(self, rows: Any) -> "Units":
        """The people of these rows, or where a flag is set."""
        return Units(*(column[rows] for column in vars(self).values()))

    @staticmethod
    def of(
        treated: Any, score: Any = None, tie: Any = None, block: Any = None,
        differ: Any = None, near: Any = None, space: Any = None,
    ) -> "Units":  # fmt: skip
        """Columns from anything that numpy reads; without ``tie`` the order of rows decides ties."""
        n = len(treated)
        nought = np.broadcast_to(np.int64(0), n)
        return Units(
            _arm(np.asarray(treated)),
            np.broadcast_to(np.float64(0), n) if score is None else np.asarray(score, np.float64),
            np.arange(n) if tie is None else np.asarray(tie, np.int64),
            nought if block is None else np.asarray(block, np.int64),
            np.empty((n, 0), np.int64) if differ is None else np.asarray(differ, np.int64),
            np.empty((n, 0)) if near is None else np.asarray(near, np.float64),
            np.empty((n, 0)) if space is None else np.asarray(space, np.float64),
        )

    @property
    def on_a_line(self) -> bool:
        """Whether distance is a difference of scores and no other column limits who may be a pair."""
        return not (self.space.shape[1] or self.near.shape[1] or self.differ.shape[1])


def _arm(treated: NDArray[Any]) -> Flags:
    """Flags from flags or from 0 and 1."""
    arm = treated.astype(np.bool_)
    if strange := int(np.count_nonzero(arm != treated)):
        raise _refused(f"{strange} people are in neither arm.", "treated", "0 or 1")
    return arm


def _refused(what: str, column: str, rule: str) -> InputError:
    return InputError(what, where=f"units, column {column}", rule=rule, remedy="correct or leave out these rows")
