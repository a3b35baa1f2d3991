"""What the report says of the propensity model beyond its columns."""

from typing import Any

from claimtwin.report.methods import methods
from claimtwin.report.score_tables import score_tables

from tests.support.results import full_results


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
