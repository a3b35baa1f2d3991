"""The report as a reader and a screen reader get it: every number under its label, nothing fetched, nothing leaked."""

import re
from copy import deepcopy
from xml.etree import ElementTree

import pytest
from claimtwin.report.page import render_report

from tests.support.results import full_results, manifest, withheld_results


def parse(results: dict) -> ElementTree.Element:
    """The page as a tree; fails on any tag that is not closed."""
    return ElementTree.fromstring(render_report(results, manifest()))


def words(node: ElementTree.Element) -> str:
    return " ".join("".join(node.itertext()).split())


def table(page: ElementTree.Element, caption: str) -> list[list[str]]:
    """Cells of the one table whose caption holds the words, headings included."""
    found = [t for t in page.iter("table") if caption in words(t.find("caption"))]
    assert len(found) == 1, f"{len(found)} tables say '{caption}'"
    return [[words(cell) for cell in row] for row in found[0].iter("tr")]


@pytest.fixture(scope="module")
def page() -> ElementTree.Element:
    return parse(full_results())


@pytest.fixture(scope="module")
def hidden() -> ElementTree.Element:
    return parse(withheld_results())


def test_sections_come_in_the_order_of_an_appendix(page) -> None:
    assert [words(h) for h in page.iter("h2")] == [
        "Flow of people",
        "Table 1: who was compared",
        "Balance",
        "Overlap of the scores",
        "Effects",
        "Subgroups",
        "Hidden bias",
        "The match",
        "Before matching",
        "Input rows",
        "What was assumed",
        "Methods",
        "Provenance",
    ]
    assert words(page.find(".//p[@class='label']")) == "abstract-calibrated reconstruction"


def test_the_answer_names_both_arms_and_quotes_the_adjusted_clustered_odds_ratio(page) -> None:
    assert words(page.find(".//p[@class='answer']")) == (
        "Among 4,195 matched pairs, “Began opioids within 12 months”: 7.9% in Digital programme against 13.6% in "
        "Physical therapy; adjusted odds ratio 0.52 (95% interval 0.45 to 0.60)."
    )


def test_the_verdict_holds_the_truth_against_the_unadjusted_interval(page) -> None:
    box = words(page.find(".//div[@class='box covered']"))
    assert "0.57. The 95% interval of the unadjusted odds ratio, 0.47 to 0.62, covers it." in box
    rows = table(page, "The planted truth and what was found")
    assert ["Difference per 100 people, unadjusted", "−5.10", "−5.63 (−9.17 to −2.08)", "yes"] in rows  # noqa: RUF001
    assert ["% of people, Digital programme", "8.0%", "7.9% (7.1 to 8.7)", "yes"] in rows


def test_a_truth_outside_the_interval_is_called_missed() -> None:
    results = full_results()
    results["truth"]["odds_ratio"] = 0.63
    page = parse(results)
    assert "does not cover it" in words(page.find(".//div[@class='box missed']"))
    assert page.find(".//div[@class='box covered']") is None


def test_without_a_truth_the_page_does_not_speak_of_one() -> None:
    html = render_report({**full_results(), "truth": None}, manifest())
    assert "planted truth" not in html.lower()


def test_the_flow_tells_how_many_each_criterion_left_out(page) -> None:
    flow = [words(text) for text in page.iter("{http://www.w3.org/2000/svg}text")]
    assert "906 left out" in flow  # 6,120 - 5,214 treated
    assert "254 left out" in flow  # 18,204 - 17,950 comparators
    assert "nobody left out" in flow  # 4,283 - 4,283 treated
    assert "4,195 matched pairs" in flow
    assert "treated without a twin inside block and caliper: 88" in flow


def test_attrition_keeps_words_of_the_arms_apart_and_has_nothing_to_drop_at_the_entry(page) -> None:
    rows = table(page, "People left")
    assert ["Came into the arm at any time", "6,120", "35,990", "–", "–"] in rows  # noqa: RUF001
    assert [
        "Digital programme: No rule for this arm; Physical therapy: Not on the roster of the programme",
        "4,283",
        "17,950",
        "4,883",
        "18,550",
    ] in rows


