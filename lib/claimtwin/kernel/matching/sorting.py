"""Sorting of scores and blocks by packed keys, which is what a match spends most of its time on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimtwin.kernel.columns import Flags, Index, starts_run
from claimtwin.kernel.matching.units import Scores

FEW = 1 << 12
"""Below this many numbers packing does not pay."""
_MAGNITUDE = np.int64(2**63 - 1)


def sort_scores(score: Scores) -> tuple[Index, Scores]:
    """Places of scores (never missing) in ascending order, and the scores so sorted; equal ones in any order.

    Numbers sort several times as fast alone as with the places they came from. So each place is written over the
    last bits of its score, and the few scores that only those bits tell apart are put right afterwards.
    """
    if len(score) < FEW:
        order = np.argsort(score)
        return order, score[order]
    low = np.int64((1 << len(score).bit_length()) - 1)
    order = _first_bits(score, low)
    order |= np.arange(len(score))
    order.sort()
    order &= low
    ascending = score[order]
    if (ascending[1:] < ascending[:-1]).any():
        settle(order, starts_run(_first_bits(ascending, low)), score)
        ascending = score[order]
    return order, ascending


def _first_bits(score: Scores, low: np.int64) -> Index:
    """Integers in the order of the scores, without the bits of ``low``."""
    key: Index = (score + 0.0).view(np.int64)  # -0.0 and 0.0 are one score
    np.bitwise_xor(key, _MAGNITUDE, out=key, where=key < 0)
    key &= ~low
    return key


def sort_codes(code: Index) -> Index:
    """Places of codes in ascending order, equal ones in theirs; fast where the codes span little."""
    lowest = int(code.min(initial=0))
    near = int(code.max(initial=0)) - lowest < 1 << 16
    return np.argsort((code - lowest).astype(np.uint16) if near else code, kind="stable")


def settle(row: Index, first: Flags, *keys: NDArray[Any]) -> None:
    """Sort each run of equals, in place, by keys (the last one first), then row.

    Runs of one need no sorting, and are most; to sort by all keys at once would cost several times as much.
    """
    shared = ~first
    shared[:-1] |= ~first[1:]
    place = np.flatnonzero(shared)
    rows = row[place]
    row[place] = rows[np.lexsort((rows, *(key[rows] for key in keys), np.cumsum(first[place])))]
