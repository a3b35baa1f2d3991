"""Models of the time to the first event, as a protocol asks for them."""

import numpy as np

from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.config.timing import after_landmark
from claimtwin.stats.intervals import Effect
from claimtwin.stats.matched import Matched
from claimtwin.stats.models import Plan
from claimtwin.stats.person_time import rate_models
from claimtwin.stats.standard import Draws
from claimtwin.stats.survival import FollowUp, time_models


def over_time_effects(
    outcome: Outcome, events: np.ndarray, days: np.ndarray, people: Matched, protocol: Protocol
) -> list[Effect]:
    """Rows beside the main ratio of rates: the same with other errors and, of a time, the models of ``models.time``."""
    plan = Plan((), tuple(protocol.models.errors), (), Draws(0, protocol.study.seed))
    rows = rate_models(outcome.name, events, days, people, plan)
    if outcome.kind != "time":
        return rows
    first, last = after_landmark(outcome, protocol.landmark).window
    horizon = last - first + 1
    return rows + time_effects(outcome.name, events > 0, days, people, protocol, horizon=horizon)


def time_effects(
    outcome: str, event: np.ndarray, days: np.ndarray, people: Matched, protocol: Protocol, *, horizon: int
) -> list[Effect]:
    """Rows of ``models.time`` of one outcome.

    Args:
        outcome: Its name.
        event, days: (n,) whether the first event ended a person's follow-up, and the days of it. Who was followed for
            no day was never at risk and is left out.
        people: The matched.
        protocol: Says which models and which errors.
        horizon: Days of the outcome's window, at whose end risks are compared.
    """
    asked, at_risk = protocol.models, days > 0
    errors = tuple(dict.fromkeys(("nonrobust", *asked.other_errors)))
    plan = Plan(tuple(asked.time), (), errors, Draws(0, protocol.study.seed))
    follow = FollowUp(days[at_risk], event[at_risk])
    return time_models(outcome, follow, people.part(at_risk), plan, horizon=horizon)
