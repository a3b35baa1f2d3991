"""When follow-up begins, if not with the index, and whether the index is moved to where nothing can have happened."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from claimtwin.config.outcomes import Outcome
from claimtwin.config.strict import Strict

DaysLater = Annotated[int, Field(ge=1, le=3650)]
FIRSTS = ("binary", "time")
"""Kinds of outcome that somebody has had or has not."""


class Landmark(Strict):
    """Follow-up that begins after day ``days``, for those who are still enrolled then and had no outcome by then.

    ``free_of``: outcomes, yes-no or times, that nobody may have had from the first day of their window (day 1 at the
    latest) to the landmark; null: all of the study but its negative controls. Windows begin the day after the landmark
    or later; the index, and with it all that is measured before, stays.
    """

    days: DaysLater
    free_of: list[str] | None = None


class Placebo(Strict):
    """The same entries with their index ``days_earlier``: before the care that is studied, which has no effect yet.

    The index window is that of the real index; all else is judged and counted about the moved one, so that who has no
    history there falls out as a criterion not met.
    """

    days_earlier: DaysLater


def free_outcomes(landmark: Landmark, outcomes: Sequence[Outcome], controls: Sequence[str]) -> list[Outcome]:
    """The outcomes that nobody may have had by the landmark."""
    firsts = [outcome for outcome in outcomes if outcome.kind in FIRSTS]
    if landmark.free_of is not None:
        return [outcome for outcome in firsts if outcome.name in landmark.free_of]
    return [outcome for outcome in firsts if outcome.name not in controls]


def after_landmark(outcome: Outcome, landmark: Landmark | None) -> Outcome:
    """The outcome with the window in which it is counted."""
    if landmark is None or outcome.window[0] > landmark.days:
        return outcome
    return outcome.model_copy(update={"window": (landmark.days + 1, outcome.window[1])})


def timing_faults(outcomes: Sequence[Outcome], landmark: Landmark | None, placebo: Placebo | None) -> list[str]:
    """Windows that a landmark or a placebo index cannot have, and outcomes that a landmark names in vain."""
    faults = []
    if landmark is not None:
        known = {outcome.name for outcome in outcomes if outcome.kind in FIRSTS}
        faults += [f"landmark.free_of: no yes-no outcome and no time is called '{name}'"
                   for name in landmark.free_of or [] if name not in known]  # fmt: skip
        faults += [f"landmark: the window of outcome '{o.name}' ends by day {landmark.days}"
                   for o in outcomes if o.window[1] <= landmark.days]  # fmt: skip
        faults += [f"landmark: outcome '{o.name}' is a measure, whose windows are its own"
                   for o in outcomes if o.measure]  # fmt: skip
    if placebo is not None:
        faults += [f"placebo.days_earlier: the window of outcome '{o.name}' reaches the real index"
                   for o in outcomes if o.window[1] >= placebo.days_earlier]  # fmt: skip
    return faults
