"""The propensity model of a protocol: covariates, terms of a whitelist, penalty, and what happens to bad columns."""

from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from claimtwin.config.events import DiagnosisGroup
from claimtwin.config.strict import Strict

Number = Literal[
    "age",
    "office_visits",
    "emergency_visits",
    "therapy_visits",
    "chiropractic_visits",
    "imaging_visits",
    "injection_visits",
    "surgery_visits",
    "log_allowed",
    "comorbidity_count",
]
"""Covariates of every study that are numbers: what a distance and a caliper can be measured in."""
Covariate = Literal[
    Number,
    "sex",
    "census_region",
    "body_region",
    "charlson_points",
    "van_walraven_points",
    "van_walraven_refined_points",
    "ahrq_mortality_points",
    "ahrq_readmission_points",
    "index_month",
    "pandemic_phase",
    "office_lines",
    "emergency_lines",
    "therapy_lines",
    "chiropractic_lines",
    "imaging_lines",
    "injection_lines",
    "surgery_lines",
    "office_units",
    "emergency_units",
    "therapy_units",
    "chiropractic_units",
    "imaging_units",
    "injection_units",
    "surgery_units",
    "office_log_allowed",
    "emergency_log_allowed",
    "therapy_log_allowed",
    "chiropractic_log_allowed",
    "imaging_log_allowed",
    "injection_log_allowed",
    "surgery_log_allowed",
]
CATEGORIES = ("sex", "census_region", "body_region", "index_month", "pandemic_phase")
"""Covariates that a person is one of, and not a number."""
ON_REQUEST = tuple(
    name
    for name in get_args(Covariate)
    if name == "pandemic_phase" or name.endswith(("_points", "_lines", "_units", "_log_allowed"))
)
"""Covariates that are measured only where ``score.covariates`` names them."""
CodeKind = Literal["diagnosis", "procedure", "drug"]
Knots = Annotated[int, Field(ge=3, le=7)]


class Penalty(Strict):
    """L1 and L2 on the slopes, in standard deviations of their columns; see ``stats.penalised``.

    ``strength`` null: of ``strengths`` on a path from the least that leaves every slope at 0 down to ``reach`` of it,
    the one that ``rule`` chooses by the deviance of left-out people, in ``folds`` told by a hash of the person.
    """

    l1_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    strength: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    strengths: Annotated[int, Field(ge=2, le=200)] = 50
    reach: Annotated[float, Field(gt=0, lt=1)] = 0.001
    folds: Annotated[int, Field(ge=2, le=100)] = 10
    rule: Literal["min", "one_se"] = "min"


class DataDriven(Strict):
    """Covariates chosen from the data: of each kind the ``top`` code groups that most candidates have before index.

    A diagnosis group is the first three characters of a code, a procedure group a HCPCS code, a drug group the first
    nine digits of an NDC. Chosen among all who met the criteria, arms together, without outcomes; a group that fewer
    than ``least`` of them have, or lack, is not. The high-dimensional propensity score without its ranking by bias.
    """

    top: Annotated[int, Field(ge=1, le=1000)] = 200
    kinds: Annotated[list[CodeKind], Field(min_length=1)] = ["diagnosis", "procedure", "drug"]
    least: Annotated[int, Field(ge=1)] = 100


class Score(Strict):
    """The propensity model; whose groups ``comorbidity_count`` counts.

    Main effects of ``covariates``, of fills by ``drug_classes`` (lists of env.yaml), of ``diagnoses`` (a shipped list
    and its group) and of ``data_driven`` code groups. ``comorbidity_positions`` are those in which a diagnosis counts
    for ``comorbidity_count``, points and ``diagnoses``, with the first one or without, and ``comorbidity_window`` its
    days, null for those of ``lookback_days``. Restricted cubic ``splines`` with so many knots; products of two
    covariates in ``interactions``. ``penalty`` null: maximum likelihood. ``on_fault`` says what happens to a column
    that is missing, constant, collinear, rare (fewer than ``min_level`` people with or without a level) or separates
    the arms.
    """

    LATER: ClassVar[tuple[str, ...]] = (
        "comorbidity_positions", "comorbidity_window", "drug_classes", "diagnoses", "data_driven", "splines",
        "interactions", "penalty", "on_fault", "min_level",
    )  # fmt: skip

    covariates: Annotated[list[Covariate], Field(min_length=1)]
    lookback_days: Annotated[int, Field(ge=1, le=36_525)] = 365
    comorbidities: Literal["charlson", "elixhauser", "elixhauser_refined"] = "charlson"
    comorbidity_positions: Literal["any", "secondary"] = "any"
    comorbidity_window: tuple[int, int] | None = None
    drug_classes: list[str] = []
    diagnoses: list[DiagnosisGroup] = []
    data_driven: DataDriven | None = None
    splines: dict[Covariate, Knots] = {}
    interactions: list[tuple[Covariate, Covariate]] = []
    penalty: Penalty | None = None
    on_fault: Literal["stop", "drop"] = "stop"
    min_level: Annotated[int, Field(ge=0)] = 0

    @property
    def is_plain(self) -> bool:
        """Whether it is the unpenalised main effects of covariates that every study measures."""
        said = self.model_dump(mode="json")
        return not (set(said) & set(self.LATER) or set(self.covariates) & set(ON_REQUEST))

    def measured(self) -> tuple[str, ...]:
        """Names of the covariates of ``drug_classes``, then of ``diagnoses``."""
        fills = (f"fills_of_{name}" for name in self.drug_classes)
        return (*fills, *(f"has_{name.replace('.', '_')}" for name in self.diagnoses))

    @property
    def comorbidity_days(self) -> tuple[int, int]:
        """First and last day, relative to the index, on which a diagnosis counts; both included."""
        return self.comorbidity_window or (-self.lookback_days, -1)

    def points(self) -> tuple[str, ...]:
        """Names of the lists of points that covariates are made of."""
        return tuple(name.removesuffix("_points") for name in self.covariates if name.endswith("_points"))

    @model_validator(mode="after")
    def _before_index(self) -> Self:
        first, last = self.comorbidity_days
        if not -36_525 <= first <= last <= 0:
            raise ValueError("comorbidity_window: its days must be in order and not after the index")
        return self

    @model_validator(mode="after")
    def _once(self) -> Self:
        twice = sorted({c for c in self.covariates if self.covariates.count(c) > 1})
        if twice:
            raise ValueError(f"covariates named twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _of_covariates(self) -> Self:
        faults = [f"splines: '{name}' is no covariate" for name in self.splines if name not in self.covariates]
        faults += [f"splines: '{name}' is no number" for name in self.splines if name in CATEGORIES]
        for key, named in (("drug_classes", self.drug_classes), ("diagnoses", self.diagnoses)):
            faults += [f"{key}: '{name}' is named twice" for name in sorted({n for n in named if named.count(n) > 1})]
        seen: set[frozenset[str]] = set()
        for pair in self.interactions:
            faults += [f"interactions: '{name}' is no covariate" for name in pair if name not in self.covariates]
            if pair[0] == pair[1]:
                faults.append(f"interactions: '{pair[0]}' with itself; use a spline")
            elif frozenset(pair) in seen:
                faults.append(f"interactions: {pair[0]} with {pair[1]} is named twice")
            seen.add(frozenset(pair))
        if faults:
            raise ValueError("; ".join(faults))
        return self
