"""With replacement: every treated's nearest controls, all at once."""

import numpy as np

from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.line import downward
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.matching.units import Scores


def nearest_controls(t: Scores, c: Scores, ratio: int, caliper: float) -> Index:
    """Places of each treated's nearest controls within the caliper, one column a rank, -1 for none; both ascending.

    Two queues lead away from each treated, one down and one up; the nearer of their heads is next, the lower one
    if both are equally near.
    """
    down, n = downward(c), len(c)
    ends = np.append(c, np.inf)
    above = np.searchsorted(c, t, "right")
    below = n - above
    places = np.full((len(t), ratio), NOBODY)
    for rank in range(min(ratio, n)):
        lower = np.where(below < n, t - c[down[np.minimum(below, n - 1)]], np.inf)
        upper = ends[above] - t
        is_lower = lower <= upper
        place = np.where(is_lower, down[np.minimum(below, n - 1)], np.minimum(above, n - 1))
        places[:, rank] = np.where(np.minimum(lower, upper) <= caliper, place, NOBODY)
        below, above = below + is_lower, above + ~is_lower
    return places
