"""Why somebody has no twin, and how each block fared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.kernel.columns import Flags, Index, starts_run
from claimtwin.kernel.matching.line import Block, blocks_of, within
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.units import Scores, Units
from claimtwin.kernel.matching.window import Window, is_measured

REASONS = (
    "matched",
    "outside support",
    "above the cap",
    "no control in the block",
    "no control within reach",
    "taken by others",
)
"""By code. The first that applies; the last one also says that fewer were left than the floor asks for."""
MATCHED, OUTSIDE, CUT, NO_CONTROL, NONE_IN_REACH, TAKEN = range(len(REASONS))


def why_unmatched(
    units: Units, rules: Rules, pairs: Pairs, outside: Flags | None = None, cut: Flags | None = None
) -> NDArray[np.int8]:
    """Code of ``REASONS`` for each person of the units; 0 for controls, who need no twin.

    Args:
        pairs: Of these units and rules, in rows of ``units``.
        outside: Who was left out of the match for want of support; null for nobody.
        cut: Who was left out of it by a cap; null for nobody.

    ``within reach`` looks at the score caliper, covariate calipers and anti-exact columns together.
    """
    nobody = np.zeros(len(units), np.bool_)
    outside, cut = nobody if outside is None else outside, nobody if cut is None else cut
    reason = np.where(units.treated, np.int8(NO_CONTROL), np.int8(MATCHED)).astype(np.int8)
    in_match = ~(outside | cut)
    controls = np.unique(units.block[in_match & ~units.treated])
    reason[units.treated & np.isin(units.block, controls)] = NONE_IN_REACH
    reason[pairs.treated] = MATCHED
    asking = np.flatnonzero(in_match & ((reason == NONE_IN_REACH) | ~units.treated))
    if (reason == NONE_IN_REACH).any():
        reason[asking[_in_reach(units.take(asking), rules)]] = TAKEN
    reason[cut & units.treated] = CUT
    reason[outside & units.treated] = OUTSIDE
    return reason


def _in_reach(units: Units, rules: Rules) -> Index:
    """Rows of the treated who have a control within reach, whoever took it."""
    blocks = blocks_of(units, split_infinite=is_measured(units, rules))
    rows = [block.treated[_has_control(block, units, rules)] for block in blocks]
    return np.concatenate(rows or [np.zeros(0, np.int64)])


def _has_control(block: Block, units: Units, rules: Rules) -> Flags:
    if units.on_a_line:
        low, high = within(block.t, block.c, rules.reach)
        reached: Flags = high > low
        return reached
    window, everybody = Window(units, rules, block), np.ones(len(block.c), np.bool_)
    return np.array([len(window.candidates(who, everybody)[0]) > 0 for who in range(len(block.t))], np.bool_)


@dataclass(frozen=True)
class BlockCounts:
    """One row per block with people, by code.

    Attributes:
        treated, controls: People.
        matched: Treated with a twin.
        couples: Couples, more than ``matched`` where somebody has several twins.
        scarcity: Treated per control; not a number where a block has no control.
        quantiles: One column per quantile asked for: distance of the couples, linearly between neighbours as numpy
            does it; not a number in a block without couples.
    """

    block: Index
    treated: Index
    controls: Index
    matched: Index
    couples: Index
    scarcity: Scores
    quantiles: NDArray[np.float64]


def count_blocks(units: Units, pairs: Pairs, quantiles: Sequence[float] = (0.5, 0.9, 1.0)) -> BlockCounts:
    """Count people and couples of each block."""
    codes, block = np.unique(units.block, return_inverse=True)
    of_couple = block[pairs.treated]

    def count(rows: Index) -> Index:
        return np.bincount(rows, minlength=len(codes))

    treated, controls = count(block[units.treated]), count(block[~units.treated])
    matched, couples = count(block[np.unique(pairs.treated)]), count(of_couple)
    scarcity = np.where(controls > 0, treated / np.maximum(controls, 1), np.nan)
    table = _quantiles(of_couple, pairs.distance, couples, np.array(quantiles))
    return BlockCounts(codes, treated, controls, matched, couples, scarcity, table)


def _quantiles(block: Index, distance: Scores, couples: Index, asked: Scores) -> NDArray[np.float64]:
    order = np.lexsort((distance, block))
    ordered, code = distance[order], block[order]
    table = np.full((len(couples), len(asked)), np.nan)
    first = np.flatnonzero(starts_run(code)) if len(code) else np.zeros(0, np.int64)
    if len(first):
        present = code[first]
        at = (couples[present] - 1)[:, None] * asked
        low = np.floor(at).astype(np.int64)
        one, other = first[:, None] + low, first[:, None] + np.minimum(low + 1, (couples[present] - 1)[:, None])
        table[present] = ordered[one] + (ordered[other] - ordered[one]) * (at - low)
    return table
