"""What is counted after index. Part of ``study.yaml``."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from claimtwin.config.arms import Arm
from claimtwin.config.events import REGION_OF_INDEX, CareFamily, DiagnosisGroup, DiagnosisRule, Event, Window
from claimtwin.config.measures import SIGNED, MeasureName, reading_of
from claimtwin.config.strict import Strict

OVER_TIME = ("rate", "time")
"""Kinds that take into account how long each person was followed."""
AMOUNTS = ("days_supply", "cost")
"""Kinds that add up what stands on the lines of the events."""
DAYS = "_days"
"""Ending of the column that holds the days of follow-up of an outcome over time."""


class Around(Event):
    """Another event about which an outcome's events do not count: ``window`` in days after it, negative before it."""

    window: Window

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if self.window[0] > self.window[1]:
            raise ValueError("window: its first day lies after its last day")
        if self.diagnosis == REGION_OF_INDEX:
            raise ValueError(f"diagnosis: {REGION_OF_INDEX} belongs to criteria only")
        return self


class Outcome(Strict):
    """What is counted after index, day 0 being the index day.

    Of a drug list dispensings are counted, of a care family days with such care, of ``procedures`` (a shipped list by
    name, or code rules) days with one, of a ``diagnosis`` (shipped list and group, as in
    ``conditions.opioid_overdose``, or rules) days with it in any position; a measure of opioid use is taken
    from the fills and supply of ``histories``.

    ``kind``: ``binary`` any event, ``count`` their number, ``rate`` their number by days of follow-up, ``time`` days
    to the first event or to the end of follow-up, ``days_supply`` days' supply of a drug list as dispensed, ``cost``
    allowed cents of the events' lines, or without an event of all lines.
    ``except_around``: events that do not count so many days about another event, as fills about a surgery.
    """

    LATER: ClassVar[tuple[str, ...]] = ("procedures", "except_around")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    kind: Literal["binary", "count", "rate", "time", "days_supply", "cost"]
    drug: str | None = None
    care: CareFamily | None = None
    measure: MeasureName | None = None
    diagnosis: DiagnosisGroup | list[DiagnosisRule] | None = None
    procedures: str | list[str] | None = None
    window: Window
    except_around: Around | None = None
    scale: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _one_event(self) -> Self:
        named = (self.drug, self.care, self.measure, self.diagnosis, self.procedures)
        many = sum(bool(event) for event in named)
        if many > 1 or (not many and self.kind != "cost"):
            raise ValueError("name exactly one of 'drug', 'care', 'diagnosis', 'procedures' and 'measure'")
        if self.window[0] > self.window[1]:
            raise ValueError("window: its first day lies after its last day")
        if self.window[0] < 0:
            raise ValueError("window: an outcome is counted from the index day on, not before it")
        return self

    @model_validator(mode="after")
    def _kind_has_its_event(self) -> Self:
        if self.measure and self.kind not in ("binary", "count"):
            raise ValueError(f"kind: a measure is binary or count, not '{self.kind}'")
        if self.measure in SIGNED and self.kind != "count":
            raise ValueError(f"kind: the measure '{self.measure}' may lie below nought, so that it is a count")
        if fault := reading_of(self.measure).fault(self.window):
            raise ValueError(f"window: the measure '{self.measure}' {fault}")
        if self.kind == "days_supply" and not self.drug:
            raise ValueError("kind: 'days_supply' needs a drug list in 'drug'")
        if self.diagnosis == REGION_OF_INDEX:
            raise ValueError(f"diagnosis: {REGION_OF_INDEX} belongs to criteria only")
        if self.except_around and (self.event is None or self.kind in AMOUNTS):
            raise ValueError("except_around: only of events that are counted, not of measures and amounts")
        return self

    @property
    def event(self) -> Event | None:
        """The event that is counted; null for a measure and for the cost of everything."""
        named = {"drug": self.drug, "care": self.care, "procedures": self.procedures, "diagnosis": self.diagnosis}
        return Event.model_validate(named) if any(named.values()) else None

    @property
    def lookback_days(self) -> int:
        """Days before index that must be observed for the outcome to be known; 0 for all but some measures."""
        return reading_of(self.measure).lookback_days(self.window)

    @property
    def last_day(self) -> int:
        """Last day after index that is read: that of the window, or of a measure that reads on."""
        return reading_of(self.measure).last_day(self.window)

    @property
    def over_time(self) -> bool:
        """Whether days of follow-up are kept beside the count."""
        return self.kind in OVER_TIME


def follow_up_faults(outcomes: Sequence[Outcome], arms: Sequence[Arm], *, censored: bool) -> list[str]:
    """Outcomes that do not fit the follow-up: whole ones under censoring, and those that overlap an exposure."""
    names = {outcome.name for outcome in outcomes}
    faults = [f"outcomes: '{o.name}{DAYS}' is the name of the days of follow-up of '{o.name}'"
              for o in outcomes if o.over_time and o.name + DAYS in names]  # fmt: skip
    if censored:
        faults += [
            f"outcomes.{o.name}: kind '{o.kind}' takes everybody for followed to the end, but enrollment.post_mode is"
            " 'censor'; use 'time' or 'rate'"
            for o in outcomes
            if not o.over_time
        ]
    return faults + [fault for arm in arms for fault in _immortal(arm, outcomes)]


def _immortal(arm: Arm, outcomes: Sequence[Outcome]) -> list[str]:
    """Outcomes whose window starts before the arm's exposure is known: time in which nobody exposed could fail."""
    if arm.exposure is None:
        return []
    known = arm.exposure.window[1] - arm.landmark_days
    return [
        f"outcomes.{o.name}: its window starts on day {o.window[0]}, but who belongs to arm '{arm.name}' is known only"
        f" after day {known} (immortal time); set landmark_days to {arm.exposure.window[1]} or start the window later"
        for o in outcomes
        if o.window[0] <= known
    ]
