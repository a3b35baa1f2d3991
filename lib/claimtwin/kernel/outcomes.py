"""What happened to matched members after their index."""

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.outcomes import AMOUNTS, DAYS, Outcome
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import Days, Index, keys, sum_between
from claimtwin.kernel.events import outcome_events
from claimtwin.kernel.follow_up import count_followed, days_at_risk, last_days, time_to_first
from claimtwin.kernel.outcome_measures import measure


def outcome_columns(protocol: Protocol) -> list[str]:
    """Names of the columns of outcomes: one an outcome, and after one over time its days of follow-up."""
    return [name for o in protocol.outcomes for name in ((o.name, o.name + DAYS) if o.over_time else (o.name,))]


def count_outcomes(
    claims: Claims, protocol: Protocol, member: Index, index: Days, end_of_data: int | None = None
) -> NDArray[np.int64]:
    """Events of each outcome in its window: one row per asked member, columns as in ``outcome_columns``.

    Args:
        claims: Claims of the block.
        member: Members asked about, in any order; a member may be asked twice.
        index: Index day of each; day 0 of the outcome's window, of which both ends count. After a landmark windows
            begin the day after it.
        end_of_data: Last day on which the data are complete, where people are censored; null: the cover alone ends.

    A measure of opioid use is what ``outcome_measures`` says, and needs ``claims.opioids``.
    Diagnoses, procedures and care count days with one; a drug outcome dispensings (two on one day are two).
    A binary outcome is formed later, as a count above nothing. ``rate`` counts while followed, beside the days of
    follow-up; ``time`` is 1 for who had the event, beside the days until it or until censored. ``days_supply`` and
    ``cost`` add up whole days or cents; a cost below nought, where reversals outweigh the rest, is nought.
    Nobody's missing enrolment is judged here unless people are censored (``follow_up.last_days``).
    Source: docs/decisions/007-outcome-window.md, 030-follow-up.md.

    Raises:
        ConfigError: A measure is asked for where ``claims.opioids`` is null.
    """
    last = last_days(claims, protocol, member, index, end_of_data)
    found = [column for o in protocol.followed() for column in _columns(claims, member, index, o, last)]
    return np.stack(found, axis=1)


def _columns(claims: Claims, member: Index, index: Days, outcome: Outcome, last: Days | None) -> list[Index]:
    if outcome.measure is not None and claims.opioids is not None:
        return [measure(claims.opioids, outcome.measure, member, index, *outcome.window)]
    if outcome.kind in AMOUNTS:
        return [sum_of_lines(claims, outcome, member, index)]
    if outcome.event is None:
        raise ConfigError(
            "A measure of opioid use is asked for, and no fills were laid out.",
            where=f"outcomes.{outcome.name}",
            rule="a measure is taken from the fills and supply of `histories`",
            remedy="name `histories` in the protocol",
        )
    events = outcome_events(claims, outcome.event, outcome.except_around)
    if not outcome.over_time:
        return [events.count(member, index, *outcome.window)]
    at_risk = days_at_risk(outcome, index, last)
    if outcome.kind == "rate":
        return [count_followed(events, outcome, member, index, at_risk), at_risk]
    return list(time_to_first(events, outcome, member, index, at_risk))


def sum_of_lines(claims: Claims, outcome: Outcome, member: Index, index: Days) -> Index:
    """Days' supply or cents on the outcome's lines in its window, at least nought; whole numbers."""
    owner, day, amount = claims.amounts[outcome.name]
    order = np.argsort(keys(owner, day), kind="stable")
    first, last = outcome.window
    total = sum_between(owner[order], day[order], amount[order], member, index, first=first, last=last)
    return np.maximum(total, 0)
