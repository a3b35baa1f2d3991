"""Code rules on codes that public lists are known to lose or to misplace, and the lists' own order and shape."""

from itertools import combinations

import numpy as np
import pytest
from claimtwin.codes.drugs import read_drug_list
from claimtwin.codes.rules import (
    FAMILIES,
    SYSTEMS,
    Range,
    care_families,
    classify_diagnoses,
    diagnosis_groups,
    group_flags,
    group_names,
    in_ranges,
    own_diagnosis_flags,
    parse_range,
    procedures_of,
)
from claimtwin.config.deployment import CodeListFile
from claimtwin.errors import ConfigError
from claimtwin.kernel.index_events import REGION_NAMES
from hypothesis import given, settings
from hypothesis import strategies as st


def grouped(codes, system="icd-10-cm", name="body_regions"):
    names = group_names(name)
    return [names[k] if k >= 0 else None for k in classify_diagnoses(codes, name, system)]


def test_children_born_later_stay_in_their_region():
    assert grouped(["M545", "M54.50", "M54.51", "M54.59", "M48062", "M51370"]) == ["back"] * 6


def test_the_digit_tells_neck_from_back():
    assert grouped(["M5412", "M5416", "M47812", "M47816", "M542"]) == ["neck", "back", "neck", "back", "neck"]


def test_other_codes_have_no_region():
    assert grouped(["I10", "", None, "M2552", "M47014", "M5410"]) == [None] * 6


def test_an_achilles_tendon_is_no_knee():
    assert grouped(["S86011A", "S83511A", "M7651"]) == [None, "knee", "knee"]


def test_systems_are_not_mixed():
    assert grouped(["7242", "M545"], "icd-9-cm") == ["back", None]


def test_the_fifth_digit_tells_the_joint_in_both_systems():
    assert grouped(["71941", "71945", "71946", "71947"], "icd-9-cm") == ["shoulder", "hip", "knee", None]
    assert grouped(["M25511", "M25551", "M25561", "M25571"]) == ["shoulder", "hip", "knee", None]


def test_hypertensive_heart_and_kidney_disease_counts_as_in_the_table():
    """As Quan's table has it: only the old code of both organs stands for the kidney too."""
    names = np.array(group_names("comorbidities"))
    found = [
        [set(names[met]) for met in group_flags(codes, "comorbidities", system)]
        for system, codes in zip(SYSTEMS, (["I110", "I132", "I1311"], ["40291", "40493", "40492"]), strict=True)
    ]
    heart, kidney = {"heart_failure"}, {"renal"}
    assert found == [[heart, heart, kidney], [heart, heart | kidney, kidney]]


def test_physical_therapy_asks_for_its_modifier_where_others_share_the_code():
    therapy = procedures_of("physical_therapy")
    assert in_ranges(["97161", "97110", "97151", "98940"], therapy.alone).tolist() == [True, False, False, False]
    assert in_ranges(["97110", "97161"], [span for span, _ in therapy.with_modifier]).tolist() == [True, False]


def test_each_family_has_codes_and_no_code_has_two_families():
    ranges = [(name, span) for name, family in care_families().items() for span in family.alone]
    ranges += [(name, span) for name, family in care_families().items() for span, _ in family.with_modifier]
    assert {name for name, _ in ranges} == set(FAMILIES)
    assert not [(a, b) for a, b in combinations(ranges, 2) if a[0] != b[0] and overlap(a[1], b[1])]


@pytest.mark.parametrize(
    ("name", "system"), [("body_regions", "icd-10-cm"), ("body_regions", "icd-9-cm"), ("comorbidities", "icd-10-cm")]
)
def test_no_diagnosis_has_two_groups(name, system):
    rules = diagnosis_groups(name, system)
    assert not [(a, b) for a, b in combinations(rules, 2) if overlap(a[1], b[1])]


def overlap(one, other):
    return len(one.low) == len(other.low) and one.low <= other.high and other.low <= one.high


def test_regions_are_numbered_as_the_kernel_numbers_them():
    assert group_names("body_regions") == REGION_NAMES


def test_a_list_of_ones_own_may_overlap():
    codes = ["97001", "97003", "97500", "9700", "970011", "98000", None, ""]
    rules = procedures_of(["97001-97999", "97002-97004", "97003"])
    assert in_ranges(codes, rules.alone).tolist() == [True, True, True, *[False] * 5]


@pytest.mark.parametrize("text", ["97010-9799", "97799-97010", "", "-"])
def test_a_rule_that_is_no_range_is_refused(text):
    with pytest.raises(ConfigError):
        parse_range(text)


def test_a_list_that_nobody_ships_is_refused_by_name():
    with pytest.raises(ConfigError, match="massage"):
        procedures_of("massage")


digits = st.text("0129AZ", min_size=1, max_size=4)
spans = st.lists(st.tuples(digits, digits).filter(lambda ends: len(ends[0]) == len(ends[1])), max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text("0129AZ", max_size=5)), max_size=8), spans)
def test_a_code_is_in_a_range_or_it_is_not(codes, ends):
    ranges = [Range(*sorted(pair)) for pair in ends]
    hand = [any(c is not None and len(c) == len(r.low) and r.low <= c <= r.high for r in ranges) for c in codes]
    assert in_ranges(codes, ranges).tolist() == hand


def drug_list(tmp_path, text, digits=None, column="NDC"):
    path = tmp_path / "list.csv"
    path.write_bytes(text)
    return read_drug_list("opioid", CodeListFile(path=str(path), column=column, match_digits=digits))


def test_quotes_hyphens_byte_order_marks_and_foreign_letters_do_no_harm(tmp_path):
    text = b"\xef\xbb\xbfNDC,maker\n'00002035102',\xe9t\xe9\n2-3510-3,x\n00002-3510-04,\n,\n"
    found = drug_list(tmp_path, text)
    assert found.codes == {"00002035102", "00002351003", "00002351004"}
    assert found.holds(["00002035102", "2035102", None]).tolist() == [True, False, False]


def test_leading_digits_may_be_enough(tmp_path):
    found = drug_list(tmp_path, b"NDC\n00002035102\n000020352\n", 9)
    assert found.holds(["00002035199", "00002035200", "00002035300"]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    "text", [b"NDC\n2035102\n00002035103\n", b"NDC\nmorphine\n", b"ndc\n00002035103\n", b"NDC\n,\n", b""]
)
def test_a_list_that_could_not_match_is_refused(tmp_path, text):
    with pytest.raises(ConfigError) as refused:
        drug_list(tmp_path, text)
    assert "2035102" not in str(refused.value)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="missing"):
        read_drug_list("opioid", CodeListFile(path=str(tmp_path / "none.csv")))


def test_a_rule_of_a_whole_code_holds_no_longer_one_and_no_other_system():
    rules = "icd-9-cm:=4280|icd-10-cm:I50|icd-9-cm:250"
    codes = ["4280", "42801", "428", "25000", None, "I509", "428.0"]
    assert own_diagnosis_flags(codes, rules, "icd-9-cm").tolist() == [True, False, False, True, False, False, True]
    assert own_diagnosis_flags(codes, rules, "icd-10-cm").tolist() == [False] * 5 + [True, False]
    assert own_diagnosis_flags(["4280", "42801", None], "icd-9-cm:=4280", "icd-9-cm").tolist() == [True, False, False]
