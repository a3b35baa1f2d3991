"""Orders ``largest`` and ``smallest``: one sweep along the sorted scores.

From the treated whose turn it is, the free controls not yet passed begin at the nearest one; those passed and
still free lie on a stack of stretches whose top is the nearest. So each turn looks at two controls only, and the
cost is that of sorting. The greedy rule is that of MatchIt's ``m.order``; the sweep is ours.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from claimtwin.kernel.columns import Index, starts_run
from claimtwin.kernel.matching.line import downward
from claimtwin.kernel.matching.units import Scores

NOBODY = -1
CHUNK = 1 << 14
"""Rows that are Python objects at one time."""


def match_largest_first(t: Scores, c: Scores, caliper: float) -> Index:
    """Place of each treated's twin, -1 for none; both ascending, equal scores by tie key."""
    turn = downward(t)
    twin = np.empty(len(t), np.int64)
    twin[turn] = _sweep(t[turn], c, caliper, lower_first=True)
    return twin


def match_smallest_first(t: Scores, c: Scores, caliper: float) -> Index:
    """As ``match_largest_first``, from the other end."""
    down = downward(c)
    place = _sweep(-t, -c[down], caliper, lower_first=False)
    found = place != NOBODY
    place[found] = down[place[found]]
    return place


def _sweep(t: Scores, c: Scores, caliper: float, *, lower_first: bool) -> Index:
    """Twins of treated whose scores descend among controls whose scores ascend."""
    twin = np.full(len(t), NOBODY)
    if not len(c):
        return twin
    first = starts_run(c)
    start = range(len(c) + 1) if first.all() else np.append(np.flatnonzero(first), len(c)).data
    values = c if first.all() else c[first]
    _take_in_turn(_turns(t, values), c.data, start, caliper, lower_first, twin.data)
    return twin


def _turns(t: Scores, values: Scores) -> Iterator[tuple[int, float, int]]:
    """Turn, score and number of distinct control scores that are not above it."""
    for k in range(0, len(t), CHUNK):
        part = t[k : k + CHUNK]
        yield from zip(range(k, len(t)), part.tolist(), np.searchsorted(values, part, "right").tolist(), strict=False)


def _take_in_turn(
    turns: Iterator[tuple[int, float, int]], c: memoryview, start: Sequence[int] | memoryview,
    caliper: float, lower_first: bool, twin: memoryview,
) -> None:  # fmt: skip
    run = len(start) - 2  # the run of equal scores that is next on the left, and its first free control
    begin = start[run]
    lows, stops = list[int](), list[int]()  # stretches of free controls on the right, the nearest last
    inf, most = float("inf"), CHUNK
    for turn, score, count in turns:
        if count <= run:
            _put_aside(lows, stops, start, run, begin, count)
            run = count - 1
            begin = start[run]
            if len(lows) > most:
                _drop_farthest(lows, stops, c, score, caliper)
                most = 2 * len(lows) + CHUNK
        left = score - c[begin] if run >= 0 else inf
        right = c[lows[-1]] - score if lows else inf
        if left < right or (left == right and lower_first):
            if left <= caliper:
                twin[turn] = begin
                begin += 1
                if begin == start[run + 1]:
                    run -= 1
                    begin = start[run]
        elif right <= caliper:
            twin[turn] = taken = lows[-1]
            lows[-1] = taken + 1
            if taken + 1 == stops[-1]:
                del lows[-1], stops[-1]
        elif lows:  # out of reach of everybody who comes later, too
            lows.clear()
            stops.clear()


def _put_aside(
    lows: list[int], stops: list[int], start: Sequence[int] | memoryview, run: int, begin: int, count: int
) -> None:
    """Put the runs passed, ``count`` to ``run``, on the stack; of ``run`` what is left from ``begin`` on."""
    if begin > start[run] and count < run:
        lows.append(begin)
        stops.append(start[run + 1])
        run -= 1
        begin = start[run]
    lows.append(begin if count == run else start[count])
    stops.append(start[run + 1])


def _drop_farthest(lows: list[int], stops: list[int], c: memoryview, score: float, caliper: float) -> None:
    """Forget the stretches that are out of reach of this score, and so of all that come later."""
    dead = bisect_left(lows, True, key=lambda low: c[low] - score <= caliper)
    del lows[:dead], stops[:dead]
