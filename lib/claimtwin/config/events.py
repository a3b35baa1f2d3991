"""What may happen to a person on a day, as a protocol names it, and criteria and exposures made of it."""

from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from claimtwin.config.strict import Days, Strict

CareFamily = Literal["office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery"]
FAMILIES: tuple[CareFamily, ...] = get_args(CareFamily)
"""In the order of the columns that hold a column a family."""
Window = tuple[int, int]
DiagnosisGroup = Annotated[str, Field(pattern=r"^([a-z_]+\.[a-z_]+|code_lists\.[a-z0-9_]+)$")]
"""A shipped list and its group, as in ``conditions.opioid_overdose``, or a list of env.yaml, ``code_lists.<name>``."""
USER_LISTS = "code_lists."
"""What stands before the name of a list of env.yaml where diagnoses or procedures are named."""
DiagnosisRule = Annotated[str, Field(pattern=r"^(icd-10-cm:|icd-9-cm:)?[A-Za-z0-9.]+(-[A-Za-z0-9.]+)?$")]
"""A prefix or ``LOW-HIGH``; of ICD-10-CM where no system stands before it."""
REGION_OF_INDEX = "body_regions.of_index"
"""In place of a group: the body region that the person comes into the study with."""
ICD_10 = "icd-10-cm:"
Least = Annotated[int, Field(ge=1, le=10_000)]
Most = Annotated[int, Field(ge=0, le=10_000)]


class EventKey(NamedTuple):
    """What an event is called among the claims of a block: its kind, and the text of its list."""

    kind: Literal["drug", "care", "procedures", "diagnosis"]
    codes: str


class Event(Strict):
    """One kind of event; exactly one of the keys is named.

    ``drug``: a dispensing of a drug list. ``care``: a day with care of a family. ``procedures``: a day with a service
    of a shipped list, or of code rules. ``diagnosis``: a day with a diagnosis, in any position, of a shipped list and
    group, or of rules (prefixes of ICD-10-CM, or ``icd-9-cm:724``). Both may name a list of env.yaml by concept id.
    """

    drug: str | None = None
    care: CareFamily | None = None
    procedures: str | list[str] | None = None
    diagnosis: DiagnosisGroup | list[DiagnosisRule] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        named = (self.drug, self.care, self.procedures, self.diagnosis)
        if sum(bool(kind) for kind in named) != 1:
            raise ValueError("name exactly one of 'drug', 'care', 'procedures' and 'diagnosis'")
        return self

    @property
    def key(self) -> EventKey:
        """Name of the event among the claims."""
        if self.drug:
            return EventKey("drug", self.drug)
        if self.care:
            return EventKey("care", self.care)
        if self.procedures:
            return EventKey("procedures", procedures_key(self.procedures))
        return EventKey("diagnosis", diagnosis_key(self.diagnosis or ""))


class Counted(Event):
    """An event and how often it must, or may, happen; with neither bound it must not happen at all.

    Dispensings are counted one by one, all else by days.
    """

    least: Least | None = None
    most: Most | None = None

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is above most")
        return self

    @property
    def bounds(self) -> tuple[int, int | None]:
        """Fewest and most events that pass; null: no upper bound."""
        if self.least is None and self.most is None:
            return 0, 0
        return self.least or 0, self.most


class Criterion(Counted):
    """A rule of who may enter: a clean period, an exclusion with its look-back, or events that must have been.

    ``window`` is about the index day and ends by it: what lies later would choose people by their future.
    ``apart_days``: the first and the last event in the window lie at least so many days apart (needs ``least`` 2).
    ``body_regions.of_index`` stands for the region that the person comes in with; without one nothing counts.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str = ""
    window: Window
    apart_days: Days = 0

    @model_validator(mode="after")
    def _window_is_past(self) -> Self:
        if self.window[0] > self.window[1]:
            raise ValueError("window: its first day lies after its last day")
        if self.window[1] > 0:
            raise ValueError("window: a criterion must not look past the index day (0)")
        if self.apart_days and (self.least or 0) < 2:
            raise ValueError("apart_days: needs 'least' of 2 or more")
        return self

    @property
    def proves_absence(self) -> bool:
        """Whether it asks that something did not happen, which only an observed window can show."""
        return self.bounds[1] is not None


class Exposure(Counted):
    """What a person had, or had not, from the event of an arm on: ``window`` in days after that event."""

    window: Window

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if not 0 <= self.window[0] <= self.window[1]:
            raise ValueError("window: days after the arm's event, first and last")
        if self.diagnosis == REGION_OF_INDEX:
            raise ValueError(f"diagnosis: {REGION_OF_INDEX} belongs to criteria only")
        return self


def user_list(rule: str | list[str] | None) -> str | None:
    """Name of the list of env.yaml that a rule of diagnoses or procedures asks for; null for any other rule."""
    return rule.removeprefix(USER_LISTS) if isinstance(rule, str) and rule.startswith(USER_LISTS) else None


def procedures_key(rule: str | list[str]) -> str:
    """A list by its name, rules joined; equal rules give equal keys."""
    return rule if isinstance(rule, str) else "|".join(rule)


def diagnosis_key(rule: str | list[str]) -> str:
    """A list and group by its name; own rules joined, each with its system."""
    if isinstance(rule, str):
        return rule
    return "|".join(text if ":" in text else ICD_10 + text for text in rule)
