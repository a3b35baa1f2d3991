"""Comorbidities of patients worked out by hand: every group of every list, and what must not count.

Codes were chosen by their titles in ICD-10-CM and ICD-9-CM; beside each stands a neighbour that the list leaves out.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.codes.rules import care_families, group_names, points_of
from claimtwin.config.load import load_configuration
from claimtwin.config.score import Score
from claimtwin.errors import ConfigError
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.comorbidity import count_groups, groups_met
from claimtwin.kernel.covariates import measure_extras
from claimtwin.schema.tables import arrow_schema
from claimtwin.spark.blocks import DAY, _numbered, empty_payload
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.columns import DIAGNOSES
from claimtwin.spark.decode import claims_of_block

INDEX = date(2020, 6, 10)
TEN, NINE = "icd-10-cm", "icd-9-cm"
YEAR = (-365, -1)


class Seen(NamedTuple):
    """One diagnosis of a patient: day relative to index, code, coding system, position on the line."""

    day: int
    code: str
    system: str | None = TEN
    place: int = 1


class Case(NamedTuple):
    """A code of a group and a neighbour that the group does not hold, in either system; null where none is asked."""

    code: str
    near: str
    old: str | None = None
    near_old: str | None = None


CHARLSON = {
    "myocardial_infarction": Case("I25.2", "I25.9", "410.71", "411.1"),
    "heart_failure": Case("I42.0", "I42.1", "428.0", "425.3"),
    "peripheral_vascular": Case("I73.9", "I73.00", "443.9", "443.0"),
    "cerebrovascular": Case("H34.00", "H34.10", "362.34", "362.33"),
    "dementia": Case("F03.90", "F04", "290.0", "294.0"),
    "chronic_pulmonary": Case("J44.9", "J68.0", "496", "506.3"),
    "rheumatic": Case("M05.79", "M31.4", "714.0", "714.3"),
    "peptic_ulcer": Case("K25.9", "K29.70", "533.90", "535.00"),
    "liver": Case("K70.30", "K75.4", "571.2", "573.0"),
    "diabetes": Case("E11.9", "E16.2", "250.00", "251.2"),
    "plegia": Case("G81.90", "G83.5", "342.90", "344.81"),
    "renal": Case("N18.6", "N17.9", "585.6", "584.9"),
    "cancer": Case("C50.911", "C44.91", "174.9", "173.90"),
    "hiv": Case("B20", "B25.9", "042", "V08"),
}
CHARLSON_POINTS = {
    "heart_failure": (2, Case("I50.9", "I51.9", "428.0", "425.3")),
    "dementia": (2, Case("G30.9", "G31.01", "331.2", "331.11")),
    "chronic_pulmonary": (1, Case("J45.909", "J68.0", "493.90", "506.3")),
    "rheumatic": (1, Case("M32.10", "M31.4", "710.0", "710.5")),
    "liver_mild": (2, Case("K76.0", "K75.4", "573.3", "573.0")),
    "liver_severe": (4, Case("K76.6", "K75.4", "572.3", "572.0")),
    "diabetes_complicated": (1, Case("E11.22", "E11.9", "250.40", "250.00")),
    "plegia": (2, Case("G82.20", "G83.5", "344.1", "344.81")),
    "renal": (1, Case("Z99.2", "N17.9", "V45.11", "584.9")),
    "cancer": (2, Case("C81.90", "C44.91", "201.90", "173.90")),
    "metastatic_cancer": (6, Case("C78.7", "C44.91", "197.7", "173.90")),
    "hiv": (4, Case("B20", "B25.9", "042", "V08")),
}
"""Points of Quan and others 2011, Table 2."""
ELIXHAUSER = {
    "heart_failure": Case("I50.9", "I51.9", "428.0", "429.9"),
    "arrhythmia": Case("I48.91", "I46.9", "427.31", "427.5"),
    "valvular": Case("I34.0", "I33.0", "424.0", "421.0"),
    "pulmonary_circulation": Case("I26.99", "I28.1", "415.19", "417.1"),
    "peripheral_vascular": Case("I70.209", "I73.00", "440.20", "443.0"),
    "hypertension": Case("I10", "I16.0", "401.9", "796.2"),
    "paralysis": Case("G82.20", "G83.5", "344.1", "344.81"),
    "other_neurological": Case("G40.909", "G43.909", "345.90", "346.90"),
    "chronic_pulmonary": Case("J45.909", "J68.0", "493.90", "506.3"),
    "diabetes": Case("E11.65", "E16.2", "250.40", "251.2"),
    "hypothyroidism": Case("E03.9", "E05.90", "244.9", "242.90"),
    "renal": Case("Z99.2", "N17.9", "V45.11", "584.9"),
    "liver": Case("K74.60", "K75.4", "571.5", "573.0"),
    "peptic_ulcer": Case("K25.7", "K25.4", "531.70", "531.40"),
    "hiv": Case("B20", "B25.9", "042", "V08"),
    "lymphoma": Case("C90.00", "C90.10", "203.00", "203.10"),
    "solid_tumor": Case("C34.90", "C44.91", "162.9", "173.90"),
    "rheumatic": Case("M06.9", "M31.4", "714.0", "729.1"),
    "coagulopathy": Case("D69.6", "D69.2", "287.5", "287.2"),
    "obesity": Case("E66.01", "E67.8", "278.01", "278.1"),
    "weight_loss": Case("R63.4", "R63.5", "783.21", "783.1"),
    "fluid_electrolyte": Case("E87.1", "E88.09", "276.1", "277.9"),
    "blood_loss_anemia": Case("D50.0", "D62", "280.0", "285.1"),
    "deficiency_anemia": Case("D51.0", "D50.1", "281.0", "285.9"),
    "alcohol": Case("F10.20", "F17.210", "303.90", "305.1"),
    "drug_abuse": Case("F11.20", "F17.210", "304.00", "305.1"),
    "psychosis": Case("F20.9", "F21", "295.90", "301.22"),
    "depression": Case("F32.A", "F41.1", "311", "300.02"),
}
WALRAVEN = {
    "heart_failure": 7, "arrhythmia": 5, "valvular": -1, "pulmonary_circulation": 4, "peripheral_vascular": 2,
    "paralysis": 7, "other_neurological": 6, "chronic_pulmonary": 3, "renal": 5, "liver": 11, "lymphoma": 9,
    "solid_tumor": 4, "coagulopathy": 3, "obesity": -4, "weight_loss": 6, "fluid_electrolyte": 5,
    "blood_loss_anemia": -2, "deficiency_anemia": -2, "drug_abuse": -7, "depression": -3,
}  # fmt: skip
"""Points of van Walraven and others 2009, Table 2, by the group of a patient of ``ELIXHAUSER``; other groups: none."""


class Worth(NamedTuple):
    """What a refined group is worth: AHRQ's mortality and readmission index v2026.1, and van Walraven's points."""

    mortality: int
    readmission: int
    walraven: int


REFINED = {
    "aids": (Case("B20", "B25.9"), Worth(-4, 5, 0)), "alcohol": (Case("F10.20", "F10.920"), Worth(-1, 3, 0)),
    "anemdef": (Case("D50.9", "D62"), Worth(-3, 5, -2)), "autoimmune": (Case("M06.9", "M19.90"), Worth(0, 2, 0)),
    "bldloss": (Case("D50.0", "D62"), Worth(-4, 2, -2)), "cancer_leuk": (Case("C91.00", "D72.829"), Worth(9, 10, 0)),
    "cancer_lymph": (Case("C81.90", "D47.1"), Worth(5, 7, 9)),
    "cancer_mets": (Case("C7B.8", "D49.9"), Worth(22, 11, 12)),
    "cancer_nsitu": (Case("D05.10", "D24.1"), Worth(0, 0, 0)),
    "cancer_solid": (Case("C50.911", "C44.91"), Worth(10, 7, 4)), "cbvd": (Case("I63.9", "I73.00"), Worth(5, 0, 0)),
    "coag": (Case("D68.9", "D69.2"), Worth(14, 3, 3)), "dementia": (Case("F03.90", "F04"), Worth(5, 1, 0)),
    "depress": (Case("F32.A", "F43.21"), Worth(-8, 2, -3)), "diab_cx": (Case("E11.22", "R73.03"), Worth(-2, 4, 0)),
    "diab_uncx": (Case("E11.9", "E10.A0"), Worth(0, 0, 0)),
    "drug_abuse": (Case("F11.20", "F17.210"), Worth(-7, 6, -7)), "hf": (Case("I50.9", "I51.9"), Worth(14, 7, 7)),
    "htn_cx": (Case("I12.9", "R03.0"), Worth(1, 0, 0)), "htn_uncx": (Case("I10", "R03.0"), Worth(0, 0, 0)),
    "liver_mld": (Case("K74.60", "K75.0"), Worth(2, 3, 11)), "liver_sev": (Case("K76.6", "K75.0"), Worth(16, 10, 11)),
    "lung_chronic": (Case("J44.9", "J68.0"), Worth(2, 4, 3)),
    "neuro_movt": (Case("G20.A1", "G25.0"), Worth(-1, 1, 6)), "neuro_oth": (Case("G93.40", "G44.1"), Worth(22, 2, 6)),
    "neuro_seiz": (Case("G40.909", "G43.909"), Worth(2, 5, 6)), "obese": (Case("E66.9", "E66.3"), Worth(-7, -2, -4)),
    "paralysis": (Case("G81.90", "G51.0"), Worth(4, 3, 7)), "perivasc": (Case("I73.9", "I73.00"), Worth(3, 1, 2)),
    "psychoses": (Case("F20.9", "F40.00"), Worth(-9, 6, 0)), "pulmcirc": (Case("I27.20", "I26.99"), Worth(4, 3, 4)),
    "renlfl_mod": (Case("N18.30", "N18.2"), Worth(3, 4, 5)), "renlfl_sev": (Case("N18.6", "N18.2"), Worth(7, 8, 5)),
    "thyroid_hypo": (Case("E03.9", "E07.9"), Worth(-3, 0, 0)),
    "thyroid_oth": (Case("E05.90", "E07.9"), Worth(-8, 0, 0)),
    "ulcer_peptic": (Case("K25.7", "K29.70"), Worth(0, 2, 0)), "valve": (Case("I34.0", "I51.89"), Worth(0, 0, -1)),
    "wghtloss": (Case("R63.4", "R63.5"), Worth(13, 6, 6)),
}  # fmt: skip
LISTS = {
    "comorbidities": CHARLSON,
    "charlson": {group: case for group, (_, case) in CHARLSON_POINTS.items()},
    "elixhauser": ELIXHAUSER,
    "elixhauser_refined": {group: case for group, (case, _) in REFINED.items()},
}
OLD = ("comorbidities", "charlson", "elixhauser")
"""Lists of both coding systems."""


def claims_of(*patients: list[Seen], **book: object) -> Claims:
    """The patients as a block, one member each, a line a diagnosis."""
    ids = [f"p{k:04}" for k in range(len(patients))]
    schema = arrow_schema("medical_claim")
    rows = [
        dict.fromkeys(schema.names)
        | {"claim_id": f"{k}", "claim_line_number": n, "data_source": "s", "person_id": ids[k],
           "claim_start_date": INDEX + timedelta(days=seen.day), "diagnosis_code_type": seen.system,
           f"diagnosis_code_{seen.place}": seen.code}
        for k, patient in enumerate(patients) for n, seen in enumerate(patient)
    ]  # fmt: skip
    medical = _numbered(
        pa.Table.from_pylist(rows, schema=schema), pa.chunked_array([pa.array(ids)]), DAY["medical_claim"]
    )
    others = {name: empty_payload(name) for name in ("eligibility", "program_enrollment", "pharmacy_claim")}
    tables = {**others, "members": pa.table({"person_id": ids}), "medical_claim": medical}
    return claims_of_block(tables, CodeBook(care_families(), (None, None), {}, {}, **book))


def asked(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n), np.full(n, (INDEX - date(1970, 1, 1)).days, np.int32)


def groups_of(*patients: list[Seen], name: str, window: tuple[int, int] = YEAR) -> list[set[str]]:
    met = groups_met(claims_of(*patients, comorbidities=name).conditions, *asked(len(patients)), window)
    names = group_names(name)
    return [{names[group] for group, has in met.items() if has[k]} for k in range(len(patients))]


def points(*patients: list[Seen], name: str, window: tuple[int, int] | None = None) -> list[int]:
    score = Score(covariates=[f"{name}_points"], comorbidity_window=window)
    found = measure_extras(claims_of(*patients, points=(name,)), score, *asked(len(patients)))
    return found[f"{name}_points"].tolist()


def one(*codes: str, system: str = TEN) -> list[Seen]:
    return [Seen(-1, code, system) for code in codes]


@pytest.mark.parametrize("name", LISTS)
def test_every_group_has_its_patient(name: str) -> None:
    assert set(LISTS[name]) == set(group_names(name))


@pytest.mark.parametrize(("name", "system"), [(name, TEN) for name in LISTS] + [(name, NINE) for name in OLD])
def test_every_group_counts_its_codes_and_not_their_neighbours(name: str, system: str) -> None:
    """First and last day of the look-back; the days beyond; the neighbour; the wrong system and none; a head."""
    other, patients = NINE if system == TEN else TEN, []
    for case in LISTS[name].values():
        code, near = (case.code, case.near) if system == TEN else (case.old, case.near_old)
        patients += [
            [Seen(-365, code, system)], [Seen(-1, code.replace(".", "").lower(), system, 12)],
            [Seen(-366, code, system), Seen(0, code, system), Seen(5, code, system)], [Seen(-9, near, system)],
            [Seen(-9, code, other)], [Seen(-9, code, None)], [Seen(-9, code[:2], system)],
        ]  # fmt: skip
    found = groups_of(*patients, name=name)
    for k, group in enumerate(LISTS[name]):
        own, rest = found[7 * k : 7 * k + 2], found[7 * k + 2 : 7 * k + 7]
        assert own == [{group}, {group}], group
        assert not any(group in groups for groups in rest), (group, rest)


def test_groups_of_the_old_system_are_those_of_the_table() -> None:
    """The codes of Quan's Table 1 that stand in two groups, and what a merged grade counts."""
    assert groups_of(one("437.3", system=NINE), one("404.93", system=NINE), one("404.92", system=NINE),
                     one("I13.2"), one("I13.11"), one("571.2", "572.3", system=NINE), name="comorbidities") == [
        {"peripheral_vascular", "cerebrovascular"}, {"heart_failure", "renal"}, {"renal"},
        {"heart_failure"}, {"renal"}, {"liver"},
    ]  # fmt: skip
    assert groups_of(one("I42.6"), one("K70.30"), one("404.93", system=NINE), name="elixhauser") == [
        {"heart_failure", "alcohol"}, {"liver", "alcohol"}, {"heart_failure", "hypertension", "renal"},
    ]  # fmt: skip


