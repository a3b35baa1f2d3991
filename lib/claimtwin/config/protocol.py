"""The scientific protocol, ``study.yaml``: what is asked of the data, and nothing about where the data lie.

Every window is in whole days relative to the index date (day 0); both ends belong to the window.
Unknown keys are refused; contradictions are refused before Spark starts, all at once.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from claimtwin.config.analysis import Balance, Gates, Models, Power, Sensitivity, Subgroup, subgroup_faults
from claimtwin.config.arms import Arm, Arms, Draw
from claimtwin.config.designs import OtherDesign, design_faults
from claimtwin.config.events import REGION_OF_INDEX, Criterion, Event, user_list
from claimtwin.config.grid import grid_faults
from claimtwin.config.histories import Histories
from claimtwin.config.matching import Matching
from claimtwin.config.measures import OF_BENZODIAZEPINES
from claimtwin.config.outcomes import Outcome as Outcome
from claimtwin.config.outcomes import follow_up_faults
from claimtwin.config.score import ON_REQUEST, Covariate, Score
from claimtwin.config.strict import Days, Strict
from claimtwin.config.timing import Landmark, Placebo, after_landmark, free_outcomes, timing_faults

CRITERIA = (
    "index_drawn", "index_in_window", "age", "enrolled_before", "enrolled_after", "washout", "demographics_known",
    "one_arm", "landmark", "candidates",
)  # fmt: skip
"""Names of the criteria that a study has without naming them, and of the step before all."""
Region = Literal["back", "neck", "shoulder", "hip", "knee"]


class Study(Strict):
    """Who the study is, and when people may enter it.

    ``index_window`` holds the first and the last day on which an index date may fall.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    label: str = ""
    index_window: tuple[date, date]
    seed: int = 20230727

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.index_window[0] > self.index_window[1]:
            raise ValueError("index_window: its first day lies after its last day")
        return self


