"""What a report writes beside the page: CSV tables, figures, and ten lines for a terminal."""

import csv
from io import StringIO
from xml.etree import ElementTree

import pytest
from claimtwin.config.matching import PER_BLOCK
from claimtwin.report.design_tables import matching_table
from claimtwin.report.figures import draw, figures, overlap_plot
from claimtwin.report.methods import methods
from claimtwin.report.summary import summary_lines
from claimtwin.report.tables import csv_tables

from tests.support.results import full_results, withheld_results


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def lines(results: dict) -> list[str]:
    return summary_lines(results, result_hash="c01dbeef", report_path="out/planted/report.html")


def texts(svg: bytes) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_csv_tables_hold_every_figure_under_its_column() -> None:
    tables = csv_tables(full_results())
    effect = rows(tables["effects.csv"])[3]
    assert effect == {
        "outcome": "any_opioid",
        "measure": "odds_ratio",
        "adjusted": "true",
        "errors": "cluster_pair",
        "estimate": "0.521",
        "low": "0.452",
        "high": "0.601",
        "p_value": "2e-16",
        "note": "",
    }
    age = rows(tables["table1.csv"])[0]
    assert age == {
        "covariate": "age",
        "treated_before": "46.12",
        "comparator_before": "49.87",
        "treated_after": "46.2",
        "comparator_after": "46.31",
    }
    assert rows(tables["overlap.csv"])[1] == {"from": "0.05", "to": "0.1", "treated": "12", "comparator": "2100"}
    assert len(rows(tables["overlap.csv"])) == 20
    assert rows(tables["ingest.csv"])[0] == {
        "table": "eligibility",
        "reason": "all",
        "rows_in": "41207",
        "accepted": "41162",
        "rejected": "45",
    }


def test_means_by_block_have_a_file_where_they_are_asked_for() -> None:
    assert "balance_blocks.csv" not in csv_tables(full_results())
    row = {"block": "hip", "covariate": "age", "when": "after", "mean_treated": 46.5, "mean_comparator": None,
           "smd": 0.01, "variance_ratio": None}  # fmt: skip
    text = csv_tables(full_results() | {"balance_detail": {"blocks": [row]}})["balance_blocks.csv"]
    assert rows(text) == [
        {name: "" if value is None else str(value) for name, value in row.items()} | {"mean_comparator": "withheld"}
    ]


def test_the_csv_of_the_match_lists_counts_caliper_reasons_and_invariants() -> None:
    found = {row["figure"]: row["value"] for row in rows(csv_tables(full_results())["matching.csv"])}
    assert found == {
        "pairs": "4195",
        "treated": "4283",
        "unmatched_treated": "88",
        "comparators": "17950",
        "caliper_sd": "0.2",
        "caliper": "0.12304",
        "block_keys": "body_region",
        "effective.before.treated": "4283",
        "effective.before.comparator": "17950",
        "effective.after.treated": "4195",
        "effective.after.comparator": "4195",
        "unmatched.nobody left in block": "19",
        "unmatched.outside caliper": "69",
        "invariant.not_eligible": "0",
        "invariant.outside_block": "0",
        "invariant.outside_caliper": "0",
        "invariant.used_twice": "0",
        "invariant.wrong_arm": "0",
    }


def test_a_match_without_a_caliper_says_none_and_not_withheld() -> None:
    results = full_results()
    results["matching"] |= {"caliper_sd": None, "caliper": None, "block_keys": []}
    found = {row["figure"]: row["value"] for row in rows(csv_tables(results)["matching.csv"])}
    assert (found["caliper_sd"], found["caliper"], found["block_keys"]) == ("none", "none", "")


def test_a_caliper_per_block_says_so_and_what_it_does() -> None:
    results = full_results()
    results["matching"] |= {"caliper_sd_of": "block", "caliper": None, "warning": PER_BLOCK}
    found = {row["figure"]: row["value"] for row in rows(csv_tables(results)["matching.csv"])}
    assert (found["caliper_sd"], found["caliper"]) == ("0.2", "by block")
    told = dict(tuple(map(str, row)) for row in matching_table(results).rows)
    assert told["Caliper"] == "0.2 SD of the logit in each block"
    assert matching_table(results).note.startswith(
        "Calipers are in standard deviations of each block: blocks of small spread get"
    )
    told_of = dict(methods(results))["Match"]
    assert "one for each block (calipers are in" in told_of and "the same in all blocks" not in told_of