def test_codes_younger_than_the_tables_of_quan_are_in_none_of_their_groups() -> None:
    """Neuroendocrine and Merkel cell tumours, diabetes without signs or in remission: not in tables of 2005."""
    young = [one(code) for code in ("C7A.00", "C7B.8", "C4A.9", "E10.A0", "E11.A")]
    for name in ("comorbidities", "elixhauser"):
        assert groups_of(*young, name=name) == [set()] * 5
    assert points(*young, name="van_walraven") == [0] * 5


def test_charlson_points_are_those_of_quan() -> None:
    patients = [one(case.code) for _, case in CHARLSON_POINTS.values()]
    older = [one(case.old, system=NINE) for _, case in CHARLSON_POINTS.values()]
    worth = [worth for worth, _ in CHARLSON_POINTS.values()]
    assert points(*patients, name="charlson") == points(*older, name="charlson") == worth
    free = [one(CHARLSON[group].code) for group in ("myocardial_infarction", "peripheral_vascular", "cerebrovascular",
                                                    "peptic_ulcer", "diabetes")]  # fmt: skip
    assert points(*free, name="charlson") == [0] * 5


def test_charlson_points_of_whole_patients() -> None:
    """Severe liver for mild: 4; metastases for the tumour: 6; both diabetes: 1; failure twice, lungs, kidney: 4."""
    found = points(
        one("K76.0", "K76.6"), one("C50.911", "C78.7"), one("E11.9", "E11.22"),
        one("I50.9", "I50.1", "J44.9", "N18.6"), [Seen(-1, "C50.911"), Seen(-400, "C78.7")],
        name="charlson",
    )  # fmt: skip
    assert found == [4, 6, 1, 4, 2]


