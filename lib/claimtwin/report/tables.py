"""The tables of a study as CSV text: the same results give the same bytes."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from claimtwin.report.words import ARMS, ENTRY, WITHHELD, Results, Row

Cell = str | int | float | bool | list[str] | None
ATTRITION = ("arm", "criterion", "text", "remaining", "if_dropped")
BALANCE = ("covariate", "when", "mean_treated", "mean_comparator", "smd", "variance_ratio")
OUTCOMES = ("outcome", "scope", "arm", "n", "people", "percent", "low", "high", "total", "per_100", "sd")
EFFECTS = ("outcome", "measure", "adjusted", "errors", "estimate", "low", "high", "p_value", "note")
MODELS = ("outcome", "model", *EFFECTS[1:])
PUBLISHED = ("outcome", "measure", "estimate", "low", "high", "text")
ASSUMPTIONS = ("key", "value", "origin", "alternatives")
E_VALUES = ("outcome", "adjusted", "errors", "rare", "estimate", "low", "high", "point", "limit", "note")
TIPPING = ("outcome", "prevalence_higher_risk", "prevalence_lower_risk", "point", "limit", "note")
CONFOUNDERS = (
    "outcome",
    "prevalence_treated",
    "prevalence_comparator",
    "risk_ratio",
    "estimate",
    "low",
    "high",
    "note",
)
ROSENBAUM = ("outcome", "test", "gamma", "p_low", "p_high", "critical", "note")
POWER = ("outcome", "expected_risk", "risk_difference", "risk_ratio", "level", "power")
SUBGROUPS = ("outcome", "by", "level", "n_treated", "people_treated", "n_comparator", "people_comparator", "measure",
             "estimate", "low", "high", "p_value", "note")  # fmt: skip
INTERACTIONS = ("outcome", "by", "groups", "used", "p_value", "holm", "fdr", "note", "tau2", "i2", "q", "q_p_value",
                "pool_note")  # fmt: skip
POOLS = tuple(f"{kind}_{end}" for kind in ("fixed", "random") for end in ("estimate", "low", "high", "p_value"))
WITHOUT = ("outcome", "employer", "measure", "estimate", "low", "high", "p_value", "note")
DESIGNS = ("outcome", "method", "estimand", "strata", "most_weight", "trim", "measure", "estimate", "low", "high",
           "p_value", "effective_treated", "effective_comparator", "left_out", "note")  # fmt: skip
GRID = ("outcome", "variant", "pairs", "measure", "adjusted", "errors", "estimate", "low", "high", "p_value",
        "against_main", "note")  # fmt: skip
GATES = ("gate", "outcome", "threshold", "value", "passed")
PERSON_TIME = ("outcome", "arm", "n", "people", "events", "days", "rate", "low", "high")
BLOCKS = ("block", "treated", "comparator", "pairs")
MATCHING = ("pairs", "treated", "unmatched_treated", "comparators")
SETS = ("ratio", "floor", "twins")
CALIPER = ("caliper_sd", "caliper")
NOT_DEFINED = ("variance_ratio", "smd")
"""Columns whose None means that the figure does not exist, not that it is withheld."""


def csv_tables(results: Results) -> dict[str, str]:
    """Every table by its file name, lines ended by a newline, numbers to ten significant digits.

    A withheld number is the word ``withheld``; a figure that is not defined is empty.
    """
    return {
        "attrition.csv": as_csv(ATTRITION, map(_with_entry, results["attrition"])),
        "table1.csv": table_one(results),
        "balance.csv": as_csv(BALANCE, results["balance"]),
        **balance_blocks(results),
        "outcomes.csv": as_csv(OUTCOMES, map(_with_missing_spread, results["outcomes"])),
        "effects.csv": as_csv(EFFECTS, map(_with_reason, results["effects"])),
        "models.csv": as_csv(MODELS, map(_with_reason, results.get("models", []))),
        "published.csv": as_csv(PUBLISHED, results["published"]),
        "matching.csv": matching(results),
        "blocks.csv": as_csv(BLOCKS, results["matching"]["blocks"]),
        "score.csv": score(results),
        "overlap.csv": overlap(results),
        "ingest.csv": ingest(results),
        "assumptions.csv": as_csv(ASSUMPTIONS, results["assumptions"]),
        "gates.csv": as_csv(GATES, map(_empty_or_withheld, (results.get("blinding") or {}).get("gates", []))),
        **person_time(results),
        **sensitivity(results),
        **subgroups(results),
        **designs(results),
    }


def balance_blocks(results: Results) -> dict[str, str]:
    """Means by arm, before and after, within each block; no file where the study does not ask for them."""
    rows = results.get("balance_detail", {}).get("blocks")
    return {"balance_blocks.csv": as_csv(("block", *BALANCE), rows)} if rows else {}


def person_time(results: Results) -> dict[str, str]:
    """Events and person-days of both arms, where an outcome is over time; else no file."""
    rows = results.get("person_time", [])
    return {"person_time.csv": as_csv(PERSON_TIME, rows)} if rows else {}


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Write rows under a header; a key that a row lacks is empty."""
    lines = [[cell(row.get(column, ""), column) for column in columns] for row in rows]
    return _written([list(columns), *lines])


