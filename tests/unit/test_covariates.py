"""Covariates on request, of patients whose values are worked out by hand."""

import re
from datetime import date

import numpy as np
import pytest
from claimtwin.codes.groups import KINDS, NO_GROUP, group_numbers, group_of
from claimtwin.codes.rules import exclusions_of, group_flags, group_names, points_of
from claimtwin.config.load import load_configuration
from claimtwin.config.score import ON_REQUEST, Score
from claimtwin.kernel.claims import CodeGroups, Conditions
from claimtwin.kernel.columns import keys
from claimtwin.kernel.covariates import Cells, groups_before, measure_extras, phase_of
from claimtwin.spark.facts import LAYOUT, _cells, layout_of

from tests.oracle.nasty import Block, Line, columns_of

DAY = date(2020, 6, 10)
SYSTEMS = ("icd-10-cm", "icd-9-cm")


def number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def at(*days: int) -> list[date]:
    return [date.fromordinal(DAY.toordinal() + k) for k in days]


def line(member: int, day: int, families: str, cents: int) -> Line:
    return Line(member, at(day)[0], frozenset(families.split()), (False, False), None, cents)


def measured(score: Score, block: Block, **more: object) -> dict[str, list]:
    claims = columns_of(block)
    claims = type(claims)(**{**vars(claims), **more})
    asked = np.array([0, 1, 2]), np.full(3, number(DAY), np.int32)
    return {name: values.tolist() for name, values in measure_extras(claims, score, *asked).items()}


def test_lines_and_dollars_by_care_family() -> None:
    """Member 0: two office lines on one day before index (120 dollars), one on it; member 1: a reversal outweighs."""
    lines = [
        line(0, -30, "office", 10_000), line(0, -30, "office imaging", 2_000), line(0, 0, "office", 99_900),
        line(0, -31, "office", 70_000), line(1, -1, "office", 500), line(1, -1, "office", -900),
    ]  # fmt: skip
    lines.sort(key=lambda row: (row.member, row.day))
    block = Block([], lines, [], [], {"opioid": [], "other": []})
    names = ["office_lines", "imaging_lines", "office_log_allowed", "imaging_log_allowed"]
    found = measured(Score(covariates=names, lookback_days=30), block)
    assert found["office_lines"] == [2, 2, 0]
    assert found["imaging_lines"] == [1, 0, 0]
    assert found["office_log_allowed"] == pytest.approx([np.log(121), 0, 0])
    assert found["imaging_log_allowed"] == pytest.approx([np.log(21), 0, 0])


def test_fills_and_diagnoses_before_index() -> None:
    fills = [(0, day) for day in at(-365, -364, -1, 0)] + [(1, day) for day in at(-366, 5)]
    block = Block([], [], [], [], {"opioid": fills, "other": []})
    seen = (np.array([0, 2, 2]), np.array([number(d) for d in at(0, -365, -2)], np.int32))
    score = Score(covariates=["age"], drug_classes=["opioid"], diagnoses=["elixhauser.depression"])
    found = measured(score, block, noted={"elixhauser.depression": seen})
    assert found == {"fills_of_opioid": [3, 0, 0], "has_elixhauser_depression": [0, 0, 1]}


def conditions(*rows: tuple[int, int, str]) -> Conditions:
    names, points = points_of("van_walraven")
    member = np.array([row[0] for row in rows])
    day = np.array([number(at(row[1])[0]) for row in rows], np.int32)
    group = np.array([names.index(row[2]) for row in rows], np.int16)
    return Conditions(member, day, group, names, points, exclusions_of("van_walraven"))


def test_points_of_three_patients() -> None:
    """Heart failure twice and obesity: 7 - 4; metastases with a tumour: 12; drug abuse too early, liver in time: 11."""
    found = measured(
        Score(covariates=["van_walraven_points"]),
        Block([], [], [], [], {"opioid": [], "other": []}),
        points={"van_walraven": conditions(
            (0, -5, "heart_failure"), (0, -90, "heart_failure"), (0, -1, "obesity"), (0, 0, "renal"),
            (1, -9, "solid_tumor"), (1, -3, "metastatic_cancer"), (2, -366, "drug_abuse"), (2, -365, "liver"),
        )},
    )  # fmt: skip
    assert found == {"van_walraven_points": [3, 12, 11]}


PUBLISHED = {
    "heart_failure": (7, "I500", "4280"), "arrhythmia": (5, "I480", "42731"), "valvular": (-1, "I340", "4240"),
    "pulmonary_circulation": (4, "I2699", "4160"), "peripheral_vascular": (2, "I7020", "4409"),
    "paralysis": (7, "G8190", "34290"), "other_neurological": (6, "G20", "3320"),
    "chronic_pulmonary": (3, "J449", "496"), "renal": (5, "N186", "5856"), "liver": (11, "K7460", "5715"),
    "lymphoma": (9, "C8190", "20190"), "metastatic_cancer": (12, "C787", "1977"), "solid_tumor": (4, "C3490", "1629"),
    "coagulopathy": (3, "D689", "2869"), "obesity": (-4, "E669", "27800"), "weight_loss": (6, "R634", "78321"),
    "fluid_electrolyte": (5, "E871", "2761"), "blood_loss_anemia": (-2, "D500", "2800"),
    "deficiency_anemia": (-2, "D509", "2809"), "drug_abuse": (-7, "F1120", "30400"),
    "depression": (-3, "F329", "311"),
}  # fmt: skip
"""Points of van Walraven and others 2009, Table 2, with a patient's code in either system for each group."""