def test_van_walraven_points_of_every_group() -> None:
    groups = [*ELIXHAUSER]
    for old in (False, True):
        patients = [one(case.old if old else case.code, system=NINE if old else TEN) for case in ELIXHAUSER.values()]
        assert points(*patients, name="van_walraven") == [WALRAVEN.get(group, 0) for group in groups]
    assert points(one("C78.7"), one("197.7", system=NINE), one("C34.90", "C78.7"), name="van_walraven") == [12] * 3
    assert points(one("I50.9", "I11.0", "E66.01", "I10"), one("K70.30", "F11.20"), name="van_walraven") == [3, 4]


def test_points_of_every_refined_group() -> None:
    patients, worth = [one(case.code) for case, _ in REFINED.values()], [told for _, told in REFINED.values()]
    assert points(*patients, name="ahrq_mortality") == [w.mortality for w in worth]
    assert points(*patients, name="ahrq_readmission") == [w.readmission for w in worth]
    assert points(*patients, name="van_walraven_refined") == [w.walraven for w in worth]
    for name in ("ahrq_mortality", "ahrq_readmission", "van_walraven_refined"):
        assert points_of(name)[0] == group_names("elixhauser_refined")


def test_codes_of_several_refined_groups() -> None:
    found = groups_of(one("I13.2"), one("I11.0"), one("M32.11"), one("I69.351"), one("K76.82"), one("K70.10"),
                      name="elixhauser_refined")  # fmt: skip
    assert found == [
        {"hf", "htn_cx", "renlfl_sev"}, {"hf", "htn_cx"}, {"autoimmune", "valve"}, {"cbvd", "paralysis"},
        {"liver_mld", "neuro_oth"}, {"alcohol", "liver_mld"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "counted"),
    [
        (("E11.9", "E11.22"), {"diab_cx"}), (("I10", "I12.9"), {"htn_cx"}), (("K74.60", "K76.6"), {"liver_sev"}),
        (("N18.30", "N18.6"), {"renlfl_sev"}), (("D05.10", "C50.911"), {"cancer_solid"}),
        (("C50.911", "C78.7"), {"cancer_mets"}), (("D05.10", "C78.7"), {"cancer_mets"}),
        (("D05.10", "C50.911", "C78.7"), {"cancer_mets"}), (("E03.9", "E05.90"), {"thyroid_hypo", "thyroid_oth"}),
    ],
)  # fmt: skip
def test_the_milder_refined_group_does_not_count_beside_the_graver(codes: tuple[str, ...], counted: set[str]) -> None:
    assert groups_of(one(*codes), one(*codes[::-1]), name="elixhauser_refined") == [counted] * 2
    conditions = claims_of(one(*codes), comorbidities="elixhauser_refined").conditions
    assert count_groups(conditions, *asked(1), YEAR).tolist() == [len(counted)]