class Population(Strict):
    """Age in completed years at index, both bounds included; null means no bound."""

    age_min: Annotated[int, Field(ge=0, le=120)] | None = 18
    age_max: Annotated[int, Field(ge=0, le=120)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.age_min is not None and self.age_max is not None and self.age_min > self.age_max:
            raise ValueError("age_min is above age_max")
        return self


class Enrollment(Strict):
    """Continuous enrolment: every day from ``pre_days`` before to ``post_days`` after index is covered.

    A stretch of at most ``max_gap_days`` uncovered days between two spans counts as covered. With ``post_mode``
    ``censor`` the index day itself must be covered and nothing after it: people are followed until cover ends.
    ``until_death``: who dies in the ``post_days`` must be covered until death only, instead of being left out.
    With ``granularity`` ``month`` a calendar month with a covered day counts as covered whole.
    """

    LATER: ClassVar[tuple[str, ...]] = ("post_mode", "until_death", "granularity")

    pre_days: Days = 365
    post_days: Days = 365
    max_gap_days: Days = 0
    benefits: Annotated[list[Literal["medical", "pharmacy"]], Field(min_length=1)] = ["medical", "pharmacy"]
    post_mode: Literal["require", "censor"] = "require"
    until_death: bool = False
    granularity: Literal["day", "month"] = "day"

    @model_validator(mode="after")
    def _death_is_said_once(self) -> Self:
        if self.until_death and self.post_mode == "censor":
            raise ValueError("until_death: with post_mode 'censor' everybody is followed until death anyway")
        return self


class Washout(Strict):
    """No dispensing of the listed drugs in the ``days`` before index (the naive rule)."""

    codes: str = "opioid"
    days: Annotated[int, Field(ge=1, le=36_525)] = 365
    include_index_day: bool = False


class Published(Strict):
    """A figure of the publication that a report sets beside ours."""

    outcome: str
    measure: Literal["odds_ratio", "difference_per_scale"]
    estimate: float
    low: float
    high: float
    text: str


class Assumption(Strict):
    """A choice that a reader may dispute: where it comes from, and what else it could have been."""

    key: str
    origin: Literal["stated in the abstract", "our choice"]
    alternatives: str = ""


class Protocol(Strict):
    """A whole study; see the parts. ``regions`` empty switches body regions off.

    ``describe_candidates`` also counts the outcomes of all who met the criteria, arms apart and before matching.
    Off by default: then nobody sees an outcome before the match stands.
    ``designs`` are others on the same candidates; with any, outcomes of all eligible are counted, after the match.
    """

    LATER: ClassVar[tuple[str, ...]] = ("criteria", "designs", "balance", "landmark", "placebo")

    study: Study
    population: Population = Population()
    enrollment: Enrollment | None = Enrollment()
    arms: Arms
    regions: list[Region] = ["back", "neck", "shoulder", "hip", "knee"]
    washout: Washout | None = Washout()
    criteria: Annotated[list[Criterion], Field(max_length=40)] = []
    score: Score
    matching: Matching = Matching()
    outcomes: Annotated[list[Outcome], Field(min_length=1)]
    landmark: Landmark | None = None
    placebo: Placebo | None = None
    describe_candidates: bool = False
    designs: list[OtherDesign] = []
    adjust: list[Covariate] = []
    models: Models = Models()
    balance: Balance = Balance()
    sensitivity: Sensitivity = Sensitivity()
    power: Power = Power()
    subgroups: list[Subgroup] = []
    gates: Gates = Gates()
    published: list[Published] = []
    assumptions: list[Assumption] = []
    histories: Histories | None = None

    @model_validator(mode="after")
    def _windows_agree(self) -> Self:
        faults = [
            *self._region_faults(),
            *self._window_faults(),
            *self._name_faults(),
            *self._match_faults(),
            *self._history_faults(),
            *self._criterion_faults(),
            *follow_up_faults(self.followed(), self.arm_list(), censored=self.censored),
            *timing_faults(self.outcomes, self.landmark, self.placebo),
            *subgroup_faults(self.subgroups, get_args(Covariate)),
            *design_faults(self.designs, self.outcomes),
        ]
        if faults := faults or grid_faults(self, self.sensitivity.grid, Protocol._unshared):
            raise ValueError("; ".join(faults))
        return self

    def _unshared(self, variant: "Protocol") -> list[str]:
        """What a variant of a grid cannot have, because variants share their stages and stand in one table."""
        counted = [(o.name, o.over_time) for o in variant.outcomes]
        if counted != [(o.name, o.over_time) for o in self.outcomes]:
            return ["outcomes: those of the study, in its order, over time where they are there"]
        return []

    def _history_faults(self) -> list[str]:
        asked = self.histories or Histories()
        measured = [o for o in self.outcomes if o.measure]
        faults = []
        if (asked.supply or measured) and not asked.fills:
            faults.append("histories.fills is not set, and runs of supply and measures are made of fills")
        if not asked.benzodiazepines and any(o.measure in OF_BENZODIAZEPINES for o in measured):
            faults.append("histories.benzodiazepines: a measure needs this product list")
        return faults

    def _region_faults(self) -> list[str]:
        if self.regions:
            return []
        faults = [f"arms.{a.name}.require_region: regions are off" for a in self.arm_list() if a.require_region]
        if "body_region" in self.matching.block_keys:
            faults.append("matching.block_keys: body_region, but regions are off")
        named = {*self.score.covariates, *self.adjust, *(rule.by for rule in self.subgroups)}
        return faults + (["covariates: body_region, but regions are off"] if "body_region" in named else [])

    def _window_faults(self) -> list[str]:
        if self.enrollment is None:
            return []
        faults = []
        clean = [-rule.window[0] for rule in self.criteria if rule.proves_absence]
        clean += [o.lookback_days for o in self.outcomes]
        measured = max(self.score.lookback_days, -self.score.comorbidity_days[0])
        before = max([measured, self.washout.days if self.washout else 0, *clean])
        if before > self.enrollment.pre_days:
            faults.append(f"enrollment.pre_days is shorter than the longest look-back ({before} days)")
        after = max(o.last_day for o in self.outcomes)
        if after > self.enrollment.post_days and not self.censored:
            faults.append(f"enrollment.post_days is shorter than the longest outcome window ({after} days)")
        return faults

    def _name_faults(self) -> list[str]:
        names = [o.name for o in self.outcomes]
        faults = [f"outcomes: '{n}' is named twice" for n in sorted({n for n in names if names.count(n) > 1})]
        unknown = sorted({p.outcome for p in self.published} - set(names))
        binary = {o.name for o in self.outcomes if o.kind == "binary"}
        named = {"negative_controls": self.sensitivity.negative_controls, "expected_risk": self.power.expected_risk}
        faults += [f"published: no outcome is called '{name}'" for name in unknown]
        unmeasured = {*ON_REQUEST} - {*self.score.covariates}
        faults += [
            f"{key}: '{name}' is measured only where score.covariates names it"
            for key, read in (("adjust", self.adjust), ("subgroups", [rule.by for rule in self.subgroups]))
            for name in read
            if name in unmeasured
        ]
        return faults + [
            f"{key}: no yes-no outcome is called '{name}'"
            for key, names in named.items()
            for name in names
            if name not in binary
        ]

    def _criterion_faults(self) -> list[str]:
        names = [rule.name for rule in self.criteria]
        faults = [f"criteria: '{n}' is named twice" for n in sorted({n for n in names if names.count(n) > 1})]
        faults += [f"criteria: '{n}' is a criterion of every study" for n in names if n in CRITERIA]
        if not self.regions and any(rule.diagnosis == REGION_OF_INDEX for rule in self.criteria):
            faults.append(f"criteria: {REGION_OF_INDEX}, but regions are off")
        return faults

    def _match_faults(self) -> list[str]:
        """What can be matched, but not be made a study of yet."""
        if self.matching.replace:
            return ["matching.replace: a study is without replacement, since its errors let each person be in one set"]
        return []

    def arm_list(self) -> tuple[Arm, Arm]:
        """Return the treated and the comparator arm, in this order."""
        return self.arms.treated, self.arms.comparator

    @property
    def censored(self) -> bool:
        """Whether people are followed until cover ends, and not chosen by it."""
        return self.enrollment is not None and self.enrollment.post_mode == "censor"

    def events(self) -> list[Event]:
        """Every event that outcomes, criteria, exposures and draws are made of, in this order, equal ones again."""
        exposures = [arm.exposure for arm in self.arm_list() if arm.exposure]
        since = [self.draw.since] if self.draw and isinstance(self.draw.since, Event) else []
        around = [o.except_around for o in self.outcomes if o.except_around]
        return [*(o.event for o in self.outcomes if o.event), *self.criteria, *exposures, *since, *around]

    @property
    def draw(self) -> Draw | None:
        """How days are drawn for people without an event, where more is asked than one of the treated's days."""
        return self.arms.comparator.draw

    def followed(self) -> list[Outcome]:
        """The outcomes with the windows in which they are counted."""
        return [after_landmark(outcome, self.landmark) for outcome in self.outcomes]

    def free_of(self) -> list[Outcome]:
        """Outcomes that nobody may have had by the landmark; none where there is no landmark."""
        asked, controls = self.landmark, self.sensitivity.negative_controls
        return [] if asked is None else free_outcomes(asked, self.outcomes, controls)

    def drug_lists(self) -> list[str]:
        """Return the names of the drug lists that the study needs, sorted."""
        named = {event.drug for event in self.events() if event.drug} | (
            {self.washout.codes} if self.washout else set()
        )
        named |= {arm.drug for arm in self.arm_list() if arm.drug}
        named |= set(self.score.drug_classes)
        return sorted(named)

    def user_lists(self) -> list[str]:
        """Return the names of the lists of env.yaml that diagnoses and procedures are told by, sorted."""
        events, arms = self.events(), self.arm_list()
        diagnoses = [*(event.diagnosis for event in events), *(arm.diagnosis for arm in arms), *self.score.diagnoses]
        services = [*(event.procedures for event in events), *(arm.procedures for arm in arms)]
        return sorted({name for rule in (*diagnoses, *services) if (name := user_list(rule))})

    def product_lists(self) -> list[str]:
        """Return the names of the product lists that the histories need, sorted."""
        asked = self.histories or Histories()
        named = {asked.fills.products if asked.fills else None, asked.benzodiazepines}
        return sorted(name for name in named if name)