def test_table_one_and_balance_put_before_and_after_under_their_headings(page) -> None:
    means = table(page, "Means of the covariates")
    assert means[0] == ["", "Before matching", "After matching"]
    assert ["People", "4,283", "17,950", "4,195", "4,195"] in means
    assert ["Effective sample size", "4,283", "17,950", "4,195", "4,195"] in means
    assert ["Sex: female", "64.1%", "55.4%", "63.9%", "63.4%"] in means
    assert ["Office visits", "6.83", "5.12", "6.71", "6.55"] in means
    balance = table(page, "Standardised mean differences")
    assert ["Age", "−0.312", "−0.009", "0.87", "0.98"] in balance  # noqa: RUF001
    assert ["Sex: female", "0.179", "0.011", "–", "–"] in balance  # noqa: RUF001
    bold = [words(row[0]) for row in page.iter("tr") if row.get("class") == "strong" and words(row[1]) == "0.131"]
    assert bold == ["Injection visits"]
    assert "0.447 (Office visits) before matching, 0.124 (Injection visits) after. One covariate is" in words(page)


def test_each_effect_stands_beside_its_model_and_the_published_figure(page) -> None:
    rows = table(page, "Began opioids within 12 months: effects")
    assert rows[1:] == [
        ["Odds ratio", "unadjusted", "ordinary", "0.54", "0.47 to 0.63", "<0.001"],
        ["Odds ratio", "unadjusted", "pair-clustered", "0.54", "0.47 to 0.62", "<0.001"],
        ["Odds ratio", "adjusted", "ordinary", "0.52", "0.45 to 0.60", "<0.001"],
        ["Odds ratio", "adjusted", "pair-clustered", "0.52", "0.45 to 0.60", "<0.001"],
        ["Risk ratio", "unadjusted", "ordinary", "0.58", "0.51 to 0.66", "<0.001"],
        ["Risk difference, percentage points", "unadjusted", "ordinary", "−5.75", "−7.07 to −4.42", "<0.001"],  # noqa: RUF001
        ["Odds ratio", "published: adjusted odds ratio of the abstract", "–", "0.53", "0.44 to 0.61", "–"],  # noqa: RUF001
        ["Odds ratio", "planted truth", "–", "0.57", "–", "–"],  # noqa: RUF001
    ]
    counts = table(page, "Opioid prescriptions: effects")
    assert ["Difference per 100 people", "unadjusted", "pair-clustered", "−5.63", "−9.17 to −2.08", "0.002"] in counts  # noqa: RUF001
    assert "Left out of the adjusted models: Census region: west" in words(page)


def test_the_press_reading_is_one_minus_the_risk_ratio_and_says_so(page) -> None:
    box = words(page.find(".//div[@aria-label='Press reading']"))
    assert "“42% less likely”: this is 1 − risk ratio = 42.1% (95% interval 34.2 to 49.1), unadjusted." in box  # noqa: RUF001
    rows = table(page, "Began opioids within 12 months: effects")
    assert not any("42.1" in cell or "42%" in cell for row in rows for cell in row)


def test_other_models_stand_unadjusted_beside_adjusted_and_say_what_they_are(page) -> None:
    rows = table(page, "Began opioids within 12 months: unadjusted beside adjusted, by all models")
    assert rows[1:] == [
        ["Two-by-two table", "People treated for one event fewer or more", "ordinary", "17.4 (14.2 to 22.6)", "–"],  # noqa: RUF001
        ["Poisson regression", "Risk ratio", "pair-clustered", "0.58 (0.51 to 0.66)", "0.56 (0.50 to 0.64)"],
        ["McNemar, discordant pairs", "Odds ratio", "within pairs", "0.54 (0.47 to 0.62)", "–"],  # noqa: RUF001
    ]
    counts = table(page, "Opioid prescriptions: unadjusted beside adjusted, by all models")
    assert counts[2][3] == "not estimable: the model does not converge"
    assert "one person fewer with the outcome for every 17.4 people in the treated arm (95% interval 14.2 to 22.6)" in (
        words(page)
    )


def test_the_main_model_leads_the_table_of_all_models() -> None:
    results = full_results()
    for row in results["effects"]:
        row["model"] = {"odds_ratio": "logit", "difference_per_scale": "ols"}.get(row["measure"], "table")
    rows = table(parse(results), "Began opioids within 12 months: unadjusted beside adjusted")
    assert rows[1] == ["Logistic regression", "Odds ratio", "ordinary", "0.54 (0.47 to 0.63)", "0.52 (0.45 to 0.60)"]
    assert rows[2][2] == "pair-clustered"
    assert rows[3][0] == "Two-by-two table"


