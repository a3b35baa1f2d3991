"""The tables on hidden bias and on power: how strong a bias would have to be, and what the study could have shown."""

from collections.abc import Mapping
from typing import Any

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.set_words import unit
from claimtwin.report.words import (
    DASH,
    Results,
    Row,
    count,
    interval,
    number,
    outcome_title,
    p_value,
    percent,
    why_absent,
    with_interval,
)

Part = Mapping[str, Any]
TESTS = {"mcnemar": "McNemar", "signed_rank": "signed rank"}


def sensitivity_tables(results: Results) -> list[Table]:
    """All tables on hidden bias that have a row, in the order of the page; none where the results know of none."""
    part: Part = results.get("sensitivity") or {}
    if not part:
        return []
    found = (
        _e_values(results, part),
        _tipping(results, part),
        _confounders(results, part),
        _rosenbaum(results, part),
        _calibrated(results, part),
    )
    return [table for table in found if table.rows]


def null_words(results: Results) -> str:
    """What the negative controls say of the study's systematic error; empty where none are named."""
    part: Part = results.get("sensitivity") or {}
    null = part.get("null")
    if null is None:
        note = part.get("null_note")
        return f"Negative controls: not estimable: {note}." if note else ""
    return (
        f"Negative controls: the systematic error of the log odds ratio has a mean of {number(null['mean'], 3)} and a "
        f"standard deviation of {number(null['sd'], 3)}; its expected size is {number(null['expected_error'], 3)}."
    )


def power_table(results: Results) -> Table | None:
    """What so many pairs can show, by the risks that the protocol expected; None where it expected none."""
    cells = [
        (
            outcome_title(results, row["outcome"]),
            percent(100 * row["expected_risk"]),
            number(row["risk_difference"], absent=DASH),
            number(row["risk_ratio"], absent=DASH),
            percent(100 * row["power"], 0),
            percent(100 * row["level"], 0),
        )
        for row in results.get("power") or []
    ]
    head = ("Outcome", "Expected risk", "Difference, points", "Risk ratio", "Power", "Level")
    number_of, what = count(results["matching"]["pairs"]), unit(results)
    told = f"Told from the number of {what} and the protocol alone: no outcome was looked at."
    note = f"{told} A dash: no reduction would do."
    caption = f"Smallest effect that {number_of} {what} can show"
    return Table(caption, head, in_rows(cells), note=note) if cells else None


def _e_values(results: Results, part: Part) -> Table:
    cells = [
        (
            outcome_title(results, row["outcome"]),
            with_interval({**row, "measure": "risk_ratio"}),
            _known(row, "point"),
            _known(row, "limit"),
        )
        for row in part["e_values"]
    ]
    head = ("Outcome", "Ratio", "E-value", "of the limit nearer 1")
    note = (
        "The main ratio, taken as a risk ratio where fewer than 15% had the outcome; where more had, the root of an "
        "odds ratio, and of a ratio of first events what stands for it (VanderWeele and Ding 2017, table 2). A hidden "
        "confounder tied to arm and outcome by less than the E-value, both as risk ratios, cannot explain it."
    )
    return Table("E-values", head, in_rows(cells), note=note)


def _tipping(results: Results, part: Part) -> Table:
    cells = [
        (
            outcome_title(results, row["outcome"]),
            percent(100 * row["prevalence_higher_risk"], 0),
            percent(100 * row["prevalence_lower_risk"], 0),
            _known(row, "point"),
            _known(row, "limit"),
        )
        for row in part["tipping"]
    ]
    head = ("Outcome", "In the arm of higher risk", "In the other", "Risk ratio for the estimate", "for the limit")
    note = (
        "How a confounder of these prevalences would have to multiply risk to explain the effect; a dash: none could."
    )
    return Table("Tipping points: a hidden confounder that would explain the effect", head, in_rows(cells), note=note)


def _confounders(results: Results, part: Part) -> Table:
    cells = [
        (
            outcome_title(results, row["outcome"]),
            percent(100 * row["prevalence_treated"], 0),
            percent(100 * row["prevalence_comparator"], 0),
            number(row["risk_ratio"]),
            with_interval({**row, "measure": "risk_ratio"}),
        )
        for row in part["confounders"]
    ]
    head = ("Outcome", "Treated with it", "Comparators with it", "Its risk ratio", "Corrected ratio")
    return Table("The main ratio, were there such a confounder", head, in_rows(cells))


def _rosenbaum(results: Results, part: Part) -> Table:
    cells = [
        (
            outcome_title(results, row["outcome"]),
            TESTS[row["test"]],
            *((why_absent(row), DASH) if row["gamma"] is None else (number(row["gamma"]), _range(row))),
        )
        for row in part["rosenbaum"]
    ]
    strong = frozenset(place for place, row in enumerate(part["rosenbaum"]) if row["critical"])
    note = (
        "Gamma: the odds of being the treated one may differ so much inside a pair. The one-sided p-value then lies in "
        "the range. Bold: the largest Gamma at which it stays at 0.05 or below."
    )
    head = ("Outcome", "Test", "Gamma", "p between")
    return Table("Rosenbaum's bounds", head, in_rows(cells), words=2, strong=strong, note=note)


def _calibrated(results: Results, part: Part) -> Table:
    cells = [
        (
            outcome_title(results, row["outcome"]),
            number(row["estimate"]),
            interval(row["low"], row["high"]),
            p_value(row["p_value"]),
        )
        for row in part["calibrated"]
    ]
    head = ("Outcome", "Odds ratio", "95% interval", "p")
    return Table("The main odds ratio, calibrated by the negative controls", head, in_rows(cells))


def _range(row: Row) -> str:
    return "0.05 at most" if row["critical"] else f"{p_value(row['p_low'])} and {p_value(row['p_high'])}"


def _known(row: Row, key: str) -> str:
    """A figure, a dash where there is none, the reason where the ratio itself is missing."""
    return DASH if row[key] is None else number(row[key])
