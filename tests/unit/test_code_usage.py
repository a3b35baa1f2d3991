"""What a list and a feed's codes make of each other, and lists whose groups overlap."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.codes.nearness import LONGER, MISPLACED, PACKAGE, SHORTER, SIGNS, UNMODIFIED, ZEROS, FeedCodes
from claimtwin.codes.rules import (
    SYSTEMS,
    Dated,
    Procedures,
    classify_diagnoses,
    diagnosis_groups,
    group_flags,
    group_names,
    parse_range,
    procedures_of,
)
from claimtwin.codes.usage import usage_of_drugs, usage_of_procedures, usage_of_rules
from claimtwin.spark.decode import family_of
from hypothesis import given
from hypothesis import strategies as st


def flagged(code, system="icd-10-cm", name="elixhauser"):
    row = group_flags([code], name, system)[0]
    return [group for group, met in zip(group_names(name), row, strict=True) if met]


def test_a_code_may_belong_to_two_groups_of_elixhauser():
    assert flagged("I42.6") == ["heart_failure", "alcohol"]
    assert flagged("K703") == ["liver", "alcohol"]
    assert flagged("40493", "icd-9-cm") == ["heart_failure", "hypertension", "renal"]
    assert flagged("M545") == flagged("I10", "icd-9-cm") == []


def test_groups_without_overlap_are_flagged_as_they_are_classified():
    codes = ["I21", "I502", "E119", "C50", "Z00", None]
    for name in ("comorbidities", "body_regions"):
        one = classify_diagnoses(codes, name, "icd-10-cm")
        flags = group_flags(codes, name, "icd-10-cm")
        assert np.where(one < 0, 0, 1).tolist() == flags.any(axis=1).astype(int).tolist()


@pytest.mark.parametrize(
    ("name", "system"),
    [*((name, system) for name in ("comorbidities", "elixhauser", "van_walraven") for system in SYSTEMS),
     ("elixhauser_refined", "icd-10-cm")],
)  # fmt: skip
def test_flags_are_what_every_rule_says_by_itself(name, system):
    """Codes at, before and behind both ends of every rule, longer and shorter ones, against each rule in turn."""
    rules, names = diagnosis_groups(name, system), group_names(name)
    ends = sorted({end for _, span in rules for end in (span.low, span.high)})
    codes = [*ends, *(end[:-1] for end in ends), *(f"{end}9" for end in ends), *(end[:-1] + "Z" for end in ends)]
    flags = group_flags(codes, name, system)
    for code, row in zip(codes, flags, strict=True):
        met = {g for g, s in rules if len(code) >= len(s.low) and s.low <= code[: len(s.low)] <= s.high}
        assert {group for group, has in zip(names, row, strict=True) if has} == met, code


def test_shipped_lists_may_be_named_by_an_arm():
    assert parse_range("H0020") in procedures_of("opioid_treatment").alone


def near_codes(usage):
    return [(one.code, one.why) for one in usage.near]


def test_idle_rules_and_near_misses_are_told():
    rules = [parse_range(text) for text in ("M545", "M47812-M47818", "M75")]
    feed = FeedCodes({"icd-10-cm": {"M5450": 10, "M5459": 5, "M54": 3, "M4781": 2, "I10": 9}})
    found = usage_of_rules("back", "icd-10-cm", rules, feed)
    assert (found.rules, found.hits) == (3, 15)
    assert found.idle == ("M47812-M47818", "M75")
    assert near_codes(found) == [("M54", SHORTER), ("M4781", SHORTER)]


def test_a_rule_behind_a_longer_one_is_not_idle():
    rules = [parse_range("M54"), parse_range("M545")]
    assert usage_of_rules("back", "icd-10-cm", rules, FeedCodes({"icd-10-cm": {"M5450": 1}})).idle == ()


def texts(least):
    return st.lists(st.from_regex(f"[A-C][0-2]{{{least},4}}", fullmatch=True))


@given(texts(1), texts(0))
def test_idle_rules_are_those_that_no_code_begins_with(codes, rules):
    ranges, feed = [parse_range(rule) for rule in rules], FeedCodes({"icd-10-cm": dict.fromkeys(codes, 1)})
    found = usage_of_rules("any", "icd-10-cm", ranges, feed)
    assert list(found.idle) == [rule for rule in rules if not any(code.startswith(rule) for code in codes)]
    assert found.hits == sum(any(code.startswith(rule) for rule in rules) for code in set(codes))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("97161", None), ("9716", SHORTER), ("971610", LONGER), ("97161GP", LONGER), ("97161-GP", SIGNS),
        ("97 161", SIGNS), ("97999", None), ("97999GP", None),
    ],
)  # fmt: skip
def test_procedures_are_met_whole(code, why):
    found = usage_of_rules("therapy", "hcpcs", [parse_range("97161-97164")], FeedCodes({"hcpcs": {code: 4}}))
    assert near_codes(found) == ([(code, why)] if why else [])
    assert found.hits == (4 if code == "97161" else 0)


@pytest.mark.parametrize(
    ("kind", "rule", "code", "stated", "why"),
    [
        ("revenue", "0450-0459", "450", "revenue", ZEROS),
        ("hcpcs", "00100-01999", "630", "hcpcs", ZEROS),
        ("icd-9-cm", "042", "42", "icd-9-cm", ZEROS),
        ("icd-9-cm", "042", "389", "icd-9-cm", None),
        ("icd-10-cm", "M54", "M545", "icd-9-cm", "stated as icd-9-cm"),
        ("icd-9-cm", "724", "7242", "icd-10-cm", "stated as icd-10-cm"),
        ("icd-10-cm", "E85", "E8500", "icd-9-cm", None),
        ("icd-10-cm", "M545", "M54-5", "icd-10-cm", SIGNS),
        ("icd-10-cm", "M54", "M54_5", "icd-9-cm", None),
    ],
)
def test_a_code_is_near_for_a_reason(kind, rule, code, stated, why):
    """E8500 may be a code of external causes, and 389 is hearing loss: what can be right is not near."""
    near = usage_of_rules("any", kind, [parse_range(rule)], FeedCodes({stated: {code: 1}})).near
    assert [(one.kind, one.code, one.why) for one in near] == ([(stated, code, why)] if why else [])


def test_a_modifier_that_is_never_there_is_told():
    """97110 counts alone, 97140 and 97150 with GP only; 97150 has it on some lines, 97140 on none."""
    spans = {code: parse_range(code) for code in ("97110", "97140", "97150")}
    asked = Procedures((spans["97110"],), ((spans["97140"], "GP"), (spans["97150"], "GP")))
    feed = FeedCodes({"hcpcs": {"97110": 5, "97140": 7, "97150": 3}, "hcpcs GP": {"97110": 4, "97150": 1}})
    found = usage_of_procedures("therapy", asked, feed)
    assert (found.rules, found.hits, found.idle) == (3, 6, ("97140 with GP",))
    assert near_codes(found) == [("97140", UNMODIFIED)]


def test_another_package_of_a_listed_product_is_near():
    feed = FeedCodes({"ndc": {"00002035102": 7, "00002035199": 3, "10002035102": 1}})
    found = usage_of_drugs("opioid", ["00002035102", "00002035103"], None, feed)
    assert (found.hits, found.idle, near_codes(found)) == (7, ("00002035103",), [("00002035199", PACKAGE)])
    nine = usage_of_drugs("opioid", ["000020351", "000020352"], 9, feed)
    assert (nine.hits, nine.idle, nine.near) == (10, ("000020352",), ())


def test_ten_digits_filled_up_at_the_wrong_place_are_near():
    """50458-579-01 is 50458-0579-01; filled up at the front its ten digits are 05045857901."""
    feed = FeedCodes({"ndc": {"05045857901": 2, "50458057901": 1, "05045857999": 1}})
    found = usage_of_drugs("opioid", ["50458057901"], None, feed)
    assert (found.hits, near_codes(found)) == (1, [("05045857901", MISPLACED)])


def test_a_code_counts_only_on_days_on_which_it_holds():
    days = ["2019-12-31", "2020-01-01", "2018-06-30", "2018-07-01", "2015-01-01", "2020-01-01"]
    codes = ["G2067", "G2080", "Q9991", "Q9992", "J2315", "99213"]
    text = lambda values: pa.array(values, pa.string()).dictionary_encode()  # noqa: E731
    table = pa.table({
        "hcpcs_code": text(codes), "hcpcs_modifier_1": text([None] * 6), "hcpcs_modifier_2": text([None] * 6),
        "claim_start_date": pa.array([date.fromisoformat(day) for day in days]),
    })  # fmt: skip
    met = family_of(table, "opioid_treatment", {"opioid_treatment": procedures_of("opioid_treatment")})
    assert met.tolist() == [False, True, False, True, True, False]


def test_a_code_may_end():
    rule = Dated(parse_range("97001-97002"), last=17166)
    assert rule.holds(np.array([-5000, 17166, 17167], np.int32)).tolist() == [True, True, False]