def test_groups_with_their_counts_the_tests_corrected_and_the_pools(page) -> None:
    rows = table(page, "Began opioids within 12 months: group by group")
    assert rows[1:] == [
        ["Body region", "Back", "2,270, 184", "2,270, 322", "0.53 (0.44 to 0.65)"],
        ["Body region", "Hip", "214, withheld", "214, withheld", "withheld: small cell"],
    ]
    assert table(page, "do groups differ, and pooled")[1] == [
        "Body region", "4 of 5", "0.031", "0.062", "0.047", "0.55 (0.47 to 0.63)", "0.55 (0.46 to 0.65)", "28%",
    ]  # fmt: skip
    assert "(2 of them), the unadjusted odds ratio moves between 0.54 and 0.55." in words(page)


def test_a_division_of_many_groups_is_in_the_csv_only() -> None:
    results = full_results()
    group = results["subgroups"]["groups"][0]
    results["subgroups"]["groups"] += [{**group, "by": "employer_id", "level": f"E{k}"} for k in range(26)]
    page = parse(results)
    assert len(table(page, "group by group")) == 3
    assert "More than 25 groups, in tables/subgroups.csv only: Employer." in words(page)


def test_hidden_bias_by_four_tables_and_what_negative_controls_say(page) -> None:
    title = "Began opioids within 12 months"
    assert table(page, "E-values")[1] == [title, "0.52 (0.45 to 0.60)", "3.25", "2.71"]
    assert table(page, "Tipping points")[1:] == [
        [title, "40%", "20%", "57.30", "10.91"],
        [title, "30%", "20%", "–", "–"],  # noqa: RUF001
    ]
    assert table(page, "were there such a confounder")[1] == [title, "20%", "40%", "2.00", "0.61 (0.53 to 0.70)"]
    assert table(page, "Rosenbaum")[1:] == [
        [title, "McNemar", "1.50", "<0.001 and 0.004"],
        [title, "McNemar", "1.63", "0.05 at most"],
        ["Opioid prescriptions", "signed rank", "not estimable: no pair differs", "–"],  # noqa: RUF001
    ]
    assert table(page, "calibrated by the negative controls")[1] == [title, "0.51", "0.41 to 0.63", "<0.001"]
    assert "has a mean of 0.021 and a standard deviation of 0.087; its expected size is 0.071." in words(page)
    assert table(page, "Smallest effect that 4,195 pairs")[1] == [title, "13.6%", "−2.03", "0.85", "80%", "5%"]  # noqa: RUF001


def test_too_few_negative_controls_are_said_and_results_without_the_part_have_no_section() -> None:
    results = full_results()
    results["sensitivity"] |= {"null": None, "null_note": "fewer than 5 negative controls with an estimate"}
    assert "Negative controls: not estimable: fewer than 5" in words(parse(results))
    del results["sensitivity"]
    assert "Hidden bias" not in words(parse(results))


def test_a_harmful_effect_is_not_read_as_less_likely() -> None:
    results = full_results()
    row = next(row for row in results["effects"] if row["measure"] == "relative_reduction")
    row |= {"estimate": -30.4, "low": -55.1, "high": -9.3}
    points = next(row for row in results["effects"] if row["measure"] == "risk_difference")
    points |= {"estimate": 5.7, "low": 4.4, "high": 7.1}
    page = parse(results)
    box = words(page.find(".//div[@aria-label='Press reading']"))
    assert "“30% more likely”" in box
    assert "less" not in box
    assert "one person more with the outcome for every 17.4 people" in words(page)


def test_arms_the_treated_first_with_every_figure_in_its_column(page) -> None:
    rows = table(page, "Opioid prescriptions: each arm after matching")
    assert rows[1] == ["Digital programme", "4,195", "331", "7.89%", "7.07 to 8.71", "702", "16.73", "0.87"]
    assert rows[2][0] == "Physical therapy"
    before = table(page, "Outcomes of all eligible people before matching")
    assert before[2][:5] == ["Began opioids within 12 months", "Physical therapy", "17,950", "3,010", "16.77%"]


