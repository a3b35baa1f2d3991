"""A report of matched sets says so wherever a report of pairs says pairs, and what weighs what."""

import pytest
from claimtwin.report.answer import answer
from claimtwin.report.design_tables import blocks_table, matching_table, table_one
from claimtwin.report.flow import flow_diagram
from claimtwin.report.methods import methods
from claimtwin.report.set_words import WEIGHED, among_words, ratio_words
from claimtwin.report.summary import summary_lines
from claimtwin.report.tables import csv_tables

from tests.support.results import full_results


@pytest.fixture
def results() -> dict:
    found = full_results()
    found["matching"] |= {"ratio": 3, "floor": 2, "twins": 9876}
    found["protocol"].setdefault("matching", {})
    return found


def test_pairs_are_matched_treated_with_their_twins(results) -> None:
    assert answer(results).startswith("Among 4,195 matched treated with 9,876 twins, ")
    assert "4,195 matched treated with 9,876 twins" in flow_diagram(results)
    rows = {row[0]: row[1] for row in matching_table(results).rows}
    assert (rows["Matched treated"], rows["Their twins"], rows["Twins of one treated"]) == (
        "4,195", "9,876", "up to 3, at least 2"
    )  # fmt: skip
    one = table_one(results)
    assert one.rows[0][3:] == ("4,195", "9,876") and one.note.endswith(WEIGHED)
    assert blocks_table(results).caption == "Sets by block"
    lines = summary_lines(results, result_hash="h", report_path="p")
    assert lines[0].endswith("eligible, 9,876 twins") and len(lines) == 10
    assert "twins,9876" in csv_tables(results)["matching.csv"]
    text = " ".join(map(str, methods(results)))
    assert "up to 3 comparators (who found fewer than 2 has none), everybody's first before" in text and WEIGHED in text


def test_what_is_withheld_stays_so(results) -> None:
    results["matching"]["twins"] = None
    assert among_words(results) == "4,195 matched treated with their twins"
    results["matching"]["pairs"] = None
    assert among_words(results) == "the matched treated with their twins"


def test_pairs_stay_pairs() -> None:
    found = full_results()
    assert among_words(found) == "4,195 matched pairs" and ratio_words(found["matching"]) == "one comparator"
    assert blocks_table(found).caption == "Pairs by block" and "twins" not in csv_tables(found)["matching.csv"]
    found["matching"]["pairs"] = None
    assert among_words(found) == "the matched pairs"
