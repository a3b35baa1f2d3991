"""The general case: other distances, covariate calipers, anti-exact columns, a cap on re-use.

Each treated looks at the controls within the score caliper; the cost is the sum of these windows.
"""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from claimtwin.kernel.columns import Flags, Index
from claimtwin.kernel.matching.line import Block, downward, within
from claimtwin.kernel.matching.pairs import euclidean
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.matching.units import Scores, Units


@dataclass(frozen=True)
class Window:
    """The controls that each treated of a block may have, nearest first.

    Of equally near controls the one with the lower score comes first, then the smaller tie key.
    """

    units: Units
    rules: Rules
    block: Block
    low: Index
    high: Index
    below: Index
    down: Index

    @staticmethod
    def of(units: Units, rules: Rules, block: Block) -> "Window":
        """Windows on the sorted controls; ``below`` counts those not above a treated."""
        n = len(block.c)
        low, high = np.zeros(len(block.t), np.int64), np.full(len(block.t), n)
        if is_measured(units, rules):
            low, high = within(block.t, block.c, rules.reach)
        below = np.searchsorted(block.c, block.t, "right")
        return Window(units, rules, block, low, high, below, downward(block.c))

    def candidates(self, who: int, spare: Flags) -> tuple[Index, Scores]:
        """Places of the spare controls that the treated may have, and how far they are.

        In the order in which equally near ones are taken.
        """
        place = self._places(who)
        place = place[spare[place]]
        place = place[self._allowed(self.block.treated[who], self.block.control[place])]
        return place, self.distance(who, place)

    def nearest(self, who: int, spare: Flags) -> tuple[float, int]:
        """Distance and place of the nearest spare control; infinity and -1 for none."""
        place, distance = self.candidates(who, spare)
        if not len(place):
            return float("inf"), NOBODY
        first = int(distance.argmin())
        return float(distance[first]), int(place[first])

    def _places(self, who: int) -> Index:
        low, high, below = int(self.low[who]), int(self.high[who]), int(self.below[who])
        if self.units.space.shape[1]:
            return np.arange(low, high)
        n = len(self.down)
        return np.concatenate([self.down[n - below : n - low], np.arange(below, high)])

    def distance(self, who: int, place: Index) -> Scores:
        """How far the treated is from the controls of these places."""
        if self.units.space.shape[1]:
            row, rows = self.block.treated[who], self.block.control[place]
            return euclidean(self.units.space[row], self.units.space[rows])
        apart: Scores = np.abs(self.block.t[who] - self.block.c[place])
        return apart

    def _allowed(self, row: int, rows: Index) -> Flags:
        return is_allowed(self.units, self.rules, np.full(len(rows), row), rows)


def is_measured(units: Units, rules: Rules) -> bool:
    """Whether differences of scores matter: as the distance, or to a caliper."""
    return units.space.shape[1] == 0 or rules.caliper is not None


def is_allowed(units: Units, rules: Rules, row: Index, other: Index) -> Flags:
    """Whether each couple differs where it has to and keeps its covariate calipers; score caliper not looked at."""
    allowed: Flags = (units.differ[row] != units.differ[other]).all(axis=1)
    for column, width in enumerate(rules.widths):
        apart = np.abs(units.near[row, column] - units.near[other, column])
        allowed &= apart <= width if width >= 0 else apart >= -width
    return allowed


class Spare:
    """How often each control of a block may still be taken, and what every treated has."""

    def __init__(self, window: Window) -> None:
        n, capacity = len(window.block.c), window.rules.capacity
        self.window = window
        self.left = np.full(n, len(window.block.t) if capacity is None else capacity)
        self.free = np.ones(n, np.bool_)
        self.mine: dict[int, list[int]] = {}

    def nearest(self, who: int) -> tuple[float, int]:
        """Distance and place of the nearest spare control that the treated does not have yet."""
        mine = self.mine.get(who, [])
        self.free[mine] = False
        found = self.window.nearest(who, self.free)
        self.free[mine] = self.left[mine] > 0
        return found

    def is_spare(self, who: int, place: int) -> bool:
        """Whether the treated may still take this control."""
        return bool(self.left[place] > 0) and place not in self.mine.get(who, [])

    def take(self, who: int, place: int) -> None:
        """Give the control to the treated."""
        self.left[place] -= 1
        self.free[place] = self.left[place] > 0
        self.mine.setdefault(who, []).append(place)


def take_in_turn(spare: Spare, turn: Index) -> Index:
    """Twin of each treated of ``turn``, in that order, -1 for none."""
    twin = np.full(len(turn), NOBODY)
    for k, who in enumerate(turn.tolist()):
        _, twin[k] = spare.nearest(who)
        if twin[k] != NOBODY:
            spare.take(who, int(twin[k]))
    return twin


def take_closest(spare: Spare, asking: Index, rank: Index) -> Index:
    """Twin of each treated of ``asking``, the nearest couple first, then the smaller ``rank`` of the treated."""
    heap = [(distance, int(rank[who]), k, place) for k, who in enumerate(asking.tolist())
            for distance, place in [spare.nearest(who)] if place != NOBODY]  # fmt: skip
    heapify(heap)
    twin = np.full(len(asking), NOBODY)
    while heap:
        _, first, k, place = heappop(heap)
        who = int(asking[k])
        if spare.is_spare(who, place):
            spare.take(who, place)
            twin[k] = place
            continue
        distance, place = spare.nearest(who)
        if place != NOBODY:
            heappush(heap, (distance, first, k, place))
    return twin
