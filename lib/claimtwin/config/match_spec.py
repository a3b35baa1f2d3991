"""What is asked of a match of somebody's own units: the options of ``claimtwin match`` and of ``claimtwin.match``.

Both read the same words (``score=0.2sd``, ``mahalanobis:x1,x2``) into one frozen ``MatchSpec``; all faults are told
at once, before any data are read.
"""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Annotated, Any, Literal, Self, TypedDict, TypeVar

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from claimtwin.config.load import explain
from claimtwin.config.matching import Order
from claimtwin.config.strict import Strict
from claimtwin.errors import ConfigError

Value = TypeVar("Value")
SCORE = "score"
ALL = "all"
Name = Annotated[str, Field(min_length=1)]
Names = tuple[Name, ...]
_WIDTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(sd|SD)?")


class Distance(Strict):
    """What nearness is measured on: the score, or covariates; written ``mahalanobis:x1,x2``."""

    kind: Literal["score", "mahalanobis", "euclidean"] = "score"
    columns: Names = ()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        kind, _, columns = value.partition(":")
        return {"kind": kind.strip(), "columns": _split(columns)}

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        if (self.kind == "score") == bool(self.columns):
            raise ValueError("write score, mahalanobis:x1,x2 or euclidean:x1,x2")
        return self


class Caliper(Strict):
    """The farthest that twins may be apart in one column; written ``age=5`` or ``score=0.2sd``.

    ``width`` is in units of the column, or with ``in_sd`` in standard deviations (n - 1). Its end is included. A
    negative width of a covariate is the least that twins have to be apart.
    """

    column: Name
    width: float
    in_sd: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        column, _, width = value.rpartition("=")
        read = _WIDTH.fullmatch(width.strip())
        if not column.strip() or not read:
            raise ValueError("write COLUMN=WIDTH or COLUMN=WIDTHsd, as in score=0.2sd or age=5")
        return {"column": column.strip(), "width": float(read[1]), "in_sd": bool(read[2])}

    @model_validator(mode="after")
    def _is_a_width(self) -> Self:
        if not isfinite(self.width) or self.width == 0:
            raise ValueError(f"the caliper on {self.column} is no width; for equal values name the column in exact")
        return self


