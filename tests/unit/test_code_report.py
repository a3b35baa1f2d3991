"""What a run tells of its code lists: which lists it asks for, what stays unnamed, and how the page says it."""

import csv
from io import StringIO
from xml.etree import ElementTree

import pytest
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import parse_range
from claimtwin.codes.used import UsedList, each_once
from claimtwin.config.deployment import Env
from claimtwin.config.load import load_configuration
from claimtwin.report.code_tables import code_files, code_lines, code_tables, code_words
from claimtwin.report.page import render_report
from claimtwin.stats.withhold import at_least
from claimtwin.study.code_usage import usage_rows
from claimtwin.study.codebook import read_code_book
from claimtwin.study.used_lists import used_lists

from tests.support.results import full_results, manifest

ENV = Env(tables="a/b", output="c")
LISTS = (
    UsedList("opioid", ("washout", "outcome any"), "ndc", DrugList("opioid", frozenset({"00002035102"}), None)),
    UsedList("care emergency", ("covariates",), "revenue", (parse_range("0450-0459"), parse_range("0981"))),
    UsedList("own rules of criterion cancer", ("criterion cancer",), "diagnosis", "icd-10-cm:C50|icd-9-cm:174"),
    UsedList("comorbidities.hiv", ("comorbidity count",), "diagnosis", "comorbidities.hiv", False),
)
COUNTS = {
    ("ndc", "00002035102"): (500, 130), ("ndc", "00002035199"): (40, 23), ("ndc", "00002035198"): (90, 10),
    ("list ndc", "opioid"): (500, 130), ("revenue", "0450"): (19, 10), ("list revenue", "care emergency"): (19, 10),
    ("icd-10-cm", "I10"): (1000, 400),
}  # fmt: skip


@pytest.fixture(scope="module")
def usages():
    return usage_rows(LISTS, COUNTS, ENV)


def of(usages, name):
    return next(row for row in usages if row["list"] == name)


def test_counts_are_rounded_down_and_few_people_withheld(usages):
    """130 people are 11 x 11 and 9 more; 19 lines of 10 people would tell of few."""
    assert (of(usages, "opioid")["lines"], of(usages, "opioid")["people"]) == (495, 121)
    assert (of(usages, "care emergency")["lines"], of(usages, "care emergency")["people"]) == (None, None)
    assert [at_least(n, 11) for n in (0, 1, 10, 11, 21, 22)] == [0, None, None, 11, 11, 22]
    assert [at_least(n, 1) for n in (0, 1, 10, 11)] == [0, 1, 10, 11]


def test_a_near_code_of_few_people_is_counted_and_not_named(usages):
    row = of(usages, "opioid")
    assert [(near["code"], near["lines"], near["people"]) for near in row["near"]] == [("00002035199", 33, 22)]
    assert row["near_few"] == 1
    texts = [*code_files(usages).values(), code_words(usages), *code_lines(usages), str(code_tables(usages))]
    assert not any("00002035198" in text for text in texts)


def test_a_coding_system_that_no_line_states_has_no_row(usages):
    assert [row["kind"] for row in usages if row["list"].startswith("own rules")] == ["icd-10-cm"]
    assert of(usages, "own rules of criterion cancer")["idle"] == ["C50"]


def test_what_is_said_names_lists_that_the_study_asks_for_and_no_code(usages):
    said = code_lines(usages)
    assert said[0].startswith("codes: 2 of 4 lists of the study, and 3 of their 5 rules, meet no line")
    assert said[0].endswith("2 codes almost meet one")
    assert said[1:] == ["warning: no line of the claims has a code of: own rules of criterion cancer"]
    assert code_lines([row for row in usages if row["met"]]) == [
        "codes: 0 of 2 lists of the study, and 1 of their 3 rules, meet no line of the claims; 2 codes almost meet one"
    ]


def test_files_hold_every_list_rule_and_named_code(usages):
    files = {name: list(csv.DictReader(StringIO(text))) for name, text in code_files(usages).items()}
    assert [row["list"] for row in files["code_lists.csv"]] == [one.name for one in LISTS]
    assert files["code_lists.csv"][1] | {"used_for": ""} == {
        "list": "care emergency", "used_for": "", "kind": "revenue", "rules": "2", "met": "1", "lines": "withheld",
        "people": "withheld", "near": "0", "near_few": "0",
    }  # fmt: skip
    assert [row["rule"] for row in files["idle_codes.csv"] if row["kind"] == "revenue"] == ["0981"]
    assert [row["why"] for row in files["near_codes.csv"]] == ["another package of a listed product"]


def test_the_page_folds_the_lists_away_and_without_any_says_nothing(usages):
    page = ElementTree.fromstring(render_report(full_results(), manifest(), usages))
    fold = page.find(".//details")
    captions = ["".join(caption.itertext()) for caption in fold.iter("caption")]
    assert captions == [
        "Code lists in the claims", "Codes that almost meet a list", "Rules that no code of the claims meets"
    ]  # fmt: skip
    assert [a.text for a in page.iter("a") if a.get("href") == "#codes"] == ["Code lists"]
    plain = render_report(full_results(), manifest())
    assert "<details" not in plain and "#codes" not in plain


def test_a_study_uses_each_list_once_whatever_for(tmp_path):
    (tmp_path / "opioids.csv").write_text("NDC\n00002035102\n")
    (tmp_path / "env.yaml").write_text(
        f"tables: {tmp_path}/t\noutput: {tmp_path}/o\ncode_lists: {{opioid: {{path: {tmp_path}/opioids.csv}}}}\n"
    )
    rule = "[{name: no_cancer, window: [-365, -1], diagnosis: [C50, 'icd-9-cm:174']}]"
    protocol, env = load_configuration("jpr_s412081", str(tmp_path / "env.yaml"), [f"study.criteria={rule}"])
    found = {(one.name, one.kind): one for one in used_lists(protocol, read_code_book(protocol, env))}
    assert found["opioid", "ndc"].used_for == ("washout", "outcome any_opioid", "outcome opioid_fills")
    assert found["physical_therapy", "hcpcs"].used_for == ("arm physical_therapy", "covariates")
    assert ("care therapy", "hcpcs") not in found
    assert {kind for name, kind in found if name == "care emergency"} == {"hcpcs", "revenue", "place"}
    assert found["own rules of criterion no_cancer", "diagnosis"].rules == "icd-10-cm:C50|icd-9-cm:174"
    assert not found["comorbidities.hiv", "diagnosis"].needed


def test_a_list_that_is_needed_somewhere_is_needed():
    lists = [UsedList(f"n{k}", (f"use {k}",), "diagnosis", "conditions.cancer", needed=k == 1) for k in range(2)]
    assert each_once(lists) == (UsedList("n0", ("use 0", "use 1"), "diagnosis", "conditions.cancer", True),)
