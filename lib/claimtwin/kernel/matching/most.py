"""Order ``maximum``: as many pairs as the caliper allows.

Source: Ruzankin, arXiv:1701.02201. On sorted scores the lowest two free people of either arm are a pair if they
are within the caliper; if not, the lower of them can never be in one.
"""

import numpy as np

from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.matching.units import Scores


def match_most(t: Scores, c: Scores, caliper: float) -> Index:
    """Place of each treated's twin, -1 for none; both ascending.

    Twins have the order of their treated, and the lowest people go first; the result is the only one of that rule.
    """
    twin = np.full(len(t), NOBODY)
    treated, control, answer = t.data, c.data, twin.data
    place, last = 0, len(c)
    for who in range(len(t)):
        score = treated[who]
        while place < last and score - control[place] > caliper:
            place += 1
        if place == last:
            break
        if control[place] - score <= caliper:
            answer[who] = place
            place += 1
    return twin
