"""How people come into the two arms of a study. Part of ``study.yaml``."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from claimtwin.config.strict import Days, Strict


class Arm(Strict):
    """How a person comes into one arm.

    ``source: program`` takes the start of a programme from the roster; ``source: claims`` the first service
    of ``procedures`` (a shipped list by name, or code rules such as ``97010-97799``); ``source: drug`` the first fill
    of the drug list ``drug``, which has no body region.
    ``pick`` says what the index is when there are several: the first in the index window, or the first in
    all the data, which then has to fall in the window.
    ``nth``: the events of a person's first ``nth`` - 1 days with one do not count. ``landmark_days``: the index is so
    many days after the event, for exposures that take time to show.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    source: Literal["program", "claims", "drug"]
    program: str | None = None
    procedures: str | list[str] | None = None
    drug: str | None = None
    nth: Annotated[int, Field(ge=1, le=1000)] = 1
    landmark_days: Days = 0
    require_region: bool = True
    pick: Literal["first_in_window", "first_ever"] = "first_in_window"

    @model_validator(mode="after")
    def _source_is_told(self) -> Self:
        if self.source == "claims" and not self.procedures:
            raise ValueError("procedures: an arm with source 'claims' needs a code list")
        if self.source != "claims" and self.procedures:
            raise ValueError(f"procedures: an arm with source '{self.source}' takes none")
        if self.source != "program" and self.program:
            raise ValueError(f"program: an arm with source '{self.source}' takes none")
        if (self.source == "drug") != (self.drug is not None):
            raise ValueError("drug: an arm with source 'drug' names a drug list, and no other arm does")
        if self.source == "drug" and self.require_region:
            raise ValueError("require_region: a fill has no body region; set it to false")
        return self


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
        if self.overlap == "exclude_roster" and self.treated.source != "program":
            raise ValueError("overlap: 'exclude_roster' needs a treated arm with source 'program'")
        return self
