"""What happened to matched members after their index."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.kernel.candidates import VISITS
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import Days, Events, Index
from claimtwin.kernel.outcome_measures import measure


def count_outcomes(claims: Claims, protocol: Protocol, member: Index, index: Days) -> NDArray[np.int64]:
    """Events of each outcome in its window: one row per asked member, one column per outcome of the protocol.

    Args:
        claims: Claims of the block.
        member: Members asked about, in any order; a member may be asked twice.
        index: Index day of each; day 0 of the outcome's window, of which both ends count.

    A measure of opioid use is what ``outcome_measures`` says, and needs ``claims.opioids``.
    A diagnosis counts days with one.
    A drug outcome counts dispensings (two on one day are two); a care outcome counts days with such care.
    A binary outcome is formed later, as a count above nothing. Nobody's missing enrolment is judged here.
    Source: docs/decisions/007-outcome-window.md.
    """
    counted = map(partial(_count, claims, member, index), protocol.outcomes)
    return np.stack(list(counted), axis=1)


def _count(claims: Claims, member: Index, index: Days, outcome: Outcome) -> Index:
    if outcome.measure is not None and claims.opioids is not None:
        return measure(claims.opioids, outcome.measure, member, index, *outcome.window)
    return events_of(claims, outcome).count(member, index, *outcome.window)


def events_of(claims: Claims, outcome: Outcome) -> Events:
    """All dated events of one outcome in the block, whenever they happened."""
    if outcome.drug is not None:
        return Events.of(*claims.drugs[outcome.drug])
    if outcome.diagnosis is not None:
        return Events.of(*claims.diagnoses[outcome.diagnosis]).distinct_days()
    services = claims.services
    rows = services.families[:, VISITS.index(outcome.care or "")]
    return Events.of(services.member[rows], services.day[rows]).distinct_days()
