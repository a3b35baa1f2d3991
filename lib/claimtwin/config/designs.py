"""Other designs on the same candidates, told beside the match so that a reader sees whether the answer hangs on it."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from claimtwin.config.outcomes import Outcome
from claimtwin.config.strict import Strict

Method = Literal["stratification", "weights", "doubly_robust"]
EstimandName = Literal["att", "ate", "overlap"]
Share = Annotated[float, Field(ge=0, le=1)]


class OtherDesign(Strict):
    """One design that takes everybody eligible, and no twins.

    ``estimand``: of whom the effect is told: the treated (``att``), everybody (``ate``), or people of whom either arm
    could be expected (``overlap``, weights only). ``strata`` of the score, of equally many people of these;
    ``most_weight`` times its arm's mean is what no weight exceeds; ``trim`` are the lowest and the highest score that
    stay, both included.
    """

    method: Method
    estimand: EstimandName = "att"
    strata: Annotated[int, Field(ge=2, le=100)] | None = None
    most_weight: Annotated[float, Field(gt=1)] | None = None
    trim: tuple[Share, Share] | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = (
            (self.estimand == "overlap" and self.method != "weights", "estimand: overlap is for weights only"),
            (self.strata is not None and self.method != "stratification", "strata: only with stratification"),
            (self.most_weight is not None and self.method != "weights", "most_weight: only with weights"),
            (self.trim is not None and self.trim[0] >= self.trim[1], "trim: its first score is not below its second"),
        )
        if told := [fault for is_broken, fault in faults if is_broken]:
            raise ValueError("; ".join(told))
        return self


def design_faults(designs: Sequence[OtherDesign], outcomes: Sequence[Outcome]) -> list[str]:
    """Designs asked for where no outcome has a difference of means: they would say nothing, without a word."""
    if not designs or any(not outcome.over_time for outcome in outcomes):
        return []
    told = "other designs tell differences of what everybody is followed for to the end of the window"
    return [f"designs: every outcome is of kind 'rate' or 'time'; {told}"]
