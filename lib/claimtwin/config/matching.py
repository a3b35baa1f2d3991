"""How a protocol asks for a match; contradictions are refused before Spark starts."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from claimtwin.config.score import Number
from claimtwin.config.strict import Strict

BlockKey = Literal["body_region", "census_region", "employer_id", "index_month"]
Order = Literal["largest", "smallest", "data", "random", "closest", "farthest", "maximum"]

PER_BLOCK = (
    "calipers are in standard deviations of each block: blocks of small spread get narrow calipers, and the match is "
    "no longer that of MatchIt's exact= with std.caliper, whose standard deviations are those of all units"
)
"""What somebody has to know who asks for calipers in a block's own spread."""


class Matching(Strict):
    """Nearest neighbour inside blocks; without a word more 1:1, without replacement, on the logit, largest first.

    ``caliper_sd`` is in standard deviations of the logit over all candidates in the match; null, no caliper. With
    ``caliper_sd_of: block`` they are those of each block by itself.
    ``covariate_calipers`` are in the covariate's own unit, inclusive; a negative one is the least difference.
    ``distance: mahalanobis`` is measured on ``distance_covariates``, their covariance pooled within the arms, among
    those whom the calipers allow. ``ratio``, ``floor``, ``replace`` and ``max_reuse``: see ``kernel.matching``.
    """

    order: Order = "largest"
    ratio: Annotated[int, Field(ge=1)] = 1
    floor: Annotated[int, Field(ge=1)] = 1
    replace: bool = False
    max_reuse: Annotated[int, Field(ge=1)] | None = None
    distance: Literal["score", "mahalanobis"] = "score"
    distance_covariates: list[Number] = []
    caliper_sd: Annotated[float, Field(gt=0)] | None = 0.2
    caliper_sd_of: Literal["all", "block"] = "all"
    covariate_calipers: dict[Number, Annotated[float, Field(allow_inf_nan=False)]] = {}
    block_keys: list[BlockKey] = ["body_region"]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        named = self.distance_covariates
        plain = self.distance == "score" and not self.covariate_calipers and self.ratio == 1 and not self.replace
        faults = (
            (self.floor > self.ratio, "floor: above ratio, so that nobody could be matched"),
            (self.max_reuse is not None and not self.replace, "max_reuse: only with replace"),
            (self.distance == "mahalanobis" and not named, "distance_covariates: mahalanobis needs at least one"),
            (self.distance == "score" and bool(named), "distance_covariates: only with distance mahalanobis"),
            (len(set(named)) < len(named), "distance_covariates: one is named twice"),
            (
                self.per_block and (self.caliper_sd is None or not self.block_keys),
                "caliper_sd_of: block needs a caliper_sd and block_keys",
            ),
            (self.order == "maximum" and self.caliper_sd is None, "order: maximum needs a caliper_sd"),
            (
                self.order == "maximum" and not plain,
                "order: maximum is 1:1, without replacement, on the score, without covariate_calipers",
            ),
        )
        if told := [fault for is_broken, fault in faults if is_broken]:
            raise ValueError("; ".join(told))
        return self

    @model_serializer(mode="wrap")
    def _leave_unsaid(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """All keys; ``caliper_sd_of`` only where it changes the match, so that other results keep their bytes."""
        told: dict[str, Any] = write(self)
        if not self.per_block:
            told.pop("caliper_sd_of", None)
        return told

    @property
    def per_block(self) -> bool:
        """Whether each block has a caliper of its own."""
        return self.caliper_sd_of == "block"
