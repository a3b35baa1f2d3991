"""What the report says of the propensity model beyond its columns."""

from typing import Any

from claimtwin.report.balance_tables import detail_tables
from claimtwin.report.design_tables import balance_table
from claimtwin.report.methods import methods
from claimtwin.report.page import render_report
from claimtwin.report.score_tables import score_tables

from tests.support.results import full_results, manifest


def results(**more: Any) -> dict[str, Any]:
    found = full_results()
    found["score"] |= more
    return found


DIAGNOSTICS = {
    "c_statistic": 0.712345,
    "equipoise": 0.6543,
    "common_support": {"treated": 0.998, "comparator": None},
    "weights": [
        {"estimand": "att", "arm": "comparator", "largest": 12.345, "share": 0.01234, "effective": 5210.4},
    ],
}  # fmt: skip


def test_overlap_and_weights_are_told_under_their_names() -> None:
    overlap, weights = score_tables(results(diagnostics=DIAGNOSTICS))
    assert [row[1] for row in overlap.rows] == ["0.712", "65.4%", "99.8%", "withheld"]
    assert weights.rows == (("Effect on the treated", "Physical therapy", "12.3", "1.23%", "5,210"),)
    assert score_tables(full_results()) == []


def test_penalty_and_columns_left_out_are_in_the_methods() -> None:
    path = {"l1_share": 1.0, "folds": 10, "strengths": [0.2, 0.02], "kept": [0, 7], "chosen": 1}
    dropped = [{"column": "sex=unknown", "why": "column 'sex=unknown' is rare"}]
    splines = {"age": {"asked": 5, "knots": [20, 40, 60]}, "log_allowed": {"asked": 3, "knots": [1, 2, 3]}}
    said = methods(results(penalty=path, dropped=dropped, splines=splines))
    text = " ".join(map(str, said.values() if isinstance(said, dict) else said))
    assert "a penalty (L1) of strength 0.02, chosen by 10-fold cross-validation; 7 of them are not 0" in text
    assert "column 'sex=unknown' is rare; the spline of 'age' has 3 knots in place of 5." in text
    plain = methods(full_results())
    assert "penalty" not in str(plain)
    assert "Left out" not in str(plain)


def test_balance_beyond_means_is_told_where_there_is_any() -> None:
    def row(name: str, when: str, smd: float | None, **more: Any) -> dict[str, Any]:
        return {"covariate": name, "when": when, "smd": smd, **more}

    found = results()
    assert detail_tables(found) == []
    found["balance_detail"] = {
        "distributions": [
            {"covariate": "age", "when": "before", "gap": 0.1234}, {"covariate": "age", "when": "after", "gap": None},
        ],
        "blocks": [
            row("age", "before", 0.3, block="back"), row("sex=male", "before", -0.4, block="back"),
            row("age", "after", 0.01, block="back"), row("sex=male", "after", None, block="back"),
            row("age", "before", None, block="hip"), row("age", "after", None, block="hip"),
        ],
        "chosen": [
            row(f"diagnosis=M{k}", when, k / 100) for k in range(10, 40) for when in ("before", "after")
        ],
    }  # fmt: skip
    gaps, blocks, chosen = detail_tables(found)
    assert gaps.rows == (("Age", "0.123", "withheld"),)
    assert blocks.rows == (
        ("Back", "0.400", "Sex: male", "0.010", "Age"), ("Hip", *["\N{EN DASH}"] * 4),
    )  # fmt: skip
    assert chosen.rows[0] == ("Diagnosis: M39", "0.390", "0.390")
    assert (len(chosen.rows), chosen.note) == (25, "The 25 largest after matching; 5 more are in the results.")
    page = render_report(found, manifest())
    assert all(table.caption in page for table in (gaps, blocks, chosen))
    found["protocol"] = {"balance": {"denominator": "treated"}}
    assert "The unit is the treated arm's standard deviation before" in balance_table(found).note
    assert "The unit is the pooled standard deviation before" in balance_table(results()).note
