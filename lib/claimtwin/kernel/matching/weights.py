"""What each person weighs after the match.

The effect on the treated weighs every matched treated alike; their twins share the weight of one. That is MatchIt's
rule for matching, too.
"""

import numpy as np

from claimtwin.kernel.columns import Flags
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.units import Scores


def couple_weights(pairs: Pairs) -> Scores:
    """One over the number of twins of each couple's treated; their sum is the number of matched treated."""
    if not len(pairs):
        return np.zeros(0)
    share: Scores = 1.0 / np.bincount(pairs.treated)[pairs.treated]
    return share


def person_weights(treated: Flags, pairs: Pairs) -> Scores:
    """One weight per person of the units: 1 for a matched treated, 0 for who is in no couple.

    A control has the sum of its couples' weights, scaled so that all controls sum to the number of controls used.
    """
    weight: Scores = np.bincount(pairs.control, couple_weights(pairs), len(treated)).astype(np.float64)
    total = weight.sum()
    if total:
        weight *= np.count_nonzero(weight) / total
    weight[pairs.treated] = 1.0
    return weight