class MatchSpec(Strict):
    """The whole of what is asked; see docs/matching.md for each option.

    Attributes:
        id, treated, score: Columns of the units. ``treated`` holds 0/1 or false/true. Without ``score`` the distance
            is one of covariates.
        link: ``logit`` if the score is a probability and distances are to be taken on its logit.
        distance: See ``Distance``; an empty list of columns means the score.
        exact: Twins agree in all of these; each combination is a block.
        anti_exact: Twins differ in every one of these.
        caliper: See ``Caliper``; ``score`` is the score on its link, whatever its column is called.
        caliper_sd: Whose standard deviations calipers are in: those of all units, or of each block by itself.
        ratio: Most twins of one treated.
        floor: Treated with fewer twins than this lose them.
        replace, max_reuse: Whether a control may be the twin of several; of how many at most, null for no limit.
        order: Who chooses first; null is ``largest``, or ``data`` where there is no score.
        discard: The arms that lose who lies outside the other arm's range of scores, before the match.
        cap: Most people of each arm in the match: those with the smallest tie keys, within support; null for all.
        tie: Column whose smaller value wins ties; null, a hash of seed and id.
        null_block: Whether missing values of ``exact`` and ``anti_exact`` are refused or a value of their own.
        covariates: Columns of the balance table; ``all`` for every column; null, the columns named above.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    id: Name
    treated: Name
    score: Name | None = None
    link: Literal["none", "logit"] = "none"
    distance: Distance = Distance()
    exact: Names = ()
    anti_exact: Names = ()
    caliper: tuple[Caliper, ...] = ()
    caliper_sd: Literal["all", "per_block"] = "all"
    ratio: Annotated[int, Field(ge=1)] = 1
    floor: Annotated[int, Field(ge=1)] = 1
    replace: bool = False
    max_reuse: Annotated[int, Field(ge=1)] | None = None
    order: Order | None = None
    discard: Literal["none", "treated", "control", "both"] = "none"
    cap: Annotated[int, Field(ge=1)] | None = None
    tie: Name | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    null_block: Literal["refuse", "own"] = "refuse"
    covariates: Literal["all"] | Names | None = None

    @field_validator("exact", "anti_exact", mode="before")
    @classmethod
    def _read_names(cls, value: Any) -> Any:
        return _split(value)

    @field_validator("covariates", mode="before")
    @classmethod
    def _read_covariates(cls, value: Any) -> Any:
        return value if value is None or value == ALL else _split(value)

    @field_validator("caliper", mode="before")
    @classmethod
    def _read_calipers(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return tuple(f"{column}={width}" for column, width in value.items())
        return (value,) if isinstance(value, str) else value

    @field_validator("treated")
    @classmethod
    def _arm_is_no_id(cls, value: str, so_far: ValidationInfo) -> str:
        return _keep(value, value != so_far.data.get("id"), "the column of the id cannot say who is treated")

    @field_validator("link", "discard")
    @classmethod
    def _with_score(cls, value: str, so_far: ValidationInfo) -> str:
        return _keep(value, value == "none" or _has_score(so_far), f"{value} needs a score")

    @field_validator("distance")
    @classmethod
    def _score_for_distance(cls, value: Distance, so_far: ValidationInfo) -> Distance:
        return _keep(value, value.kind != "score" or _has_score(so_far), "name a score, or covariates to measure on")

    @field_validator("exact", "anti_exact")
    @classmethod
    def _once(cls, value: Names, so_far: ValidationInfo) -> Names:
        _keep(value, len(set(value)) == len(value), "a column is named twice")
        both = sorted(set(value) & set(so_far.data.get("exact", ())))
        return _keep(value, not both, f"twins cannot both agree and differ in {', '.join(both)}")

    @field_validator("caliper")
    @classmethod
    def _calipers_fit(cls, value: tuple[Caliper, ...], so_far: ValidationInfo) -> tuple[Caliper, ...]:
        score = so_far.data.get("score")
        value = tuple(c.model_copy(update={"column": SCORE}) if c.column == score else c for c in value)
        names = [c.column for c in value]
        _keep(value, len(set(names)) == len(names), "a column has two calipers")
        on_score = [c.width for c in value if c.column == SCORE]
        _keep(value, not on_score or _has_score(so_far), "a caliper on the score needs a score")
        return _keep(value, min(on_score, default=1.0) > 0, "a caliper on the score is above 0")

    @field_validator("caliper_sd")
    @classmethod
    def _has_blocks(cls, value: str, so_far: ValidationInfo) -> str:
        in_sd = any(c.in_sd for c in so_far.data.get("caliper", (_SOME,)))
        kept = value == ALL or (in_sd and bool(so_far.data.get("exact", (SCORE,))))
        return _keep(value, kept, "per_block needs a caliper in sd, and exact columns that make blocks")

    @field_validator("floor")
    @classmethod
    def _within_ratio(cls, value: int, so_far: ValidationInfo) -> int:
        return _keep(value, value <= so_far.data.get("ratio", value), "at most ratio")

    @field_validator("max_reuse")
    @classmethod
    def _with_replacement(cls, value: int | None, so_far: ValidationInfo) -> int | None:
        return _keep(value, value is None or so_far.data.get("replace", True), "only with replace")

    @field_validator("order")
    @classmethod
    def _order_can_be_had(cls, value: Order | None, so_far: ValidationInfo) -> Order | None:
        _keep(value, value not in ("largest", "smallest", "maximum") or _has_score(so_far), f"{value} needs a score")
        plain = all((
            so_far.data.get("ratio", 1) == 1,
            not so_far.data.get("replace", False),
            so_far.data.get("distance", Distance()).kind == "score",
            not so_far.data.get("anti_exact", ()),
            [c.column for c in so_far.data.get("caliper", (_SOME,))] == [SCORE],
        ))  # fmt: skip
        rule = "maximum is 1:1, without replacement, on the score with a caliper on it, without anti-exact columns"
        return _keep(value, value != "maximum" or plain, rule)

    def score_caliper(self) -> Caliper | None:
        """The caliper on the score, if there is one."""
        return next((c for c in self.caliper if c.column == SCORE), None)

    def covariate_calipers(self) -> tuple[Caliper, ...]:
        """Calipers on other columns, as they were given."""
        return tuple(c for c in self.caliper if c.column != SCORE)

    def turn(self) -> Order:
        """The order, its default told."""
        return self.order or ("largest" if self.score else "data")

    def named(self) -> Names:
        """Columns that describe people: score, distance, calipers, exact, anti-exact; each once, in this order."""
        on_calipers = (c.column for c in self.covariate_calipers())
        named = (*([self.score] if self.score else []), *self.distance.columns, *on_calipers)
        return tuple(dict.fromkeys((*named, *self.exact, *self.anti_exact)))


class MatchOptions(TypedDict, total=False):
    """The options of ``claimtwin.match`` as keywords, in words or as values; meaning and defaults: ``MatchSpec``."""

    id: str
    treated: str
    score: str | None
    link: Literal["none", "logit"]
    distance: str
    exact: str | Iterable[str]
    anti_exact: str | Iterable[str]
    caliper: str | Iterable[str] | Mapping[str, str | float]
    caliper_sd: Literal["all", "per_block"]
    ratio: int
    floor: int
    replace: bool
    max_reuse: int | None
    order: Order | None
    discard: Literal["none", "treated", "control", "both"]
    cap: int | None
    tie: str | None
    seed: int
    null_block: Literal["refuse", "own"]
    covariates: str | Iterable[str] | None


def read_spec(options: Mapping[str, Any]) -> MatchSpec:
    """The options as one specification.

    Raises:
        ConfigError: Every option that is unknown, cannot be read, or contradicts another.
    """
    try:
        return MatchSpec.model_validate(dict(options))
    except ValidationError as error:
        faults = list(dict.fromkeys(explain(error, MatchSpec)))
    raise ConfigError(
        "The match cannot be made as asked; nothing was read.\n" + "\n".join(f"  - {fault}" for fault in faults),
        rule="docs/matching.md",
        remedy="correct these options; `claimtwin match --help` shows examples",
    )


_SOME = Caliper(column=SCORE, width=1.0, in_sd=True)


def _has_score(so_far: ValidationInfo) -> bool:
    """Whether a score is named; a faulty name counts, since its fault is told already."""
    return so_far.data.get("score", "") is not None


def _keep(value: Value, kept: bool, rule: str) -> Value:
    if not kept:
        raise ValueError(rule)
    return value


def _split(value: Any) -> Any:
    """Names from ``a,b``; anything else as it is."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",")) if value.strip() else ()
