"""The tables of subgroups: effects by group, whether they differ, pools, and the whole without each employer."""

from collections.abc import Mapping
from typing import Any

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import (
    DASH,
    Results,
    Row,
    arm_title,
    count,
    covariate_title,
    interval,
    measure_title,
    number,
    outcome_scale,
    outcome_title,
    p_value,
    percent,
    sentence_case,
    with_interval,
)

Part = Mapping[str, Any]
MOST = 25
"""Groups of one division that a page shows; more are in the CSV file only."""
EMPLOYER = "employer_id"


def subgroup_tables(results: Results) -> list[Table]:
    """For each outcome its groups, then the tests and pools; none where the study has no subgroups."""
    part: Part = results.get("subgroups") or {}
    outcomes = list(dict.fromkeys(row["outcome"] for row in part.get("groups", [])))
    return [
        table for outcome in outcomes for table in (_groups(results, part, outcome), _tests(results, part, outcome))
    ]


def employer_words(results: Results) -> list[str]:
    """For each outcome between which ends the estimate moves when one employer is left out; empty without any."""
    part: Part = results.get("subgroups") or {}
    rows = [row for row in part.get("without_employer", []) if row["estimate"] is not None]
    words = []
    for outcome in dict.fromkeys(row["outcome"] for row in rows):
        found = sorted((row for row in rows if row["outcome"] == outcome), key=lambda row: row["estimate"])
        measure = measure_title(found[0]["measure"], outcome_scale(results, outcome)).lower()
        words.append(
            f"{outcome_title(results, outcome)}: leaving out one employer at a time ({len(found)} of them), the "
            f"unadjusted {measure} moves between {number(found[0]['estimate'])} and {number(found[-1]['estimate'])}."
        )
    return words


def _groups(results: Results, part: Part, outcome: str) -> Table:
    rows = [row for row in part["groups"] if row["outcome"] == outcome]
    many = {by for by in {row["by"] for row in rows} if sum(row["by"] == by for row in rows) > MOST}
    shown = [row for row in rows if row["by"] not in many]
    arms = tuple(arm_title(results, arm) for arm in ("treated", "comparator"))
    measure = measure_title(rows[0]["measure"], outcome_scale(results, outcome))
    note = (
        "Unadjusted, pair-clustered errors; everybody counts in their own group. In each arm: people, with the outcome."
    )
    if many:
        note += f" More than {MOST} groups, in tables/subgroups.csv only: {', '.join(map(_title, sorted(many)))}."
    cells = [(_title(row["by"]), sentence_case(row["level"]), _arm(row, "treated"), _arm(row, "comparator"),
              with_interval(row)) for row in shown]  # fmt: skip
    head = ("By", "Group", *arms, measure)
    return Table(f"{outcome_title(results, outcome)}: group by group", head, in_rows(cells), words=2, note=note)


def _tests(results: Results, part: Part, outcome: str) -> Table:
    cells = [
        (
            _title(row["by"]),
            f"{row['used']} of {row['groups']}",
            p_value(row["p_value"]) if not row["note"] else f"not estimable: {row['note']}",
            p_value(row["holm"]),
            p_value(row["fdr"]),
            _pool(row, "fixed"),
            _pool(row, "random"),
            DASH if row["i2"] is None else percent(100 * row["i2"], 0),
        )
        for row in part["tests"]
        if row["outcome"] == outcome
    ]
    head = (
        "By",
        "Groups used",
        "p of interaction",
        "Holm",
        "Benjamini-Hochberg",
        "Fixed effect",
        "Random effects",
        "I²",
    )
    note = "Groups without an effect that is shown are in no test and no pool. Of many tests some are small by chance: "
    note += "read the corrected p-values."
    return Table(f"{outcome_title(results, outcome)}: do groups differ, and pooled", head, in_rows(cells), note=note)


def _title(by: str) -> str:
    return "Employer" if by == EMPLOYER else covariate_title(by)


def _arm(row: Row, arm: str) -> str:
    return f"{count(row[f'n_{arm}'])}, {count(row[f'people_{arm}'])}"


def _pool(row: Row, kind: str) -> str:
    found = row[kind]
    return DASH if found is None else f"{number(found['estimate'])} ({interval(found['low'], found['high'])})"
