"""Who is left out before the match: outside common support, or above a cap on people."""

from typing import Literal

import numpy as np

from claimtwin.kernel.columns import Flags, Index
from claimtwin.kernel.matching.units import Scores

Discard = Literal["none", "treated", "control", "both"]


def outside_support(treated: Flags, score: Scores, discard: Discard) -> Flags:
    """Whether a person's score lies outside the range of the other arm's scores (both ends belong to it).

    Args:
        discard: The arm that is looked at; ``both`` looks at each against the other, ``none`` leaves all in.

    An empty arm has no range, so that everybody of the other is outside. Source: MatchIt's ``discard``.
    """
    outside = np.zeros(len(treated), np.bool_)
    for arm, name in ((True, "treated"), (False, "control")):
        if discard in (name, "both"):
            own = treated == arm
            others = score[~own]
            low, high = others.min(initial=np.inf), others.max(initial=-np.inf)
            outside |= own & ((score < low) | (score > high) | (len(others) == 0))
    return outside


def within_cap(treated: Flags, tie: Index, most: int) -> Flags:
    """Whether a person is one of the ``most`` of their arm with the smallest tie key, then row.

    All of an arm that has no more people than that.

    With tie keys that are hashes this is a random sample that anybody can draw again.
    """
    kept = np.zeros(len(treated), np.bool_)
    for arm in (True, False):
        row = np.flatnonzero(treated == arm)
        kept[row[np.argsort(tie[row], kind="stable")[:most]]] = True
    return kept