def test_neurological_disease_that_refined_groups_cut_in_three_is_six_points_once() -> None:
    three = ("G20.A1", "G93.40", "G40.909")
    patients = [one(*three), one(*three[:2]), one(*three[1:]), one(three[0], three[2])]
    assert points(*patients, name="van_walraven_refined") == [6] * 4
    assert points(*patients, name="ahrq_mortality") == [23, 21, 24, 1]


def test_a_window_of_its_own_holds_comorbidities_points_and_diagnoses() -> None:
    patient = [Seen(-700, "I50.9"), Seen(-100, "I48.91"), Seen(0, "J44.9"), Seen(1, "N18.6")]
    assert points(patient, name="van_walraven") == [5]
    assert points(patient, name="van_walraven", window=(-730, 0)) == [15]
    assert points(patient, name="van_walraven", window=(0, 0)) == [3]
    claims = claims_of(patient, noted=("elixhauser.heart_failure",))
    for window, has in ((None, 0), ((-730, -366), 1), ((-699, 0), 0)):
        score = Score(covariates=["age"], diagnoses=["elixhauser.heart_failure"], comorbidity_window=window)
        assert measure_extras(claims, score, *asked(1))["has_elixhauser_heart_failure"].tolist() == [has]


def test_the_first_diagnosis_of_a_line_is_not_a_secondary_one() -> None:
    patient = [Seen(-9, "I50.9", place=1), Seen(-9, "J44.9", place=2)]
    names = ("elixhauser.heart_failure", "elixhauser.chronic_pulmonary")
    for positions, seen in ((DIAGNOSES, {0, 8}), (DIAGNOSES[1:], {8})):
        claims = claims_of(patient, comorbidities="elixhauser", noted=names, diagnoses=names, positions=positions)
        assert set(claims.conditions.group.tolist()) == seen
        assert [len(claims.noted[name][0]) for name in names] == [int(len(seen) == 2), 1]
        assert [len(claims.diagnoses[name][0]) for name in names] == [1, 1], "events are told by any position"


