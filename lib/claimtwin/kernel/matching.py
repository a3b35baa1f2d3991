"""1:1 nearest neighbour matching on a score, without replacement, largest score first.

The treated choose in turn, the largest score first; each takes the nearest free control within the caliper
(inclusive). Of two equally near controls the one with the lower score is taken, then the smaller tie key;
of two treated with equal scores the smaller tie key chooses first. The order of the rows does not matter.

Source: greedy matching as in MatchIt's ``m.order = "largest"``; the sweep is ours: after the sort each
control is looked at a bounded number of times, so the cost is that of sorting.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.kernel.columns import Index, starts_run

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Matches:
    """One row per pair in the order the treated chose: row numbers into the treated and the control columns."""

    treated: Index
    control: Index
    distance: Scores


def match_largest(
    treated_score: Scores, treated_tie: Index, control_score: Scores, control_tie: Index, *, caliper: float | None
) -> Matches:
    """Pair the units of one block; ``caliper`` in units of the score, null for none."""
    turn = np.lexsort((treated_tie, -treated_score))
    order = np.lexsort((control_tie, control_score))
    free = _FreeControls(control_score[order] + 0.0, np.inf if caliper is None else caliper)
    places = [free.take_nearest(score) for score in treated_score[turn].tolist()]
    place = np.array(places, np.int64)
    paired = place >= 0
    treated, control = turn[paired], order[place[paired]]
    return Matches(treated, control, np.abs(treated_score[treated] - control_score[control]))


class _FreeControls:
    """Controls that nobody took, asked from high scores to low; sorted by score, then tie key.

    Left of the asked score the free ones are whole runs of equal scores below ``run``, and the part of
    ``run`` from ``begin`` on. Right of it they lie on a stack of stretches whose top is the nearest.
    Runs are told by the bits of the score, so -0.0 has to come as 0.0.
    """

    def __init__(self, score: Scores, caliper: float) -> None:
        first = np.flatnonzero(starts_run(score.view(np.int64))) if len(score) else np.zeros(0, np.int64)
        self.starts = first.tolist()
        self.stops = np.append(first[1:], len(score)).tolist() if len(score) else []
        self.values = score[first].tolist()
        self.caliper = caliper
        self.run = len(self.values) - 1
        self.begin = self.starts[-1] if self.starts else 0
        self.right: list[list[float]] = []

    def take_nearest(self, score: float) -> int:
        """Place of the nearest free control within the caliper, now taken; -1 for none."""
        while self.run >= 0 and self.values[self.run] > score:
            self.right.append([self.values[self.run], self.begin, self.stops[self.run]])
            self._step_down()
        left = score - self.values[self.run] if self.run >= 0 else np.inf
        right = self.right[-1][0] - score if self.right else np.inf
        if min(left, right) > self.caliper or (self.run < 0 and not self.right):
            return -1
        return self._take_left() if left <= right else self._take_right()

    def _step_down(self) -> None:
        self.run -= 1
        self.begin = self.starts[self.run] if self.run >= 0 else 0

    def _take_left(self) -> int:
        place = self.begin
        self.begin += 1
        if self.begin == self.stops[self.run]:
            self._step_down()
        return int(place)

    def _take_right(self) -> int:
        stretch = self.right[-1]
        place = stretch[1]
        stretch[1] += 1
        if stretch[1] == stretch[2]:
            self.right.pop()
        return int(place)
