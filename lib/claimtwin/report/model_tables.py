"""The tables of other models, unadjusted and adjusted side by side, and the number needed to treat in words."""

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import (
    DASH,
    MODELS,
    Results,
    Row,
    errors_title,
    interval,
    measure_title,
    number,
    outcome_scale,
    outcome_title,
    sentence_case,
    with_interval,
)

HEAD = ("Model", "Measure", "Errors", "Unadjusted", "Adjusted")
Key = tuple[str, str, str]


def models_table(results: Results, outcome: str) -> Table | None:
    """One row a model, measure and kind of errors; None when the study asks for no other model."""
    found: dict[Key, dict[bool, Row]] = {}
    for row in results.get("models", []):
        if row["outcome"] == outcome:
            found.setdefault((row["model"], row["measure"], row["errors"]), {})[row["adjusted"]] = row
    scale = outcome_scale(results, outcome)
    cells = [(*_label(key, scale, sides), _cell(sides, False), _cell(sides, True)) for key, sides in found.items()]
    caption = f"{outcome_title(results, outcome)}: the same question asked by other models"
    note = "Estimates with 95% intervals. Odds ratios of different models are not of the same thing (docs/models.md)."
    return Table(caption, HEAD, in_rows(cells), words=3, note=note) if cells else None


def number_needed_words(results: Results, outcome: str) -> str:
    """How many are treated for one event fewer or more, in a sentence; empty where there is no such number."""
    rows = [row for row in results.get("models", []) if row["outcome"] == outcome]
    row = next((row for row in rows if row["measure"] == "number_needed" and row["estimate"] is not None), None)
    effects = [e for e in results["effects"] if (e["outcome"], e["measure"]) == (outcome, "risk_difference")]
    if row is None or not effects or effects[0]["estimate"] is None:
        return ""
    side = "fewer" if effects[0]["estimate"] < 0 else "more"
    return (
        f"Number needed to treat: one person {side} with the outcome for every {number(row['estimate'], 1)} people in "
        f"the treated arm (95% interval {interval(row['low'], row['high'], 1)})."
    )


def _label(key: Key, scale: int, sides: dict[bool, Row]) -> tuple[str, str, str]:
    model, measure, _ = key
    return (
        MODELS.get(model, sentence_case(model)),
        measure_title(measure, scale),
        errors_title(next(iter(sides.values()))),
    )


def _cell(sides: dict[bool, Row], adjusted: bool) -> str:
    return with_interval(sides[adjusted]) if adjusted in sides else DASH