def cell(value: Cell, column: str = "") -> str:
    """One value as text; a list is joined by spaces."""
    if value is None:
        return "" if column in NOT_DEFINED else WITHHELD
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def table_one(results: Results) -> str:
    """Means by arm before and after matching, one line a covariate."""
    columns = ("covariate", *(f"{arm}_{when}" for when in ("before", "after") for arm in ARMS))
    rows: dict[str, dict[str, Cell]] = {}
    for row in results["balance"]:
        line = rows.setdefault(row["covariate"], {"covariate": row["covariate"]})
        line |= {f"{arm}_{row['when']}": row[f"mean_{arm}"] for arm in ARMS}
    return as_csv(columns, rows.values())


def matching(results: Results) -> str:
    """One line a figure of the match: counts, caliper, reasons of the unmatched, invariants (all must be 0)."""
    match = results["matching"]
    lines = [
        *((name, cell(match[name])) for name in MATCHING),
        *((name, cell(match[name])) for name in SETS if name in match),
        *((name, _no_caliper(match) if match[name] is None else cell(match[name])) for name in CALIPER),
        ("block_keys", cell(match["block_keys"])),
        *((f"effective.{row['when']}.{arm}", cell(row[arm])) for row in match.get("effective", []) for arm in ARMS),
        *((f"unmatched.{why}", cell(people)) for why, people in sorted(match["reasons"].items())),
        *((f"invariant.{name}", cell(times)) for name, times in sorted(match["invariants"].items())),
    ]
    return _written([("figure", "value"), *lines])


def _no_caliper(match: Row) -> str:
    return "by block" if match.get("caliper_sd_of") == "block" else "none"


def score(results: Results) -> str:
    """One line a column of the propensity model; coefficients on the logit scale."""
    model = results["score"]
    lines = zip(model["columns"], model["params"], model["se"], strict=True)
    return _written([("column", "coefficient", "standard_error"), *((c, cell(b), cell(e)) for c, b, e in lines)])


def overlap(results: Results) -> str:
    """One line a bin of the score: its lower and upper edge, people by arm."""
    bins = results["overlap"]
    edges = zip(bins["edges"], bins["edges"][1:], bins["treated"], bins["comparator"], strict=False)
    return _written([("from", "to", *ARMS), *([cell(value) for value in line] for line in edges)])


def ingest(results: Results) -> str:
    """One line a table and reason; reason ``all`` holds the totals."""
    lines: list[Sequence[str]] = [("table", "reason", "rows_in", "accepted", "rejected")]
    for row in results["ingest"]:
        lines.append((row["table"], "all", *(cell(row[key]) for key in ("rows_in", "accepted", "rejected"))))
        lines += [(row["table"], why, "", "", cell(rejected)) for why, rejected in sorted(row["reasons"].items())]
    return _written(lines)


def sensitivity(results: Results) -> dict[str, str]:
    """Tables on hidden bias and power, without a row where there is nothing to tell."""
    part = results.get("sensitivity") or {}
    columns = {"e_values": E_VALUES, "tipping": TIPPING, "confounders": CONFOUNDERS, "rosenbaum": ROSENBAUM}
    rows = {name: part.get(name, []) for name in columns} | {"power": results.get("power") or []}
    columns["power"] = POWER
    if part.get("grid"):
        models = ("model",) if any("model" in row for row in part["grid"]) else ()
        columns["grid"] = GRID + models
        rows["grid"] = [{**dict.fromkeys(models), **_with_reason(row), "pairs": row["pairs"]} for row in part["grid"]]
    return {f"{name}.csv": as_csv(columns[name], map(_empty_or_withheld, rows[name])) for name in columns}


def subgroups(results: Results) -> dict[str, str]:
    """Tables of subgroups, without a row where the study has none."""
    part = {"groups": [], "tests": [], "without_employer": [], **(results.get("subgroups") or {})}
    tests = [{**row, **_ends(row, "fixed"), **_ends(row, "random")} for row in part["tests"]]
    return {
        "subgroups.csv": as_csv(SUBGROUPS, map(_with_reason, part["groups"])),
        "interactions.csv": as_csv((*INTERACTIONS, *POOLS), map(_empty_or_withheld, tests)),
        "without_employer.csv": as_csv(WITHOUT, map(_with_reason, part["without_employer"])),
    }


def designs(results: Results) -> dict[str, str]:
    """Other designs on the same candidates; no file where the study asks for none."""
    rows = results.get("designs")
    return {"designs.csv": as_csv(DESIGNS, map(_empty_or_withheld, rows))} if rows else {}


def _ends(row: Row, kind: str) -> dict[str, Cell]:
    """The figures of a pool as columns of their own."""
    return {f"{kind}_{end}": value for end, value in (row[kind] or {}).items()}


def _empty_or_withheld(row: Row) -> Row:
    """A figure that does not exist is an empty cell, unless its row is withheld."""
    if str(row.get("note") or "").startswith(WITHHELD):
        return row
    return {name: "" if value is None else value for name, value in row.items()}


def _with_entry(row: Row) -> Row:
    """Coming into an arm is no criterion that could be dropped: its cell is empty, not withheld."""
    return {**row, "if_dropped": ""} if row["criterion"] == ENTRY else row


def _with_reason(row: Row) -> Row:
    """An effect without numbers that is not withheld could not be estimated: its cells are empty."""
    note = str(row.get("note") or "")
    if row["estimate"] is not None or not note or note.startswith(WITHHELD):
        return row
    return {name: "" if value is None else value for name, value in row.items()}


def _with_missing_spread(row: Row) -> Row:
    """One person has no standard deviation: its cell is empty, not withheld."""
    return row if row["people"] is None or row["sd"] is not None else {**row, "sd": ""}


def _written(lines: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
