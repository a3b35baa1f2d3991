"""In which order the treated choose."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimtwin.kernel.columns import Index, starts_run
from claimtwin.kernel.matching.line import Block, downward
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sorting import settle
from claimtwin.kernel.matching.units import Units


def turn_of(block: Block, units: Units, rules: Rules) -> Index:
    """Places of a block's treated in their turn; for orders without a fixed turn that of ``largest``."""
    if rules.order == "smallest":
        return np.arange(len(block.t))
    if rules.order == "data":
        return by_tie(block, units)
    if rules.order == "random":
        return _ordered(rehash(units.tie[block.treated], rules.seed), block.treated)
    return downward(block.t)


def by_tie(block: Block, units: Units) -> Index:
    """Places of a block's treated by tie key, then row."""
    return _ordered(units.tie[block.treated], block.treated)


def _ordered(key: NDArray[Any], row: Index) -> Index:
    """Places by key, then row."""
    order = np.argsort(key)
    settle(order, starts_run(key[order]), row)
    return order


def place_in(order: Index) -> Index:
    """For each place its position in an order of all places."""
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    return position


def rehash(tie: Index, seed: int) -> NDArray[np.uint64]:
    """Mix of tie key and seed; different keys stay different.

    Source: the output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), on the key moved by the mixed seed.
    """
    moved = splitmix64(np.array([seed & 2**64 - 1], np.uint64))
    return splitmix64(tie.view(np.uint64) + moved)


def splitmix64(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The first number that SplitMix64 gives from each state; states and numbers are a one-to-one match."""
    word = word + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = word ^ (word >> np.uint64(31))
    return mixed
