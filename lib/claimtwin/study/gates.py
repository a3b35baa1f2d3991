"""Judging the gates of a study, and the empty results of a study that is blinded."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, isfinite
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.config.analysis import Models
from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.io.collect import collect_compact
from claimtwin.stats.gates import Gate, at_least, at_most, equipoise_range
from claimtwin.stats.withhold import is_small
from claimtwin.study.effects import estimate
from claimtwin.study.matched import MatchedRows
from claimtwin.study.sensitivity import detectable_by_events, sensitivity_of

RATIO_KINDS = ("binary", "time", "rate")
"""Outcomes whose effect is a ratio of events, of which the events of both arms tell what can be detected."""


@dataclass(frozen=True)
class DesignFigures:
    """What the gates read of a design: largest absolute SMD after matching, candidates in the match, their arms.

    ``largest_smd`` is that of all covariates and chosen code groups before small cells are withheld; infinite where one
    cannot be told. ``middle`` counts the candidates whose preference score lies in 0.3 to 0.7.
    """

    largest_smd: float | None
    treated: int
    comparators: int
    middle: int
    pairs: int


def read_design(scores: DataFrame, largest: Sequence[float | None], pairs: int) -> DesignFigures:
    """Two small aggregations over the scores, and the largest SMD of each balance table; None: it has no rows."""
    one = collect_compact(
        scores.agg(F.count_if("treated").alias("treated"), F.count(F.lit(1)).alias("n")), ["treated", "n"], max_rows=1
    ).to_pylist()[0]
    low, high = equipoise_range(one["treated"] / one["n"])
    inside = collect_compact(
        scores.agg(F.count_if(F.col("logit").between(low, high)).alias("middle")), ["middle"], max_rows=1
    ).to_pylist()[0]
    worst = max((smd for smd in largest if smd is not None), default=None)
    return DesignFigures(worst, one["treated"], one["n"] - one["treated"], inside["middle"], pairs)


def judge(design: DesignFigures, matched: MatchedRows, protocol: Protocol, min_cell: int) -> list[Gate]:
    """Every gate that the protocol names. No effect is estimated, but for those of the negative controls."""
    asked = protocol.gates
    people = design.treated + design.comparators
    controls = set(protocol.sensitivity.negative_controls)
    found = at_most("largest_smd", asked.largest_smd, design.largest_smd)
    found += at_least("equipoise", asked.equipoise, design.middle / people)
    found += at_least("matched_share", asked.matched_share, design.pairs / design.treated)
    for outcome in protocol.outcomes:
        if outcome.name not in controls:
            found += _of_outcome(outcome, matched, protocol, min_cell)
    if asked.negative_control_error is not None:
        error = _control_error(matched, protocol, min_cell)
        found += at_most("negative_control_error", asked.negative_control_error, error)
    return [_shown(gate, design, min_cell) for gate in found]


def blinding_part(gates: list[Gate], reason: str) -> dict[str, Any]:
    """The gates, whether effects are hidden, and why they are shown all the same."""
    failed = any(not gate.passed for gate in gates)
    return {"gates": [asdict(gate) for gate in gates], "blinded": failed and not reason, "unblinded": reason}


def empty_analysis() -> dict[str, Any]:
    """What stands in the results in place of everything that looks at an outcome."""
    return {"outcomes": [], "effects": [], "models": [], "sensitivity": {}, "subgroups": {}, "left_out": {}}


def _of_outcome(outcome: Outcome, matched: MatchedRows, protocol: Protocol, min_cell: int) -> list[Gate]:
    happened = matched.count(outcome.name) > 0
    arms = [int((happened & side).sum()) for side in (matched.people.treated, ~matched.people.treated)]
    found = at_least("events_per_arm", protocol.gates.events_per_arm, min(arms), outcome.name)
    if outcome.kind in RATIO_KINDS:
        ratio = detectable_by_events(sum(arms), protocol, float(matched.people.treated.mean()))
        judged = at_most("detectable_ratio", protocol.gates.detectable_ratio, ratio, outcome.name)
        found += [replace(gate, value=None) if is_small(sum(arms), min_cell) else gate for gate in judged]
    return found


def _control_error(matched: MatchedRows, protocol: Protocol, min_cell: int) -> float | None:
    """Expected size of the systematic error by the negative controls alone; None where they do not tell."""
    controls = set(protocol.sensitivity.negative_controls)
    outcomes = [outcome for outcome in protocol.outcomes if outcome.name in controls]
    if not outcomes:
        return None
    alone = protocol.model_copy(update={"outcomes": outcomes, "models": Models(binary=[], count=[])})
    found = estimate(matched, alone, min_cell)
    null = sensitivity_of(matched, alone, found.outcomes, found.effects, min_cell)["null"]
    return None if null is None else float(null["expected_error"])


def _shown(gate: Gate, design: DesignFigures, min_cell: int) -> Gate:
    """A gate without the value where it tells the outcome of an arm, or gives a small cell away."""
    left = {"equipoise": (design.middle, design.treated + design.comparators - design.middle),
            "matched_share": (design.pairs, design.treated - design.pairs)}.get(gate.gate, ())  # fmt: skip
    hidden = gate.gate == "events_per_arm" or any(is_small(count, min_cell) for count in left)
    if gate.value is None or hidden or not isfinite(gate.value):
        return replace(gate, value=None)
    # a difference may stand on few people: upwards to two digits, so that one above its threshold is shown above it
    exact = ceil(100 * gate.value) / 100 if gate.gate == "largest_smd" else float(np.round(gate.value, 3))
    return replace(gate, value=exact)