def test_the_match_its_reasons_checks_and_blocks(page) -> None:
    rows = table(page, "Pairs, people without a twin, caliper")
    assert ["Caliper", "0.2 SD of the logit (0.1230)"] in rows
    assert ["Without a twin: outside caliper", "69"] in rows
    assert ["Back", "2,311", "9,120", "2,270"] in table(page, "Pairs by block")
    assert [row[1] for row in table(page, "Checks of the match")[1:]] == ["0"] * 5


def test_input_rows_assumptions_and_versions(page) -> None:
    assert ["eligibility", "End before start", "", "", "31"] in table(page, "Input rows accepted")
    assert "Rows rejected: 45 of 139,518." in words(page)
    assert ["matching.caliper_sd", "0.2", "our choice", "0.1; none"] in table(page, "Choices that a reader may dispute")
    made_from = table(page, "What this result was made from")
    assert ["Table eligibility", "version 3, stamp aa11bb22cc33"] in made_from
    assert ["Libraries", "pyspark 4.2.0, numpy 2.4.1"] in made_from
    assert made_from[1][0] == "Hash of the results"


def test_methods_give_every_window_of_the_protocol_in_days(page) -> None:
    methods = words(page.find(".//dl"))
    for told in (
        "a service of 97001-97004, 97010-97799, with a diagnosis of a body region",
        "medical and pharmacy benefits on every day from 365 days before to 366 days after index (gaps of up",
        "No drug of the list “opioid” dispensed in the 180 days before index, the index day not counted",
        "those of the 270 days before index",
        "inside blocks of equal body region; caliper: 0.2 SD of the logit",
        "dispensings of the list “opioid” on days 1 to 364 after index; at least one counts",
        "days with surgery care on days 0 to 99 after index; all are counted",
        "adjusted for age and office visits, each with ordinary errors and with pair-clustered errors",
        "a count of 1 to 10 people",
    ):
        assert told in methods


def test_the_methods_tell_an_order_a_distance_and_calipers_of_their_own() -> None:
    results = full_results()
    results["protocol"]["matching"] |= {
        "order": "closest", "distance_covariates": ["age", "office_visits"],
        "covariate_calipers": {"age": 5, "office_visits": -2},
    }  # fmt: skip
    text = words(parse(results))
    assert "nearest by Mahalanobis distance (covariance within arms, pooled) on Age and Office visits" in text
    assert "always the nearest couple that is still free" in text and "largest score first" not in text
    assert "Age at most 5 apart and Office visits at least 2 apart" in text


def test_without_a_protocol_the_methods_tell_what_the_results_know() -> None:
    results = full_results()
    del results["protocol"]
    titles = [words(title) for title in parse(results).iter("dt")]
    assert titles == ["Entry", "Score", "Match", "Models", "Small cells"]


def test_a_page_of_withheld_numbers_shows_none_of_them(hidden) -> None:
    for caption, width in (
        ("People left", 4),
        ("Means of the covariates", 4),
        ("Pairs by block", 3),
        ("Began opioids within 12 months: each arm", 7),
    ):
        body = [row for row in table(hidden, caption) if len(row) == width + 1][1:]
        assert {cell for row in body for cell in row[1:]} <= {"withheld", "–"}  # noqa: RUF001
    text = words(hidden)
    for number in ("4,195", "4,283", "17,950", "331", "572", "7.9", "0.54", "0.52", "42%", "88", "41,162", "<11"):
        assert not re.search(rf"(?<![\d,.]){re.escape(number)}(?![\d,])", text), number
    assert "No effect on “Began opioids within 12 months” can be shown (withheld: small cell)." in text
    assert "matched pairs, number withheld" in text


def test_one_withheld_step_of_the_flow_hides_the_losses_on_both_of_its_sides() -> None:
    results = full_results()
    results["attrition"][2]["remaining"] = None
    flow = [words(text) for text in parse(results).iter("{http://www.w3.org/2000/svg}text")]
    assert flow.count("number withheld") == 2
    assert "withheld" in flow
    assert "27 left out" not in flow  # 5,214 - 5,187
    assert "412 left out" not in flow  # 5,214 - 4,802: the sum of both
    assert "385 left out" not in flow  # 5,187 - 4,802


def test_a_large_number_withheld_for_another_is_not_called_small() -> None:
    results = full_results()
    results["matching"] |= {"pairs": None, "unmatched_treated": None}
    answer = words(parse(results).find(".//p[@class='answer']"))
    assert answer.startswith("Among the matched pairs, ")
    assert "<" not in answer


