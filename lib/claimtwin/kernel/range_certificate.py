"""The certificate of a match made range by range, a step at a time.

Nobody of a step's decided treated prefers a control of the step that is free or taken later, which is what
``kernel.certificate`` counts; and nobody could prefer one of a later range, since their twin, or the end of their
reach, is nearer than the step's end. Controls of earlier ranges that are no longer there were taken by treated who
go first, or are out of reach. Together that is the certificate of the whole block.
"""

import numpy as np

from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.matching.pairs import pairs_of
from claimtwin.kernel.matching.ranges import Step, Stretch
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.matching.units import Units


def count_envious_in_step(step: Step, people: Stretch, rules: Rules) -> int:
    """Number of decided treated of a step who would rather have another control, and of couples no match may have.

    Args:
        people: The range of the step, without those who waited.
    """
    everybody = step.everybody
    n, found = len(step.treated), np.flatnonzero(step.twin != NOBODY)
    arms = np.arange(n + len(everybody.c)) < n
    units = Units.of(
        arms,
        np.concatenate([everybody.t[step.treated], everybody.c]),
        np.concatenate([step.treated, np.arange(len(everybody.c))]),
    )
    pairs = pairs_of(units, found, n + step.twin[found], np.ones(len(found), np.int64))
    return count_envious(units, rules, pairs) + count_broken(units, rules, pairs) + _beyond(step, people, rules)


def _beyond(step: Step, people: Stretch, rules: Rules) -> int:
    """Decided treated who might prefer a control of a later range."""
    if not len(people):
        return 0
    sign = 1.0 if rules.order == "largest" else -1.0
    ends = np.concatenate([people.t, people.c])
    score, found = step.everybody.t[step.treated] * sign, step.twin != NOBODY
    room = score - (sign * ends).min()
    ahead, own = np.zeros(len(score), np.bool_), np.full(len(score), rules.reach)
    twin = step.everybody.c[step.twin[found]] * sign
    ahead[found], own[found] = twin <= score[found], np.abs(score[found] - twin)
    near = (own <= room) if rules.order == "smallest" else (own < room)
    near[~found] = own[~found] < room[~found]
    return int(np.count_nonzero(~ahead & ~near))
