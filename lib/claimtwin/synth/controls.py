"""Negative controls: drugs and care that neither the programme nor opioids have anything to do with.

Their chances hang on age and on how much care a person seeks; those of the second half also on the severity that no
claim shows, as strongly as ``cause.severity`` says. So after a match the first half shows no effect, and the second
shows one exactly where a hidden confounder is at work.
"""

import numpy as np

from claimtwin.synth.catalogue import EXPOSURES, OUTCOMES
from claimtwin.synth.causes import CERTAIN, MIDDLE_AGE, chance_of, in_thousandths
from claimtwin.synth.draws import Draws, Index, cumulative
from claimtwin.synth.people import SEEKING, People
from claimtwin.synth.spec import Cause

# Level of the log-odds and its change per year of age and per unit of care seeking, in thousandths.
_OUTCOME = (-2600, 4, 500)
_EXPOSURE = (-600, 8, 400)
SHARING_OUTCOMES, SHARING_EXPOSURES = OUTCOMES[len(OUTCOMES) // 2 :], EXPOSURES[len(EXPOSURES) // 2 :]
"""Those that share the hidden severity."""


def count_controls(draws: Draws, people: People, cause: Cause) -> Index:
    """(n, 8) dispensings of each negative-control drug in three years, a column an outcome."""
    numbers, n = np.arange(len(OUTCOMES)), people.number[:, None]
    has = draws.chance("control", n, _chances(people, cause, _OUTCOME, len(OUTCOMES)) / CERTAIN, numbers)
    return np.where(has, 2 + draws.pick("control fills", n, cumulative([3, 2, 1]), numbers), 0)


def count_exposures(draws: Draws, people: People, cause: Cause) -> Index:
    """(n, 4) whether each person had each negative-control service in three years, 0 or 1."""
    chances = _chances(people, cause, _EXPOSURE, len(EXPOSURES)) / CERTAIN
    has = draws.chance("exposure", people.number[:, None], chances, np.arange(len(EXPOSURES)))
    return has.astype(np.int64)


def _chances(people: People, cause: Cause, weights: tuple[int, int, int], count: int) -> Index:
    """(n, count) in units of 2**-32."""
    level, per_year, per_unit = weights
    sought = np.array([round(1000 * (unit - 1)) for unit in SEEKING])[people.seeking]
    seen = level + (people.age - MIDDLE_AGE) * per_year + sought * per_unit // 1000
    shares = np.arange(count) >= count // 2
    hidden = people.severity * in_thousandths(cause.severity) // 1000
    return chance_of(seen[:, None] + hidden[:, None] * shares)
