"""The general case: other distances, covariate calipers, anti-exact columns, a cap on re-use.

Each treated looks at the controls within the score caliper; the cost is the sum of these windows.
"""

from heapq import heapify, heappop, heappush

import numpy as np

from claimtwin.kernel.columns import Flags, Index
from claimtwin.kernel.matching.line import Block, downward, within
from claimtwin.kernel.matching.pairs import euclidean
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.matching.units import Scores, Units

Where = slice | Index


class Window:
    """The controls that each treated of a block may have.

    Of equally near controls the one with the lower score comes first, then the smaller tie key. Columns of the
    controls are kept in the order of the block, each by itself, so that a window is a slice of them.
    """

    def __init__(self, units: Units, rules: Rules, block: Block) -> None:
        self.units, self.rules, self.block = units, rules, block
        n = len(block.c)
        self.low, self.high = np.zeros(len(block.t), np.int64), np.full(len(block.t), n)
        if is_measured(units, rules):
            self.low, self.high = within(block.t, block.c, rules.reach)
        self.below, self.down = np.searchsorted(block.c, block.t, "right"), downward(block.c)
        self.everywhere = np.arange(n)
        self.space, self.near, self.differ = (
            np.ascontiguousarray(table[block.control].T) for table in (units.space, units.near, units.differ)
        )

    def candidates(self, who: int, spare: Flags) -> tuple[Index, Scores]:
        """Places of the spare controls that the treated may have, and how far they are.

        In the order in which equally near ones are taken.
        """
        where = self._where(who)
        distance = self._allowed_distance(who, where)
        kept = np.isfinite(distance) & spare[where]
        return self.everywhere[where][kept], distance[kept]

    def nearest(self, who: int, spare: Flags) -> tuple[float, int]:
        """Distance and place of the nearest spare control; infinity and -1 for none."""
        where = self._where(who)
        distance = self._allowed_distance(who, where)
        distance[~spare[where]] = np.inf
        first = int(distance.argmin()) if len(distance) else 0
        if not len(distance) or distance[first] == np.inf:
            return float("inf"), NOBODY
        return float(distance[first]), int(self.everywhere[where][first])

    def distance(self, who: int, where: Where) -> Scores:
        """How far the treated is from the controls of these places."""
        if not len(self.space):
            apart: Scores = np.abs(self.block.t[who] - self.block.c[where])
            return apart
        return euclidean(self.units.space[self.block.treated[who]], [column[where] for column in self.space])

    def _where(self, who: int) -> Where:
        """The window in the order of preference among equals: up from the lowest, or else away from the treated."""
        low, high, below = int(self.low[who]), int(self.high[who]), int(self.below[who])
        if len(self.space):
            return slice(low, high)
        n = len(self.down)
        return np.concatenate([self.down[n - below : n - low], np.arange(below, high)])

    def _allowed_distance(self, who: int, where: Where) -> Scores:
        """Distances, infinite for who may not be a twin."""
        row, distance = self.block.treated[who], self.distance(who, where)
        for code, codes in zip(self.units.differ[row], self.differ, strict=True):
            distance[codes[where] == code] = np.inf
        for value, values, width in zip(self.units.near[row], self.near, self.rules.widths, strict=True):
            distance[~_keeps(np.abs(values[where] - value), width)] = np.inf
        return distance


def is_measured(units: Units, rules: Rules) -> bool:
    """Whether differences of scores matter: as the distance, or to a caliper."""
    return units.space.shape[1] == 0 or rules.caliper is not None


def is_allowed(units: Units, rules: Rules, row: Index, other: Index) -> Flags:
    """Whether each couple differs where it has to and keeps its covariate calipers; score caliper not looked at."""
    allowed: Flags = (units.differ[row] != units.differ[other]).all(axis=1)
    for column, width in enumerate(rules.widths):
        allowed &= _keeps(np.abs(units.near[row, column] - units.near[other, column]), width)
    return allowed


def _keeps(apart: Scores, width: float) -> Flags:
    """Whether a difference keeps a covariate's caliper, whose sign says on which side."""
    kept: Flags = apart <= width if width >= 0 else apart >= -width
    return kept


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