def test_an_effect_that_could_not_be_estimated_tells_why_and_is_not_called_withheld() -> None:
    results = full_results()
    for row in results["effects"]:
        if row["outcome"] == "any_opioid":
            row |= dict.fromkeys(("estimate", "low", "high", "p_value")) | {"note": "no events in the treated arm"}
    page = parse(results)
    assert "not estimable: no events in the treated arm" in words(page.find(".//p[@class='answer']"))
    cells = table(page, "Began opioids within 12 months: effects")[1]
    assert cells[3:] == ["not estimable: no events in the treated arm", "–", "–"]  # noqa: RUF001
    assert "could not be judged" in words(page)
    drawn = [image.get("alt") for image in page.iter("img")]
    assert not any(alt.startswith("Began opioids") for alt in drawn)
    assert any(alt.startswith("Opioid prescriptions") for alt in drawn)


def test_text_of_the_study_is_escaped_wherever_it_stands() -> None:
    nasty = "<b>A & B</b> \"quoted\" 'so'"
    results = full_results()
    results["study"] |= {"title": nasty, "label": nasty}
    results["arms"] = {"treated": nasty, "comparator": nasty + "2"}
    results["outcome_titles"]["any_opioid"] = nasty
    results["attrition"][0]["text"] = nasty
    results["assumptions"][0] |= {"alternatives": nasty}
    results["published"][0]["text"] = nasty
    results["matching"]["blocks"][0]["block"] = nasty
    html = render_report(results, {**manifest(), "code_version": nasty})
    assert "<b>" not in html
    page = ElementTree.fromstring(html)
    assert words(page.find(".//h1")) == nasty
    assert nasty in words(page.find(".//p[@class='answer']"))


def test_titles_without_end_do_not_leave_their_boxes() -> None:
    results = full_results()
    results["arms"]["treated"] = "A programme with a very long name " * 6
    results["attrition"][1]["text"] = "criterion " * 40
    for text in parse(results).iter("{http://www.w3.org/2000/svg}text"):
        assert len(words(text)) <= 60


def test_a_study_with_nothing_to_tell_is_still_a_page() -> None:
    bare = {
        "ingest": [],
        "outcomes": [],
        "effects": [],
        "published": [],
        "assumptions": [],
        "left_out": {},
        "truth": None,
    }
    results = {**full_results(), **bare}
    results["study"]["label"] = ""
    results["matching"] |= {"caliper_sd": None, "caliper": None, "block_keys": [], "blocks": [], "reasons": {}}
    page = parse(results)
    assert words(page.find(".//p[@class='answer']")) == "No effect was estimated."
    assert "Rows rejected: not counted." in words(page)
    assert "The study lists no assumption." in words(page)
    assert "in one block; caliper: none" in words(page)
    assert page.find(".//p[@class='label']") is None
    assert "candidates" not in {node.get("id") for node in page.iter()}


def test_nothing_is_fetched_and_nothing_runs(page) -> None:
    html = render_report(full_results(), manifest())
    assert "<script" not in html
    assert "url(" not in html
    assert "@import" not in html
    addresses = [node.get(key) for node in page.iter() for key in ("src", "href") if node.get(key)]
    assert addresses
    assert all(address.startswith(("data:image/svg+xml;base64,", "#")) for address in addresses)


def test_the_page_can_be_read_aloud(page) -> None:
    assert page.get("lang") == "en"
    ids = [node.get("id") for node in page.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert {a.get("href")[1:] for a in page.iter("a")} == set(ids)
    assert all(image.get("alt") for image in page.iter("img"))
    assert all(svg.get("aria-label") for svg in page.iter("{http://www.w3.org/2000/svg}svg"))
    for one in page.iter("table"):
        assert words(one.find("caption"))
        assert all(head.get("scope") in ("col", "colgroup", "row") for head in one.iter("th"))
        widths = {sum(int(cell.get("colspan", 1)) for cell in row) for row in one.iter("tr")}
        assert len(widths) == 1, words(one.find("caption"))


def test_the_same_results_give_the_same_bytes_whatever_the_order_of_their_keys() -> None:
    results = full_results()
    turned = {key: deepcopy(results[key]) for key in reversed(results)}
    turned["arms"] = dict(reversed(results["arms"].items()))
    assert render_report(turned, manifest()) == render_report(results, manifest())
