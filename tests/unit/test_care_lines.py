"""Which lines make an episode: by kind of service, by place of service, and by which diagnosis tells the region."""

import pyarrow as pa
import pytest
from claimtwin.codes.rules import care_families
from claimtwin.config.histories import EpisodeRules
from claimtwin.spark.blocks import empty_payload
from claimtwin.spark.histories import _care, _courses_of_block, _episodes_of_block
from pydantic import ValidationError

# day, service, place, first and second diagnosis
LINES = [
    (1, "99213", "11", "M5450", None), (2, "97161", "22", "I10", "M5450"), (3, "99213", "02", "M5450", None),
    (4, "72148", "10", "I10", None), (5, "72148", "19", "M1711", "M5450"), (6, None, None, "M5450", None),
    (7, "99283", "23", "M5450", None), (8, "20610", "20", "M1711", None), (9, "73560", "21", "M1711", None),
    (10, "97161", "50", "M5450", None), (12, "97161", "11", "M5450", None), (60, "97161", "11", "M5450", None),
]  # fmt: skip


def medical():
    """The lines as a block holds them, all of one member."""
    column = lambda k: pa.array([row[k] for row in LINES], pa.string()).dictionary_encode()  # noqa: E731
    told = {
        "member": pa.array([0] * len(LINES), pa.int32()),
        "claim_start_date": pa.array([row[0] for row in LINES], pa.int32()).cast(pa.date32()),
        "diagnosis_code_type": pa.array(["icd-10-cm"] * len(LINES)).dictionary_encode(),
        "hcpcs_code": column(1), "place_of_service_code": column(2),
        "diagnosis_code_1": column(3), "diagnosis_code_2": column(4),
    }  # fmt: skip
    empty = empty_payload("medical_claim").schema
    return pa.table({
        field.name: told[field.name] if field.name in told else _nulls(field.type) for field in empty
    })  # fmt: skip


def _nulls(kind):
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    found = pa.nulls(len(LINES), plain)
    return found.dictionary_encode() if pa.types.is_dictionary(kind) else found


def days_making(**rules):
    found = _care(medical(), care_families(), EpisodeRules(**rules))
    return [row[0] for row, makes in zip(LINES, found.setting.tolist(), strict=True) if makes]


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        (["office"], [1, 3]),
        (["therapy"], [2, 10, 12, 60]),
        (["emergency"], [7]),
        (["other"], [4, 5, 6, 8, 9]),
        (["outpatient"], [2, 5]),
        (["telehealth"], [3, 4]),
        (["urgent_care"], [8]),
        (["health_center"], [10]),
        (["inpatient"], [9]),
        (["office", "outpatient"], [1, 2, 3, 5]),
        ([], []),
    ],
)
def test_a_setting_is_told_by_service_or_by_place(settings, days):
    assert days_making(settings=settings) == days


def test_places_leave_out_what_was_elsewhere_or_does_not_tell():
    assert days_making(settings=["office", "other"], places=["11", "19"]) == [1, 5]
    with pytest.raises(ValidationError):
        EpisodeRules(places=["2"])


@pytest.mark.parametrize(
    ("diagnosis", "regions"),
    [
        ("any", [0, 0, 0, -1, 4, 0, 0, 4, 4, 0, 0, 0]),
        ("primary", [0, -1, 0, -1, 4, 0, 0, 4, 4, 0, 0, 0]),
    ],
)
def test_the_region_is_that_of_the_first_diagnosis_or_of_the_first_that_has_one(diagnosis, regions):
    found = _care(medical(), care_families(), EpisodeRules(diagnosis=diagnosis))
    assert found.region.tolist() == regions


def test_each_course_of_therapy_has_its_visits_and_its_days():
    tables = {"members": pa.table({"person_id": ["a"]}), "medical_claim": medical()}
    rules = EpisodeRules(therapy_gap_days=20)
    courses = _courses_of_block(tables, care_families(), rules).to_pylist()
    told = [(row["body_region"], row["start_date"].day, row["visits"], row["days"]) for row in courses]
    assert told == [("back", 3, 3, 11), ("back", 2, 1, 1)]
    episodes = _episodes_of_block(tables, care_families(), rules).to_pylist()
    back = next(row for row in episodes if row["body_region"] == "back")
    assert {row["episode_start_date"] for row in courses} == {back["start_date"]}
    assert (back["therapy_courses"], back["therapy_course_days"], back["therapy_days"]) == (2, 12, 4)
