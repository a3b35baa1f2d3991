"""The match: block by block, round by round."""

from collections.abc import Callable

import numpy as np

from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.line import Block, blocks_of, downward
from claimtwin.kernel.matching.pairs import Pairs, pairs_of
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sweep import NOBODY, match_largest_first, match_smallest_first
from claimtwin.kernel.matching.units import Scores, Units

Choose = Callable[[Scores, Scores, float], Index]


def match_units(units: Units, rules: Rules) -> Pairs:
    """Match the treated with controls of their block.

    Of two equally near controls the one with the lower score is taken, then the smaller tie key; of two treated
    with equal scores the smaller tie key chooses first. Nothing depends on the order of rows as long as tie keys
    are unique.
    """
    return keep_floor(choose_twins(units, rules), rules.floor, len(units))


def choose_twins(units: Units, rules: Rules) -> Pairs:
    """The match before ``floor`` is looked at: what the certificate judges."""
    rules.check(units)
    found = [_match_block(block, rules) for block in blocks_of(units, split_infinite=True)]
    columns = [np.concatenate([part[k] for part in found] or [np.zeros(0, np.int64)]) for k in range(3)]
    return pairs_of(units, *columns)


def keep_floor(pairs: Pairs, floor: int, n: int) -> Pairs:
    """Drop the couples of treated with fewer twins than ``floor``; ``n`` people in the units."""
    return pairs if floor == 1 else pairs.take(np.bincount(pairs.treated, minlength=n)[pairs.treated] >= floor)


def _match_block(block: Block, rules: Rules) -> tuple[Index, Index, Index]:
    choose: dict[str, Choose] = {"largest": match_largest_first, "smallest": match_smallest_first}
    treated, control, rank = _in_rounds(block, rules, choose[rules.order])
    turn = np.empty(len(block.t), np.int64)
    turn[downward(block.t) if rules.order == "largest" else np.arange(len(block.t))] = np.arange(len(block.t))
    order = np.lexsort((rank, turn[treated]))
    return block.treated[treated[order]], block.control[control[order]], rank[order]


def _in_rounds(block: Block, rules: Rules, choose: Choose) -> tuple[Index, Index, Index]:
    asking, free = np.arange(len(block.t)), np.arange(len(block.c))
    treated, control, rank = [], [], []
    for turn in range(1, rules.ratio + 1):
        twin = choose(block.t[asking], block.c[free], rules.reach)
        got = twin != NOBODY
        treated.append(asking[got])
        control.append(free[twin[got]])
        rank.append(np.full(len(treated[-1]), turn))
        asking, free = treated[-1], np.delete(free, twin[got])
    return np.concatenate(treated), np.concatenate(control), np.concatenate(rank)