def test_withheld_cells_are_the_word_and_what_is_not_defined_is_empty() -> None:
    tables = csv_tables(withheld_results())
    withheld = {"outcomes": "people", "effects": "estimate", "blocks": "pairs", "attrition": "remaining",
                "overlap": "treated", "table1": "treated_after"}  # fmt: skip
    for name, figure in withheld.items():
        assert {row[figure] for row in rows(tables[f"{name}.csv"])} == {"withheld"}, name
    results = full_results()
    results["outcomes"][0]["sd"] = None
    results["effects"][0] |= dict.fromkeys(("estimate", "low", "high", "p_value")) | {"note": "no events"}
    tables = csv_tables(results)
    assert rows(tables["outcomes.csv"])[0]["sd"] == ""
    assert rows(tables["effects.csv"])[0]["estimate"] == ""
    assert rows(tables["balance.csv"])[2]["variance_ratio"] == ""  # a 0/1 column
    assert rows(tables["attrition.csv"])[0]["if_dropped"] == ""  # coming into the arm


def test_text_with_commas_and_quotes_comes_back_from_the_csv() -> None:
    results = full_results()
    results["published"][0]["text"] = 'a, "b"\nand c'
    assert rows(csv_tables(results)["published.csv"])[0]["text"] == 'a, "b"\nand c'


@pytest.fixture(scope="module")
def drawn() -> dict[str, bytes]:
    return figures(full_results())


def test_there_is_a_figure_of_balance_overlap_and_each_outcome_in_both_formats(drawn) -> None:
    names = ["love_plot", "overlap", "effects_any_opioid", "effects_opioid_fills"]
    assert sorted(drawn) == sorted(f"{name}.{fmt}" for name in names for fmt in ("svg", "png"))
    assert all(image.startswith(b"\x89PNG") for name, image in drawn.items() if name.endswith("png"))


def test_figures_are_the_same_bytes_every_time(drawn) -> None:
    assert figures(full_results()) == drawn


def test_the_forest_plot_labels_our_models_the_publication_and_the_truth(drawn) -> None:
    words = texts(drawn["effects_any_opioid.svg"])
    assert "Adjusted, pair-clustered errors" in words
    assert "0.53 (0.44 to 0.61)" in words
    assert "planted truth 0.57" in words
    assert "0.58 (0.51 to 0.66)" not in words  # a risk ratio has no place on the axis of odds ratios


def test_the_planted_difference_is_told_on_the_scale_of_its_outcome() -> None:
    results = full_results()
    results["outcome_scales"]["opioid_fills"] = 1000
    words = texts(draw(results, "svg")["effects_opioid_fills"])
    assert "planted truth −51.00" in words  # noqa: RUF001
    assert "Difference per 1,000 people" in words


def test_nothing_is_drawn_of_what_is_withheld() -> None:
    assert figures(withheld_results()) == {}


def test_one_withheld_bin_is_marked(drawn) -> None:
    assert "number withheld" in texts(drawn["overlap.svg"])
    results = full_results()
    results["overlap"]["comparator"][16] = 0
    assert "number withheld" not in texts(overlap_plot(results["overlap"], ("A", "B")))


def test_the_summary_is_these_ten_lines() -> None:
    assert lines(full_results()) == [
        "Matched pairs          4,195 of 4,283 eligible",
        "Worst balance (|SMD|)  0.447 (Office visits) before, 0.124 (Injection visits) after",
        "Treated                Digital programme: 7.89% (331 of 4,195)",
        "Comparator             Physical therapy: 13.63% (572 of 4,195)",
        "Odds ratio             0.54 (0.47 to 0.62), unadjusted, pair-clustered errors",
        "Planted truth          0.57",
        "Interval covers it     yes",
        "Rows rejected          45 of 139,518",
        "Hash of the results    c01dbeef",
        "Report                 out/planted/report.html",
    ]


def test_a_summary_without_truth_quotes_the_answer_of_the_report() -> None:
    found = lines({**full_results(), "truth": None})
    assert found[4] == "Odds ratio             0.52 (0.45 to 0.60), adjusted, pair-clustered errors"
    assert [line.split()[-1] for line in found[5:7]] == ["none", "none"]


@pytest.mark.parametrize(("truth", "says"), [(0.6251, "no"), (0.625, "yes"), (0.4719, "no")])
def test_the_truth_is_covered_up_to_the_ends_of_the_interval(truth: float, says: str) -> None:
    results = full_results()
    results["truth"]["odds_ratio"] = truth
    assert lines(results)[6].split()[-1] == says


def test_a_summary_of_withheld_numbers_has_ten_lines_and_no_number_of_people() -> None:
    found = lines(withheld_results())
    assert len(found) == 10
    assert found[0].split(maxsplit=2)[2] == "withheld of withheld eligible"
    assert found[2].endswith("withheld (withheld of withheld)")
    assert found[7].endswith("0 of 139,518, and a withheld number in 1 table")


def test_a_study_of_counts_alone_answers_with_their_difference() -> None:
    results = full_results()
    results["effects"] = [row for row in results["effects"] if row["measure"] == "difference_per_scale"]
    results["truth"] = None
    assert lines(results)[4].startswith("Difference per 100 people  −6.40 (−9.89 to −2.91), adjusted")  # noqa: RUF001
