"""What a list and a feed's codes make of each other, and lists whose groups overlap."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.codes.rules import (
    SYSTEMS,
    Dated,
    classify_diagnoses,
    diagnosis_groups,
    group_flags,
    group_names,
    parse_range,
    procedures_of,
)
from claimtwin.codes.usage import usage_of_drugs, usage_of_rules
from claimtwin.spark.decode import family_of


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


def test_idle_rules_and_near_misses_are_told():
    rules = [parse_range(text) for text in ("M545", "M47812-M47818", "M75")]
    found = usage_of_rules("back", rules, {"M5450": 10, "M5459": 5, "M54": 3, "M4781": 2, "I10": 9}, whole=False)
    assert (found.rules, found.hits) == (3, 15)
    assert found.idle == ("M47812-M47818", "M75")
    assert found.near == (("M54", 3), ("M4781", 2))


def test_a_rule_behind_a_longer_one_is_not_idle():
    rules = [parse_range("M54"), parse_range("M545")]
    assert usage_of_rules("back", rules, {"M5450": 1}, whole=False).idle == ()


@pytest.mark.parametrize(("code", "near"), [("97161", False), ("9716", True), ("971610", True), ("97999", False)])
def test_procedures_are_met_whole(code, near):
    found = usage_of_rules("therapy", [parse_range("97161-97164")], {code: 4}, whole=True)
    assert bool(found.near) is near
    assert found.hits == (4 if code == "97161" else 0)


def test_another_package_of_a_listed_product_is_near():
    found = usage_of_drugs("opioid", ["00002035102", "00002035103"], {"00002035102": 7, "00002035199": 3, "1": 1})
    assert (found.hits, found.idle, found.near) == (7, ("00002035103",), (("00002035199", 3),))


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
