"""Which estimate stands for a variant of the grid: the main one, another model's, or another design's."""

from typing import Any

from claimtwin.config.estimators import Estimator
from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.report.words import TOLD_ENDS
from claimtwin.study.designs import Eligible, design_row
from claimtwin.study.effects import Outcomes
from claimtwin.study.sensitivity import main_effect

Row = dict[str, Any]
NO_DESIGN = "other designs take nobody's time into account"
INFLUENCE = "influence"
"""Errors of other designs: from each person's influence."""


def estimate_for(outcome: Outcome, found: Outcomes, asked: Estimator | None) -> Row:
    """The row of one outcome that a variant tells among the matched.

    Ties of a model's rows: the first that is adjusted and has the errors as asked; else as near to it as there is.
    """
    name = None if asked is None else asked.model_of(outcome.kind, over_time=outcome.over_time)
    if asked is None or name is None:
        return main_effect(found.effects, outcome.name)
    rows = [row for row in (*found.effects, *found.models) if (row["outcome"], row["model"]) == (outcome.name, name)]
    measure = asked.measure or (rows[0]["measure"] if rows else None)
    same = [row for row in rows if row["measure"] == measure]
    if not same:
        note = f"this model does not estimate {asked.measure}" if rows else "this model is not there"
        return main_effect(found.effects, outcome.name) | dict.fromkeys(TOLD_ENDS) | {"note": note, "model": name}
    return max(same, key=lambda row: (row["adjusted"] == asked.adjusted, row["errors"] == asked.errors))


def estimate_by_design(outcome: Outcome, eligible: Eligible, variant: Protocol, cell: int) -> Row:
    """The row of one outcome by the design of a variant, among everybody eligible."""
    design = variant.designs[0]
    label = {"outcome": outcome.name, "adjusted": design.method == "doubly_robust", "errors": INFLUENCE,
             "model": f"{design.method}_{design.estimand}"}  # fmt: skip
    if outcome.over_time:
        measure = "risk_difference" if outcome.kind == "time" else "difference_per_scale"
        return label | {"measure": measure} | dict.fromkeys(TOLD_ENDS) | {"note": NO_DESIGN}
    row = design_row(outcome, design, eligible, cell)
    return label | {key: row[key] for key in ("measure", *TOLD_ENDS, "note")}
