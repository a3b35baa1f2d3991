"""The propensity model of a protocol: covariates, terms of a whitelist, penalty, and what happens to bad columns."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from claimtwin.config.matching import Number
from claimtwin.config.strict import Strict

Covariate = Literal[
    "age",
    "sex",
    "census_region",
    "body_region",
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


class Score(Strict):
    """The propensity model; whose groups ``comorbidity_count`` counts.

    Main effects of ``covariates``; restricted cubic ``splines`` with so many knots; products of two covariates in
    ``interactions``. ``penalty`` null: maximum likelihood. ``on_fault`` says what happens to a column that is
    missing, constant, collinear, rare (fewer than ``min_level`` people with or without a level) or separates the arms.
    """

    covariates: Annotated[list[Covariate], Field(min_length=1)]
    lookback_days: Annotated[int, Field(ge=1, le=36_525)] = 365
    comorbidities: Literal["charlson", "elixhauser"] = "charlson"
    splines: dict[Number, Knots] = {}
    interactions: list[tuple[Covariate, Covariate]] = []
    penalty: Penalty | None = None
    on_fault: Literal["stop", "drop"] = "stop"
    min_level: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _once(self) -> Self:
        twice = sorted({c for c in self.covariates if self.covariates.count(c) > 1})
        if twice:
            raise ValueError(f"covariates named twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _of_covariates(self) -> Self:
        faults = [f"splines: '{name}' is no covariate" for name in self.splines if name not in self.covariates]
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

    @model_serializer(mode="wrap")
    def _leave_unsaid(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The first three keys, and the others where they change the model, so that other results keep their bytes."""
        told: dict[str, Any] = write(self)
        asked = type(self).model_fields
        always = ("covariates", "lookback_days", "comorbidities")
        return {key: value for key, value in told.items() if key in always or getattr(self, key) != asked[key].default}
