"""How people come into the two arms of a study. Part of ``study.yaml``."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from claimtwin.config.events import REGION_OF_INDEX, DiagnosisGroup, DiagnosisRule, Event, Exposure
from claimtwin.config.strict import Days, Strict


class Draw(Strict):
    """From which of the eligible treated a day is drawn, and whether a day or the time since something is drawn.

    ``since`` null: index days. ``enrollment``, or an event: days from the first covered day, or from the first such
    event, to the index; the drawn days are added to a person's own. ``within``: only from treated of equal values, at
    the index (at the entry with ``since``; ``entry_year`` and ``entry_month`` are the entry's).
    """

    since: Literal["enrollment"] | Event | None = None
    within: list[Literal["employer_id", "sex", "census_region", "entry_year", "entry_month"]] = []

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.since is None and not self.within:
            raise ValueError("name 'since', 'within' or both")
        if self.since is None and {"entry_year", "entry_month"} & {*self.within}:
            raise ValueError("within: entry_year and entry_month need 'since'")
        if len(set(self.within)) < len(self.within):
            raise ValueError("within: a name is there twice")
        if isinstance(self.since, Event) and self.since.diagnosis == REGION_OF_INDEX:
            raise ValueError(f"since: {REGION_OF_INDEX} belongs to criteria only")
        return self


class Arm(Strict):
    """How a person comes into one arm.

    ``source: program`` takes the start of a programme from the roster; ``source: claims`` the first service
    of ``procedures`` (a shipped list by name, or code rules such as ``97010-97799``), or the first line with a
    ``diagnosis``, or where both are named the first service with such a diagnosis on its line, its claim or its day
    (``together``); ``source: drug`` the first fill of the drug list ``drug``, which has no body region;
    ``source: assigned`` a day drawn for each enrolled person, by a hash, from the index days of the eligible treated,
    or as ``draw`` says.
    ``pick`` says what the index is when there are several: the first in the index window, or the first in
    all the data, which then has to fall in the window.
    ``nth``: the events of a person's first ``nth`` - 1 days with one do not count. ``landmark_days``: the index is so
    many days after the event, for exposures that take time to show. ``exposure``: of those whose event was picked
    only people with, or without, something in days after it belong to the arm.
    """

    LATER: ClassVar[tuple[str, ...]] = ("diagnosis", "together", "exposure", "draw")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    source: Literal["program", "claims", "drug", "assigned"]
    program: str | None = None
    procedures: str | list[str] | None = None
    diagnosis: DiagnosisGroup | list[DiagnosisRule] | None = None
    together: Literal["line", "claim", "day"] = "claim"
    exposure: Exposure | None = None
    drug: str | None = None
    draw: Draw | None = None
    nth: Annotated[int, Field(ge=1, le=1000)] = 1
    landmark_days: Days = 0
    require_region: bool = True
    pick: Literal["first_in_window", "first_ever"] = "first_in_window"

    @model_validator(mode="after")
    def _source_is_told(self) -> Self:
        if self.source == "claims" and not (self.procedures or self.diagnosis):
            raise ValueError("procedures: an arm with source 'claims' needs a code list here or in 'diagnosis'")
        if self.source != "claims" and (self.procedures or self.diagnosis):
            key = "procedures" if self.procedures else "diagnosis"
            raise ValueError(f"{key}: an arm with source '{self.source}' takes none")
        if self.source != "program" and self.program:
            raise ValueError(f"program: an arm with source '{self.source}' takes none")
        if (self.source == "drug") != (self.drug is not None):
            raise ValueError("drug: an arm with source 'drug' names a drug list, and no other arm does")
        if self.source in ("drug", "assigned") and self.require_region:
            raise ValueError(f"require_region: {NO_REGION[self.source]} has no body region; set it to false")
        return self

    @model_validator(mode="after")
    def _parts_make_sense(self) -> Self:
        if self.diagnosis == REGION_OF_INDEX:
            raise ValueError(f"diagnosis: {REGION_OF_INDEX} belongs to criteria only")
        if self.together != "claim" and not (self.procedures and self.diagnosis):
            raise ValueError("together: needs both 'procedures' and 'diagnosis'")
        if self.source == "assigned" and (self.nth > 1 or self.landmark_days or self.exposure):
            raise ValueError("nth, landmark_days, exposure: a day that is assigned follows no event")
        if self.draw is not None and self.source != "assigned":
            raise ValueError("draw: only for source 'assigned'")
        return self


NO_REGION = {"drug": "a fill", "assigned": "a day that is assigned"}


class Arms(Strict):
    """The two arms, and what happens to people who could be in both.

    ``exclude_roster``: nobody with any programme start may be a comparator.
    ``first_arm_entered``: each person stays in the arm whose index comes first; same day, the treated arm. An
    index outside the index window does not compete with one inside.
    """

    treated: Arm
    comparator: Arm
    overlap: Literal["exclude_roster", "first_arm_entered"] = "exclude_roster"

    @model_validator(mode="after")
    def _roster_makes_sense(self) -> Self:
        if self.treated.name == self.comparator.name:
            raise ValueError("both arms have the same name")
        if self.treated.source == "assigned":
            raise ValueError("treated.source: only comparators are assigned a day, from the days of the treated")
        if self.overlap == "exclude_roster" and self.treated.source != "program":
            raise ValueError("overlap: 'exclude_roster' needs a treated arm with source 'program'")
        return self
