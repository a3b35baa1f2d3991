"""The tables of the grid: the study and its variants, and how far each lies from the study."""

from collections.abc import Mapping
from typing import Any

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.method_tables import METHODS, OF_WHOM
from claimtwin.report.words import (
    DASH,
    MODELS,
    RATIOS,
    Results,
    Row,
    adjustment,
    count,
    errors_title,
    listed,
    measure_title,
    number,
    outcome_scale,
    outcome_title,
    p_value,
    plain_value,
    sentence_case,
    with_interval,
)

MAIN = "main"
HEAD = ("Variant", "What differs", "Pairs", "Model", "Estimate (95% interval)", "p", "Against the study")


def grid_of(results: Results, outcome: str) -> list[Row]:
    """Rows of the grid of one outcome, the study itself first; none where there is no grid."""
    part: Mapping[str, Any] = results.get("sensitivity") or {}
    return [row for row in part.get("grid") or [] if row["outcome"] == outcome]


def grid_tables(results: Results) -> list[Table]:
    """One table an outcome; none where the protocol has no grid."""
    part: Mapping[str, Any] = results.get("sensitivity") or {}
    names = list(dict.fromkeys(row["outcome"] for row in part.get("grid") or []))
    return [_table(results, name) for name in names]


def variant_title(results: Results, row: Row) -> str:
    """The title of a variant, else its name as words."""
    if row["variant"] == MAIN:
        return "This study"
    return str(_asked(results, row).get("title") or sentence_case(row["variant"]))


def changes_in_words(results: Results, row: Row) -> str:
    """What a variant changes, as keys and values, and where it asks for one its estimator."""
    asked = _asked(results, row)
    change: Mapping[str, Any] = asked.get("change", {})
    told = [f"{key} {plain_value(value)}" for key, value in change.items()]
    return listed(told + (["another estimator"] if asked.get("estimator") else [])) or DASH


def _takes_all(results: Results, row: Row) -> bool:
    """Whether a variant takes everybody eligible, and no pairs."""
    return bool((_asked(results, row).get("estimator") or {}).get("design"))


def _model(results: Results, row: Row) -> str:
    """The model in words; of another estimator with its name, and its measure where that is not the table's."""
    if "model" not in row:
        return f"{adjustment(row)}, {errors_title(row)}"
    if _takes_all(results, row):
        design = _asked(results, row)["estimator"]["design"]
        return f"{METHODS[design['method']]}, {OF_WHOM[design['estimand']]}: {_measure(results, row)}"
    name = MODELS.get(row["model"], sentence_case(row["model"]))
    return f"{name}, {adjustment(row)}, {errors_title(row)}: {_measure(results, row)}"


def _measure(results: Results, row: Row) -> str:
    return measure_title(row["measure"], outcome_scale(results, row["outcome"])).lower()


def _asked(results: Results, row: Row) -> Mapping[str, Any]:
    asked: list[Mapping[str, Any]] = results["protocol"].get("sensitivity", {}).get("grid", [])
    return next((variant for variant in asked if variant["name"] == row["variant"]), {})


def _table(results: Results, outcome: str) -> Table:
    rows = grid_of(results, outcome)
    ratio = rows[0]["measure"] in RATIOS
    cells = [
        (
            variant_title(results, row),
            changes_in_words(results, row),
            DASH if _takes_all(results, row) else count(row["pairs"]),
            _model(results, row),
            with_interval(row),
            p_value(row["p_value"]),
            DASH if row["against_main"] is None else number(row["against_main"]),
        )
        for row in rows
    ]
    measure = measure_title(rows[0]["measure"], outcome_scale(results, outcome))
    note = (
        "Every variant is a whole study: its own candidates, score, match and outcomes. Against the study: "
        + ("its estimate over that of the study." if ratio else "its estimate less that of the study.")
        + " Variants share people, so that a difference is not a test."
    )
    caption = f"{outcome_title(results, outcome)}: the study and its variants. {measure}"
    return Table(caption, HEAD, in_rows(cells), words=2, strong=frozenset({0}), note=note)