def test_a_study_asks_for_what_it_needs() -> None:
    points_asked = ["charlson_points", "ahrq_mortality_points"]
    study, _ = load_configuration("jpr_s412081", "local", [
        f"study.score.covariates=[age,{','.join(points_asked)}]", "study.score.comorbidities=elixhauser_refined",
        "study.score.comorbidity_window=[-365,0]", "study.adjust=[]", "study.subgroups=[]",
    ])  # fmt: skip
    assert (study.score.points(), study.score.comorbidity_days) == (("charlson", "ahrq_mortality"), (-365, 0))
    assert Score(covariates=["age"], lookback_days=90).comorbidity_days == (-90, -1)


@pytest.mark.parametrize(
    ("window", "words"),
    [("[-365,1]", "not after the index"), ("[-1,-365]", "in order"), ("[-366,-1]", "pre_days is shorter")],
)
def test_a_window_that_reaches_too_far_is_refused(window: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_configuration("jpr_s412081", "local", [f"study.score.comorbidity_window={window}"])


def test_a_graver_group_out_of_the_window_excludes_nothing() -> None:
    early = [Seen(-366, "E11.22"), Seen(-1, "E11.9")]
    late = [Seen(-9, "I10"), Seen(0, "I12.9")]
    assert groups_of(early, late, name="elixhauser_refined") == [{"diab_uncx"}, {"htn_uncx"}]


def test_a_count_leaves_out_the_milder_group() -> None:
    conditions = claims_of(one("E11.9"), one("E11.22", "E11.9"), comorbidities="elixhauser_refined").conditions
    assert count_groups(conditions, *asked(2), YEAR).tolist() == [1, 1]
    assert count_groups(replace(conditions, unless=()), *asked(2), YEAR).tolist() == [1, 2]
