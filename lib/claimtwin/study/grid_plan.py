"""Which stages the variants of a grid share: each distinct piece of work gets a number and is done once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claimtwin.config.estimators import Estimator
from claimtwin.config.grid import variant_of
from claimtwin.config.protocol import Protocol
from claimtwin.config.score import ON_REQUEST
from claimtwin.study.match_stage import covariates_of

LATER_STAGES = (
    "score", "matching", "outcomes", "adjust", "histories", "power", "gates", "published", "assumptions", "models",
    "designs",
)  # fmt: skip
"""Parts that candidates do not depend on, but for what the score says of look-back and comorbidity."""


@dataclass(frozen=True)
class GridPlan:
    """The work of a grid.

    Attributes:
        variants: The studies, in the order of the protocol.
        asked: The estimator of each, null for the main estimate.
        study, model, pack, match, count: For each variant the number of its candidates, score model, packed scores,
            match and outcome counts; equal numbers share the work. Counts are of the matched, or for other designs of
            everybody (``everybody``).
    """

    variants: tuple[Protocol, ...]
    asked: tuple[Estimator | None, ...]
    study: tuple[int, ...]
    model: tuple[int, ...]
    pack: tuple[int, ...]
    match: tuple[int, ...]
    count: tuple[int, ...]

    def everybody(self, place: int) -> bool:
        """Whether a variant is estimated among all eligible, and not among the matched."""
        return bool(self.variants[place].designs)

    def first(self, numbers: Sequence[int]) -> list[int]:
        """Place of the first variant of each number, in the order of the numbers."""
        return [list(numbers).index(number) for number in sorted(set(numbers))]


def plan_grid(protocol: Protocol) -> GridPlan:
    """Plan the grid of a checked protocol; what a stage reads decides who shares it."""
    variants = tuple(variant_of(protocol, variant) for variant in protocol.sensitivity.grid)
    study = _numbers(variants, lambda k, v: [_but(v, *LATER_STAGES), *_measured(v)])
    model = _numbers(variants, lambda k, v: [study[k], _part(v, "score")])
    pack = _numbers(variants, lambda k, v: [model[k], v.matching.block_keys, covariates_of(v.matching)])
    match = _numbers(variants, lambda k, v: [pack[k], _part(v, "matching")])
    whom = [[pack[k], "everybody"] if v.designs else [match[k]] for k, v in enumerate(variants)]
    count = _numbers(variants, lambda k, v: [whom[k], _part(v, "outcomes", "histories")])
    asked = tuple(variant.estimator for variant in protocol.sensitivity.grid)
    return GridPlan(variants, asked, study, model, pack, match, count)


def _measured(variant: Protocol) -> list[object]:
    """What candidates depend on of the parts that later stages read."""
    score = variant.score
    free_of = [outcome.model_dump(mode="json") for outcome in variant.free_of()]
    said = score.model_dump(mode="json")
    named = ("comorbidity_positions", "drug_classes", "diagnoses", "data_driven")
    asked = [name for name in score.covariates if name in ON_REQUEST]
    return [score.lookback_days, score.comorbidities, free_of, *(said.get(name) for name in named), asked]


def _numbers(variants: Sequence[Protocol], key: Callable[[int, Protocol], object]) -> tuple[int, ...]:
    """Number the variants from 0 by their key, equal keys alike, in the order of first sight."""
    keys = [json.dumps(key(place, variant), sort_keys=True) for place, variant in enumerate(variants)]
    known = list(dict.fromkeys(keys))
    return tuple(known.index(one) for one in keys)


def _part(protocol: Protocol, *names: str) -> object:
    values = protocol.model_dump(mode="json")
    return [values.get(name) for name in names]


def _but(protocol: Protocol, *names: str) -> object:
    """Everything else, so that a part nobody thought of keeps variants apart."""
    return {name: value for name, value in protocol.model_dump(mode="json").items() if name not in names}
