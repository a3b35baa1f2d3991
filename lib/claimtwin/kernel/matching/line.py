"""Sorting the people of either arm by block and score, and counting along a sorted line of scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from claimtwin.kernel.columns import Flags, Index, starts_run
from claimtwin.kernel.matching.units import Scores, Units


@dataclass(frozen=True)
class Block:
    """The people of one block, either arm sorted by score, then tie key, then row.

    ``treated`` and ``control`` are row numbers into the units, ``t`` and ``c`` their scores.
    """

    treated: Index
    control: Index
    t: Scores
    c: Scores


@dataclass(frozen=True)
class _Arm:
    """One arm sorted by block and score: rows, scores, where each block begins (and the end), its name."""

    row: Index
    score: Scores
    edge: list[int]
    name: list[tuple[int, float]]


def blocks_of(units: Units, *, split_infinite: bool) -> Iterator[Block]:
    """Blocks in which both arms have people, in the order of their codes.

    ``split_infinite`` makes the people of an infinite score a block of their own, where all scores are 0: they are
    0 apart, and out of reach of everybody else.
    """
    sides = [_sorted(units, np.flatnonzero(units.treated == arm), split_infinite) for arm in (True, False)]
    treated, control = sides
    place = {name: k for k, name in enumerate(control.name)}
    for k, name in enumerate(treated.name):
        if (j := place.get(name)) is not None:
            t, c = slice(*treated.edge[k : k + 2]), slice(*control.edge[j : j + 2])
            yield Block(treated.row[t], control.row[c], treated.score[t], control.score[c])


def _sorted(units: Units, row: Index, split_infinite: bool) -> _Arm:
    block, score = units.block[row], units.score[row] + 0.0  # -0.0 and 0.0 are one score
    several = len(block) > 0 and bool((block != block[0]).any())
    order = np.lexsort((score, block)) if several else np.argsort(score)
    block, score, row = block[order], score[order], row[order]
    first = starts_run(block) if several else np.arange(len(row)) == 0
    endless = np.isinf(score) if split_infinite else np.zeros(len(row), np.bool_)
    kind = np.where(endless, np.sign(score), 0.0) if endless.any() else None
    if kind is not None:
        first |= starts_run(kind)
    row = _settle(row, units.tie, starts_run(score) | first)
    edge = np.flatnonzero(first)
    name = list(zip(block[edge].tolist(), [0.0] * len(edge) if kind is None else kind[edge].tolist(), strict=True))
    return _Arm(row, np.where(endless, 0.0, score) if kind is not None else score, [*edge.tolist(), len(row)], name)


def _settle(row: Index, tie: Index, first: Flags) -> Index:
    """Sort each run of equal scores by tie key, then row; runs of one need no sorting, and are most."""
    alone = first & np.append(first[1:], True)
    if alone.all():
        return row
    place = np.flatnonzero(~alone)
    run = np.cumsum(first)[place]
    settled, rows = row.copy(), row[place]
    settled[place] = rows[np.lexsort((rows, tie[rows], run))]
    return settled


def downward(score: Scores) -> Index:
    """Places of ascending scores from high to low, those of equal scores in their order."""
    start = np.flatnonzero(starts_run(score))
    length = np.diff(np.append(start, len(score)))[::-1]
    before = np.cumsum(length) - length
    return np.repeat(start[::-1] - before, length) + np.arange(len(score))


def within(t: Scores, c: Scores, caliper: float) -> tuple[Index, Index]:
    """First and past the last place of the controls (ascending) within the caliper of each treated score."""
    reach = np.full(len(t), caliper)
    equal = np.zeros(len(t), np.bool_)
    low = count_below(t, c, reach, equal=equal)
    high = len(c) - count_below(-t, -c[::-1], reach, equal=equal)
    return low, np.maximum(low, high)


def count_below(score: Scores, control: Scores, reach: Scores, *, equal: Flags) -> Index:
    """Number of controls (ascending) further below each score than its reach; ``equal`` counts those at it too.

    The distance that is compared is the one that matching computes; the sum that the search starts from may
    round to the other side of a control, so the count is put right afterwards, a score at a time.
    """
    first = np.append(np.flatnonzero(starts_run(control)), len(control)) if len(control) else np.zeros(1, np.int64)
    values = np.append(control[first[:-1]], np.inf)

    def is_far(at: Index) -> Flags:
        away = score - values[at]
        far: Flags = (away > reach) | (equal & (away == reach))
        return far

    with np.errstate(over="ignore"):
        at = np.searchsorted(values, score - reach, "left")
    while (short := is_far(at)).any():
        at = at + short
    while (beyond := (at > 0) & ~is_far(np.maximum(at - 1, 0))).any():
        at = at - beyond
    below: Index = first[at]
    return below
