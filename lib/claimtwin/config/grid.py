"""Variants of a study that are run beside it, to see whether the answer hangs on a choice."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from claimtwin.config.estimators import Estimator
from claimtwin.config.strict import Strict

ALONE: dict[str, Any] = {
    "models": {"binary": [], "count": []},
    "subgroups": [],
    "sensitivity": {},
    "designs": [],
    "describe_candidates": False,
}
"""What a variant is not asked for: it gives the main estimates alone."""
MAY_CHANGE = (
    "population",
    "criteria",
    "enrollment",
    "arms",
    "washout",
    "score",
    "matching",
    "outcomes",
    "adjust",
    "histories",
    "landmark",
    "placebo",
)
"""Parts of a protocol that a variant may change; the others are the study's own, or how it is told."""


class Variant(Strict):
    """One study that differs from the main one by ``change``: dotted keys and their values.

    An outcome is named: ``outcomes.any_opioid.window``. A whole part may be given, and null where it may be null.
    ``estimator``: the estimate that is told, where it is not the main one; alone it tells another one of the study.
    """

    LATER: ClassVar[tuple[str, ...]] = ("estimator",)

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str = ""
    change: dict[str, Any] = {}
    estimator: Estimator | None = None

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if not self.change and self.estimator is None:
            raise ValueError("change: name what differs, or an estimator")
        return self


Study = TypeVar("Study", bound=Strict)


def grid_faults(study: Study, grid: Sequence[Variant], unshared: Callable[[Study, Study], list[str]]) -> list[str]:
    """Variants named twice, that are no study that could be run, or for which ``unshared`` finds faults."""
    names = [variant.name for variant in grid]
    faults = [f"sensitivity.grid: '{n}' is named twice" for n in sorted({n for n in names if names.count(n) > 1})]
    if "main" in names:
        faults.append("sensitivity.grid: 'main' is the study itself")
    for variant in grid:
        try:
            told = unshared(study, variant_of(study, variant))
            faults += [f"sensitivity.grid.{variant.name}: {fault}" for fault in told]
        except ValueError as fault:
            faults.append(f"sensitivity.grid.{variant.name}: {_in_a_line(fault)}")
    return faults


def variant_of(study: Study, variant: Variant) -> Study:
    """The protocol of one variant: the study's with its changes, what it estimates alone, and no grid of its own.

    Raises:
        ValueError: The changes contradict each other or the study, or name what is not there.
    """
    values = study.model_dump(mode="json")
    draws = values["models"]["bootstrap_draws"]
    values |= ALONE if variant.estimator is None else ALONE | asked_of(variant.estimator, draws)
    return type(study).model_validate(changed(values, variant.change))


def asked_of(estimator: Estimator, draws: int) -> dict[str, Any]:
    """Parts of a protocol that ask for one estimator and no other."""
    design = estimator.design
    errors = [estimator.errors]
    named = {kind: [name] if name else [] for kind, name in (
        ("binary", estimator.binary), ("count", estimator.count), ("time", estimator.time))}  # fmt: skip
    drawn = draws if estimator.errors == "bootstrap_pair" else 0
    models = {**named, "errors": errors, "other_errors": errors, "bootstrap_draws": drawn}
    return {"models": models, "designs": [] if design is None else [design.model_dump(mode="json")]}


def changed(values: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A protocol as plain values, with the changes of one variant.

    Raises:
        ValueError: A key names no part that a variant may change, or no outcome of the study.
    """
    found = deepcopy(dict(values))
    for key, value in change.items():
        first, *rest = key.split(".")
        if first not in MAY_CHANGE:
            raise ValueError(f"'{key}' is not of {', '.join(MAY_CHANGE)}")
        if first == "outcomes" and rest:
            _put(_outcome(found, rest[0], key), rest[1:], value, key)
        else:
            _put(found, [first, *rest], value, key)
    return found


def _outcome(values: dict[str, Any], name: str, key: str) -> dict[str, Any]:
    for outcome in values["outcomes"]:
        if outcome["name"] == name:
            found: dict[str, Any] = outcome
            return found
    raise ValueError(f"'{key}': no outcome is called '{name}'")


def _put(values: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    if not path:
        raise ValueError(f"'{key}': name a key of the outcome")
    for step in path[:-1]:
        if values.get(step) is None:
            values[step] = {}
        values = values[step]
        if not isinstance(values, dict):
            raise ValueError(f"'{key}': '{step}' has no keys")
    values[path[-1]] = value


def _in_a_line(fault: ValueError) -> str:
    """What is wrong, without the lines that pydantic sets around it."""
    if isinstance(fault, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".removeprefix(": ") for e in fault.errors())
    return str(fault)