def test_every_group_has_its_published_points_and_codes() -> None:
    names, points = points_of("van_walraven")
    assert dict(zip(names, points, strict=True)) == {group: told[0] for group, told in PUBLISHED.items()}
    for group, (_, *codes) in PUBLISHED.items():
        for code, system in zip(codes, SYSTEMS, strict=True):
            flags = group_flags([code], "van_walraven", system)[0]
            assert group in {name for name, met in zip(names, flags, strict=True) if met}, code
            other = group_flags([code], "van_walraven", SYSTEMS[system == "icd-10-cm"])[0]
            assert not other.any() or code in ("G20",), "a code of one system counts in the other"


@pytest.mark.parametrize("system", SYSTEMS)
def test_points_are_given_for_the_groups_that_are_counted(system: str) -> None:
    """Every code of the list of points is in the Elixhauser group of the same name; tumours there are one group."""
    codes = [told[1 + SYSTEMS.index(system)] for told in PUBLISHED.values()]
    ours = group_flags(codes, "van_walraven", system)
    theirs = group_flags(codes, "elixhauser", system)
    for k, group in enumerate(group_names("van_walraven")):
        place = group_names("elixhauser").index("solid_tumor" if group == "metastatic_cancer" else group)
        assert (theirs[:, place] >= ours[:, k]).all(), group


@pytest.mark.parametrize(
    ("day", "phase"),
    [("2020-03-12", "before"), ("2020-03-13", "shutdown"), ("2020-05-31", "shutdown"), ("2020-06-01", "emergency"),
     ("2023-05-10", "emergency"), ("2023-05-11", "after"), ("1999-01-01", "before")],
)  # fmt: skip
def test_phases_of_the_pandemic(day: str, phase: str) -> None:
    assert phase_of(np.array([number(date.fromisoformat(day))], np.int32)).tolist() == [phase]


def test_groups_are_the_head_of_a_code_and_come_back_as_text() -> None:
    codes = ["M54.5", "m5416", "M5", None, "M54 ", "Z9-"]
    found = group_numbers(codes, "diagnosis")
    assert (found[0] == found[1], found[4]) == (True, found[0])
    assert (found[[2, 3, 5]] == NO_GROUP).all()
    for kind, code, head in (("diagnosis", "M545", "M54"), ("diagnosis_icd9", "7242", "724"),
                             ("procedure", "97110", "97110"), ("drug", "00071015523", "000710155")):  # fmt: skip
        assert group_of(int(group_numbers([code], kind)[0])) == (kind, head)
    assert group_numbers(["123456789012", "12345678901"], "drug").tolist()[0] == NO_GROUP
    numbers = [int(group_numbers(["999999999"], kind)[0]) for kind in KINDS]
    assert numbers == sorted(set(numbers))


def test_groups_before_index_are_each_told_once() -> None:
    rng = np.random.default_rng(4)
    rows = sorted(zip(rng.integers(0, 5, 300), rng.integers(0, 60, 300), rng.integers(0, 9, 300), strict=True))
    member, day, key = (np.array(column) for column in zip(*rows, strict=True))
    order = np.argsort(keys(member, day.astype(np.int32)), kind="stable")
    groups = CodeGroups(member[order], day[order].astype(np.int32), key[order])
    asked, index = np.array([0, 3, 3, 4, 9]), np.array([30, 10, 50, 0, 30], np.int32)
    cells = groups_before(groups, asked, index, 12)
    found = [part.tolist() for part in np.split(cells.keys, cells.ends[:-1])]
    by_hand = [
        sorted({g for m, d, g in rows if m == who and start - 12 <= d <= start - 1})
        for who, start in zip(asked, index, strict=True)
    ]
    assert found == by_hand
    assert max(map(len, by_hand)) > 3


def test_an_adjustment_cannot_name_what_is_not_measured() -> None:
    with pytest.raises(Exception, match=r"'office_lines' is measured only where score\.covariates names it"):
        load_configuration("jpr_s412081", "local", ["study.adjust=[age,office_lines]"])
    assert len(ON_REQUEST) == 27


def test_a_block_gives_the_columns_that_the_protocol_asks_for() -> None:
    """From Arrow cells to candidates: every name is one that Spark takes, and the groups come as their bytes."""
    study = load_configuration("jpr_s412081", "local", [
        "study.score.covariates=[age,van_walraven_points,pandemic_phase,office_lines,office_log_allowed]",
        "study.score.diagnoses=[elixhauser.hypertension]", "study.score.data_driven={top: 2}", "study.adjust=[]",
        "study.subgroups=[]", "env.code_lists.opioid.column=NDC",
    ])[0]  # fmt: skip
    layout = layout_of(study.score)
    names = [name for name in layout.names if name not in LAYOUT.names]
    assert names == [
        "van_walraven_points", "pandemic_phase", "office_lines", "office_log_allowed", "has_elixhauser_hypertension",
        "groups",
    ]  # fmt: skip
    assert all(re.fullmatch(r"[a-z_0-9]+", name) for name in layout.names)
    assert layout_of(Score(covariates=["age"])) == LAYOUT
    cells = _cells(Cells(np.array([7, 9, 4], np.int64), np.array([0, 2, 3], np.int64)))
    assert [np.frombuffer(cell, np.int64).tolist() for cell in cells] == [[], [7, 9], [4]]
