"""The shipped code lists against the official code list, the map from ICD-9 to ICD-10, and other people's words."""

import csv
import json
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from claimtwin.codes.rules import SYSTEMS, classify_diagnoses, diagnosis_groups, group_flags, group_names

from tests.support.shared import shared_data

LISTS = ("body_regions", "comorbidities")
ALL_LISTS = (*LISTS, "elixhauser", "conditions", "charlson", "van_walraven", "elixhauser_refined")
"""The last in ICD-10-CM only."""
WORDS = {
    "neck": "cervic|neck|occipit",
    "back": "thorac|lumb|sacr|back|dors",
    "shoulder": "shoulder|rotator|humer|biceps|bicipital",
    "hip": r"\bhips?\b|trochant|psoas|iliac|glute",
    "knee": "knee|patell|menisc|popliteal",
}


def read(name):
    with (shared_data("icd10-ccsr-gem") / name).open(newline="") as lines:
        return list(csv.DictReader(lines))


def images():
    """Codes that each ICD-9 code becomes in ICD-10, as the official map has it."""
    found = defaultdict(list)
    for row in read("icd9toicd10cmgem.csv"):
        if row["no_map"] == "0":
            found[row["icd9cm"]].append(row["icd10cm"])
    return found


def real_codes(system):
    if system == "icd-9-cm":
        return list(images())
    text = (shared_data("icd10-ccsr-gem") / "icd10cm-code-list-April-2026.txt").read_text()
    return [code for code in text.split() if "-" not in code and len(code) > 2]


def grouped(codes, name, system):
    names = group_names(name)
    return [names[k] if k >= 0 else None for k in classify_diagnoses(codes, name, system)]


@pytest.mark.parametrize(("name", "system"), [(name, system) for name in ALL_LISTS for system in SYSTEMS][:-1])
def test_every_rule_finds_a_real_code(name, system):
    codes = real_codes(system)
    idle = [
        (group, span.low)
        for group, span in diagnosis_groups(name, system)
        if not any(span.low <= code[: len(span.low)] <= span.high for code in codes)
    ]
    assert not idle


def all_groups(codes, name, system):
    """Every group of each code."""
    names = group_names(name)
    return [{names[k] for k in np.flatnonzero(met)} for met in group_flags(codes, name, system)]


def fates(name, groups=grouped):
    """Of each ICD-9 code its group, and the groups of its images."""
    mapped = images()
    news = sorted({new for codes in mapped.values() for new in codes})
    theirs = dict(zip(news, groups(news, name, "icd-10-cm"), strict=True))
    ours = groups(list(mapped), name, "icd-9-cm")
    return [(old, group, [theirs[new] for new in mapped[old]]) for old, group in zip(mapped, ours, strict=True)]


@pytest.mark.parametrize("name", LISTS)
def test_a_disease_stays_in_its_group_when_the_coding_changes(name):
    """An ICD-9 code that has a group is in every group of its images; the table has two codes in a second one too."""
    fate = Counter()
    for old, groups, theirs in fates(name, all_groups):
        found = set().union(*theirs)
        assert not groups or found <= groups, old
        assert len(groups) < 2 or old in ("40403", "40413", "40493", "4373")
        fate[bool(groups & found)] += bool(groups)
    assert fate[True] / fate.total() > 0.9


@pytest.mark.parametrize(
    ("group", "elsewhere"),
    [
        ("tobacco", {"29289"}),  # withdrawal of any drug
        ("anxiety", set()),
        (
            "mental_health",
            {"2982", "3089", "30921", "30922", "30923", "30929"},
        ),  # of childhood; dissociation; a symptom
    ],
)
def test_illness_of_the_mind_and_tobacco_are_alike_in_both_systems(group, elsewhere):
    """By the official map, codes of one system have their images in the same group, but for those that are named."""
    differ, held = set(), 0
    for old, ours, theirs in fates("conditions", all_groups):
        held += group in ours
        differ |= {old for image in theirs if (group in image) != (group in ours)}
    assert differ == elsewhere
    assert held >= 2


def test_no_region_is_lost_in_icd_9():
    for old, group, theirs in fates("body_regions"):
        assert group in theirs or len(set(theirs)) > 1 or set(theirs) == {None}, old


def test_regions_agree_with_the_words_of_public_lists():
    """Where a public list describes a code of ours by a part of the body, it is the part that we say."""
    seen = Counter()
    for path in sorted(shared_data("unc-opioid-codelists").glob("*_pain_dx_icd.csv")):
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            rows = [row for row in csv.DictReader(lines) if row["ver"].strip() == "10"]
        codes = [row["icd_cm"].strip() for row in rows]
        for row, region in zip(rows, grouped(codes, "body_regions", "icd-10-cm"), strict=True):
            said = {part for part, words in WORDS.items() if re.search(words, row["icd_cm_label"].lower())}
            assert not region or not said or region in said, row["icd_cm"]
            seen[region] += bool(said)
    assert min(seen[region] for region in WORDS) > 40


def test_regions_are_of_the_muscles_and_joints():
    """The official chapters of all codes with a region: musculoskeletal, injuries, malformations, one symptom."""
    chapters = json.loads((shared_data("icd10-ccsr-gem") / "dx_cat1_mapping.json").read_text())
    regions = grouped(list(chapters), "body_regions", "icd-10-cm")
    found = Counter(chapters[code][:3] for code, region in zip(chapters, regions, strict=True) if region)
    assert set(found) == {"MUS", "INJ", "MAL", "SYM"}
    assert found["SYM"] == 1
    assert found["MUS"] > 400


@pytest.mark.parametrize(
    ("group", "name", "lost"),
    [
        ("cancer", "cdc-malignant-cancer-conditions", r"C44|D|G893"),
        ("sickle_cell", "sickle-cell-diseases", r""),
        ("opioid_use_disorder", "opioid-misuse-disorders", r""),
    ],
)
def test_conditions_hold_the_codes_of_the_published_value_sets(group, name, lost):
    """All codes of a value set but those left out on purpose: other skin cancer, other blood disease, pain."""
    told = json.loads((shared_data("cdc-opioid-cds-valuesets") / f"{name}.json").read_text())["expansion"]["contains"]
    codes = [c["code"].replace(".", "") for c in told if "icd-10" in c["system"] and "-" not in c["code"]]
    missed = [c for c, g in zip(codes, grouped(codes, "conditions", "icd-10-cm"), strict=True) if g != group]
    assert len(codes) > 40
    assert [c for c in missed if len(c) > 3 and not (lost and re.match(lost, c))] == []
