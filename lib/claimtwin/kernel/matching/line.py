"""Sorting the people of either arm by block and score, and counting along a sorted line of scores."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from claimtwin.kernel.columns import Flags, Index, starts_run
from claimtwin.kernel.matching.sorting import FEW, settle, sort_codes, sort_scores
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
    """Sort one arm; the rows are sorted in place, so that few columns are there at one time."""
    first = np.arange(len(row)) == 0
    if _varies(units.block):
        row = row[sort_codes(units.block[row])]
        first = starts_run(units.block[row])
    score = _sort_parts(units, row, first)
    score += 0.0  # -0.0 and 0.0 are one score
    kind = _kinds(score) if split_infinite else None
    if kind is not None:
        first |= starts_run(kind)
        score[np.isinf(score)] = 0.0
    settle(row, starts_run(score) | first, units.tie)
    edge = np.flatnonzero(first)
    codes = units.block[row[edge]].tolist()
    return _Arm(row, score, [*edge.tolist(), len(row)], list(zip(codes, _named(kind, edge), strict=True)))


def _sort_parts(units: Units, row: Index, first: Flags) -> Scores:
    """Sort the rows of each stretch that begins at ``first`` by score, in place; the scores so sorted."""
    edge = np.append(np.flatnonzero(first), len(row))
    if len(edge) == 2:
        order, score = sort_scores(units.score[row])
        row[:] = row[order]
        return score
    if len(row) < FEW * len(edge):  # many small stretches, which would be sorted one by one
        row[:] = row[np.lexsort((units.score[row] + 0.0, np.cumsum(first)))]
        return units.score[row]
    score = np.empty(len(row))
    for low, high in pairwise(edge):
        part = row[low:high]
        order, score[low:high] = sort_scores(units.score[part])
        row[low:high] = part[order]
    return score


def _varies(block: Index) -> bool:
    return len(block) > 0 and block.strides != (0,) and bool((block != block[0]).any())


def _kinds(score: Scores) -> Scores | None:
    """-1, 0 and 1 for scores at minus infinity, finite, at infinity; None where all are finite."""
    if not np.isinf(score).any():
        return None
    return np.where(np.isinf(score), np.sign(score), 0.0)


def _named(kind: Scores | None, edge: Index) -> list[float]:
    return [0.0] * len(edge) if kind is None else kind[edge].tolist()


def downward(score: Scores) -> Index:
    """Places of ascending scores from high to low, those of equal scores in their order."""
    n = len(score)
    start = np.flatnonzero(starts_run(score))
    if len(start) == n:
        return np.arange(n - 1, -1, -1)
    length = np.diff(np.append(start, n))[::-1]
    before = np.cumsum(length) - length
    return np.repeat(start[::-1] - before, length) + np.arange(n)


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
