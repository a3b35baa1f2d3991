"""The gates of a study, and why its effects are shown although one fails."""

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import DASH, Results, Row, number, outcome_title, sentence_case

GATES = {
    "largest_smd": ("Largest standardised difference after matching", "at most"),
    "equipoise": ("Share of candidates with a preference score of 0.3 to 0.7", "at least"),
    "matched_share": ("Share of eligible treated with a twin", "at least"),
    "events_per_arm": ("People with the outcome in either arm", "at least"),
    "detectable_ratio": ("Smallest ratio that the events can show", "at most"),
    "negative_control_error": ("Expected systematic error by the negative controls", "at most"),
}


def gates_table(results: Results) -> Table | None:
    """One row a gate, those that fail in bold; None where the study has none."""
    rows = _rows(results)
    cells = [(_title(results, row), _limit(row), number(row["value"], 3, absent=DASH), _passed(row)) for row in rows]
    failed = frozenset(place for place, row in enumerate(rows) if not row["passed"])
    head = ("Gate", "Must be", "Is", "Passed")
    note = "Judged before any effect. A dash: not shown, for it would tell an outcome or a small cell, or not known."
    return Table("Gates", head, in_rows(cells), strong=failed, note=note) if cells else None


def unblinded_words(results: Results) -> str:
    """The reason that was given for showing effects, and which gates failed; empty where none was given."""
    reason = (results.get("blinding") or {}).get("unblinded", "")
    if not reason:
        return ""
    failed = [_title(results, row) for row in _rows(results) if not row["passed"]]
    gates = f"Gates that fail: {'; '.join(failed)}." if failed else "No gate fails."
    return f"Reason given: “{reason}”. {gates}"


def gate_lines(results: Results) -> list[str]:
    """What a log says of the gates; no estimate."""
    rows = _rows(results)
    if not rows:
        return []
    failed = [_title(results, row) for row in rows if not row["passed"]]
    if not failed:
        return [f"gates: all {len(rows)} passed"]
    shown = "shown by --unblind" if results["blinding"]["unblinded"] else "hidden"
    return [f"gates: {len(failed)} of {len(rows)} failed ({'; '.join(failed)}); effects are {shown}"]


def _rows(results: Results) -> list[Row]:
    return list((results.get("blinding") or {}).get("gates", []))


def _title(results: Results, row: Row) -> str:
    title = GATES.get(row["gate"], (sentence_case(row["gate"]), ""))[0]
    return f"{title}: {outcome_title(results, row['outcome'])}" if row["outcome"] else title


def _limit(row: Row) -> str:
    return f"{GATES.get(row['gate'], ('', ''))[1]} {row['threshold']:g}".strip()


def _passed(row: Row) -> str:
    return "yes" if row["passed"] else "no"
