"""Nearest-neighbour matching in blocks: columns of people and rules go in, pairs come out."""

import numpy as np

from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.match import choose_twins, match_units, sorted_blocks
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.units import Scores, Units

__all__ = [
    "Pairs", "Rules", "Scores", "Units", "both_arms", "choose_twins", "match_largest", "match_units",
    "sorted_blocks",
]  # fmt: skip


def match_largest(
    treated_score: Scores, treated_tie: Index, control_score: Scores, control_tie: Index, *, caliper: float | None
) -> Pairs:
    """Pair 1:1 the arms of one block, largest score first; row numbers are those within each arm's columns."""
    units = both_arms(treated_score, treated_tie, control_score, control_tie)
    pairs = match_units(units, Rules(caliper=caliper))
    return Pairs(pairs.treated, pairs.control - len(treated_score), pairs.rank, pairs.distance)


def both_arms(treated_score: Scores, treated_tie: Index, control_score: Scores, control_tie: Index) -> Units:
    """Units of two arms given apart: the treated's rows, then the controls'."""
    score, tie = np.concatenate([treated_score, control_score]), np.concatenate([treated_tie, control_tie])
    return Units.of(np.arange(len(score)) < len(treated_score), score, tie)
