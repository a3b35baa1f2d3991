"""The tables of other designs on the same candidates, beside the pair match."""

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import (
    DASH,
    Results,
    Row,
    measure_title,
    number,
    outcome_scale,
    outcome_title,
    p_value,
    percent,
    with_interval,
)

METHODS = {
    "pairs": "Pair match, as above",
    "stratification": "Strata of the score",
    "weights": "Weights by the score",
    "doubly_robust": "Doubly robust: score and outcome model",
}
OF_WHOM = {"att": "the treated", "ate": "everybody", "overlap": "people of whom either arm could be expected"}
HEAD = ("Design", "Of whom", "Difference (95% interval)", "p", "Treated worth", "Comparators worth")
NOTE = (
    "Everybody eligible, matched or not; the score is taken as known. Worth: people who would tell as much unweighted, "
    "in percent of the arm. Where designs disagree, the answer hangs on the method."
)


def designs_tables(results: Results) -> list[Table]:
    """One table an outcome; none where the study asks for no other design."""
    rows = results.get("designs") or []
    names = list(dict.fromkeys(row["outcome"] for row in rows))
    return [_table(results, name, [row for row in rows if row["outcome"] == name]) for name in names]


def _table(results: Results, name: str, rows: list[Row]) -> Table:
    measure = measure_title(rows[0]["measure"], outcome_scale(results, name))
    cells = [
        (
            _design(row),
            OF_WHOM[row["estimand"]] + ("" if row["method"] != "pairs" else " who found a twin"),
            with_interval(row),
            p_value(row["p_value"]),
            percent(row["effective_treated"], 0) if row["effective_treated"] is not None else DASH,
            percent(row["effective_comparator"], 0) if row["effective_comparator"] is not None else DASH,
        )
        for row in rows
    ]
    caption = f"{outcome_title(results, name)}: the same candidates by other designs. {measure}"
    return Table(caption, HEAD, in_rows(cells), words=2, strong=frozenset({0}), note=NOTE)


def _design(row: Row) -> str:
    """The design with its choices in words."""
    trim = row["trim"]
    said = (
        f"{row['strata']} strata" if row["strata"] else "",
        f"no weight above {row['most_weight']:g} times the mean" if row["most_weight"] else "",
        f"scores {number(trim[0])} to {number(trim[1])}" if trim else "",
        f"outcome models without {row['left_out']}" if row["left_out"] else "",
    )
    told = ", ".join(filter(None, said))
    return METHODS[row["method"]] + (f" ({told})" if told else "")
