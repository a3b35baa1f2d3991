"""Code rules on codes that public lists are known to lose or to misplace."""

from claimtwin.codes.rules import care_families, classify_diagnoses, group_names, in_ranges, procedures_of


def regions(codes, system="icd-10-cm"):
    names = group_names("body_regions")
    return [names[k] if k >= 0 else None for k in classify_diagnoses(codes, "body_regions", system)]


def test_children_born_later_stay_in_their_region():
    assert regions(["M545", "M54.50", "M54.51", "M54.59", "M48062", "M51370"]) == ["back"] * 6


def test_the_digit_tells_neck_from_back():
    assert regions(["M5412", "M5416", "M47812", "M47816", "M542"]) == ["neck", "back", "neck", "back", "neck"]


def test_other_codes_have_no_region():
    assert regions(["I10", "", None, "M2552", "M47014"]) == [None] * 5


def test_systems_are_not_mixed():
    assert regions(["7242", "M545"], "icd-9-cm") == ["back", None]


def test_physical_therapy_asks_for_its_modifier_where_others_share_the_code():
    therapy = procedures_of("physical_therapy")
    assert in_ranges(["97161", "97110", "97151", "98940"], therapy.alone).tolist() == [True, False, False, False]
    assert in_ranges(["97110", "97161"], [span for span, _ in therapy.with_modifier]).tolist() == [True, False]


def test_each_family_has_codes():
    assert all(family.alone or family.with_modifier for family in care_families().values())
