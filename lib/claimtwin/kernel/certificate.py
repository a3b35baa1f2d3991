"""The certificate of a greedy match: nobody would rather have a twin that was still free in their turn.

Greedy matching is a serial dictatorship, so its result is the only one in which every control that a treated
prefers to their own belongs to somebody who chose earlier. That is checked treated by treated in sorted
columns, without matching again: one latest-owner question per stretch of preferred controls.
"""

import numpy as np

from claimtwin.kernel.columns import Flags, Index, ends_run, starts_run
from claimtwin.kernel.matching import Pairs as Matches
from claimtwin.kernel.matching import Scores

NOBODY = -1


def count_envious(
    treated_score: Scores, treated_tie: Index, control_score: Scores, control_tie: Index, found: Matches,
    *, caliper: float | None,
) -> int:  # fmt: skip
    """Number of treated who prefer a control that is free or belongs to somebody whose turn came later.

    The scores and tie keys are those given to ``match_largest``, whose docstring tells turn and preference;
    an unmatched treated prefers every control within the caliper to none. Nought proves that ``found`` is
    the greedy match, provided nobody is in two pairs.
    """
    order = np.lexsort((control_tie, control_score))
    turn = np.empty(len(treated_score), np.int64)
    turn[np.lexsort((treated_tie, -treated_score))] = np.arange(len(turn))
    owner, own = np.full(len(order), len(turn)), np.full(len(turn), NOBODY)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    owner[place[found.control]] = turn[found.treated]
    own[found.treated] = place[found.control]
    envious = np.zeros(len(turn), np.bool_)
    for low, high in _preferred(treated_score, control_score[order], own, np.inf if caliper is None else caliper):
        envious |= latest_between(owner, low, high) > turn
    return int(envious.sum())


def _preferred(score: Scores, control: Scores, own: Index, caliper: float) -> list[tuple[Index, Index]]:
    """Places of the sorted controls that each treated prefers to their own, as half-open stretches.

    Farther out on the left than the own twin is nothing; on the right what is nearer than the twin. Equal
    distances fall to the left, equal scores to the smaller tie key, which is the smaller place.
    """
    if not len(control):
        return []
    matched, twin = own != NOBODY, np.maximum(own, 0)
    reach = np.where(matched, np.abs(score - control[twin]), caliper)
    on_left = matched & (control[twin] <= score)
    left = count_below(score, control, reach, equal=np.zeros(len(score), np.bool_))
    right = len(control) - count_below(-score, -control[::-1], reach, equal=matched)
    run = np.cumsum(starts_run(control)) - 1
    starts, stops = np.flatnonzero(starts_run(control)), np.flatnonzero(ends_run(control)) + 1
    inner = np.where(on_left, stops[run[twin]], left)
    outer = np.where(matched & ~on_left, twin, right)
    return [(inner, outer), (starts[run[twin]], np.where(on_left, twin, starts[run[twin]]))]


def count_below(score: Scores, control: Scores, reach: Scores, *, equal: Flags) -> Index:
    """Number of controls (ascending) further below each score than its reach; ``equal`` counts those at it too.

    The distance that is compared is the one that matching computes; the sum that the search starts from may
    round to the other side of a control, so the count is put right afterwards, a score at a time.
    """
    first = np.append(np.flatnonzero(starts_run(control)), len(control))
    values = np.append(control[first[:-1]], np.inf)

    def is_far(at: Index) -> Flags:
        away = score - values[at]
        far: Flags = (away > reach) | (equal & (away == reach))
        return far

    at = np.searchsorted(values, score - reach, "left")
    while (short := is_far(at)).any():
        at = at + short
    while (beyond := (at > 0) & ~is_far(np.maximum(at - 1, 0))).any():
        at = at - beyond
    below: Index = first[at]
    return below


def latest_between(owner: Index, low: Index, high: Index) -> Index:
    """Largest owner in each half-open stretch, -1 in an empty one; stretches are halved into powers of two."""
    answer, span = np.full(len(low), -1, np.int64), high - low
    width, widest = 1, owner
    while width <= span.max(initial=0):
        rows = np.flatnonzero((span >= width) & (span < 2 * width))
        answer[rows] = np.maximum(widest[low[rows]], widest[high[rows] - width])
        widest = np.maximum(widest[:-width], widest[width:])
        width *= 2
    return answer
