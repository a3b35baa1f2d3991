"""Any declared order: the next free control on either side, found without walking over those that are taken.

Each taken control points to the one above it; pointers are shortened as they are followed, so that a search costs
a few steps however many are taken (a union-find). Only free controls know the free one below.
"""

from collections.abc import Iterator

import numpy as np

from claimtwin.kernel.columns import Flags, Index, starts_run
from claimtwin.kernel.matching.sweep import CHUNK, NOBODY
from claimtwin.kernel.matching.units import Scores


def match_in_turn(t: Scores, c: Scores, turn: Index, caliper: float) -> Index:
    """Place of each treated's twin, -1 for none; both ascending, ``turn`` lists the treated's places.

    Memory: 24 bytes a control while it runs, 32 where scores are equal.
    """
    twin = np.full(len(t), NOBODY)
    free = _Free(c, caliper)
    answer = twin.data
    for who, score, above in _asking(t, turn, np.searchsorted(c, t, "right")):
        answer[who] = free.take_nearest(score, above)
    return twin


def match_farthest_first(t: Scores, c: Scores, rank: Index, caliper: float) -> Index:
    """As ``match_in_turn``, in the order of how far the nearest control is, farthest first, then by ``rank``."""
    near = nearest_distance(t, c)
    return match_in_turn(t, c, np.lexsort((rank, -near)), caliper)


def nearest_distance(t: Scores, c: Scores) -> Scores:
    """Distance of each treated's nearest control; infinite where there is none."""
    padded = np.concatenate([[-np.inf], c, [np.inf]])
    above = np.searchsorted(c, t, "right")
    nearest: Scores = np.minimum(t - padded[above], padded[above + 1] - t)
    return nearest


def _asking(t: Scores, turn: Index, above: Index) -> Iterator[tuple[int, float, int]]:
    for k in range(0, len(turn), CHUNK):
        who = turn[k : k + CHUNK]
        yield from zip(who.tolist(), t[who].tolist(), above[who].tolist(), strict=True)


UP, DOWN = 0, 1


class _Free:
    """Free controls between two that are never taken: at minus infinity in place 0, and at infinity at the end."""

    def __init__(self, c: Scores, caliper: float) -> None:
        n = len(c) + 2
        self.caliper = caliper
        self.score = np.concatenate([[-np.inf], c, [np.inf]]).data
        # Side by side, because places are asked in no order: at or above which place to look on, the free one below.
        self.link = np.column_stack([np.arange(n), np.arange(-1, n - 1)]).data
        first = starts_run(c)
        self.first = None if first.all() else _first_of_run(first).data

    def take_nearest(self, score: float, above: int) -> int:
        """Place of the nearest free control within the caliper, now taken; ``above`` is the first one above."""
        right = self._at_or_above(above + 1)
        left = self.link[right, DOWN]
        lower, upper = score - self.score[left], self.score[right] - score
        if min(lower, upper) > self.caliper:
            return NOBODY
        if lower <= upper:
            taken = left if self.first is None else self._at_or_above(self.first[left])
        else:
            taken = right
        following = self._at_or_above(taken + 1)
        self.link[following, DOWN] = self.link[taken, DOWN]
        self.link[taken, UP] = following
        return taken - 1

    def _at_or_above(self, place: int) -> int:
        link = self.link
        while (following := link[place, UP]) != place:
            link[place, UP] = place = link[following, UP]
        return place


def _first_of_run(first: Flags) -> Index:
    """Padded place of the first control with the same score, for each padded place."""
    start = np.flatnonzero(first)
    run: Index = np.concatenate([[0], start[np.cumsum(first) - 1] + 1, [len(first) + 1]])
    return run
