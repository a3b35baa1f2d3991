"""Subgroups, their tests and pools against statsmodels; what is withheld against an attacker who tries everything."""

from functools import cache
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from claimtwin.config.analysis import Subgroup
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Estimate, wald, wald_of_log
from claimtwin.stats.pooling import pool
from claimtwin.stats.subgroups import Grouping, corrected, group_effects, hidden_groups, interaction_p
from claimtwin.study.matched import matched_rows
from claimtwin.study.subgroups import grouping_of, subgroups_of
from pydantic import ValidationError
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from tests.support.pairs import made_up_pairs
from tests.support.rows import compact_rows, protocol_of

PEOPLE, HAPPENED, COUNT = made_up_pairs(900)
GROUPS = Grouping("region", ("a", "b", "c"), np.arange(1800) // 2 % 3)
Z = 1.959963984540054
ALL = [{"by": "body_region"}, {"by": "sex"}, {"by": "age", "cuts": [35, 50, 65]}, {"by": "employer_id"}]


def test_the_effect_of_a_group_is_a_fit_of_its_people() -> None:
    odds = group_effects("any", HAPPENED * 1, PEOPLE, GROUPS, scale=None, min_cell=1)
    points = group_effects("n", COUNT, PEOPLE, GROUPS, scale=100, min_cell=1)
    for place, (yes, many) in enumerate(zip(odds, points, strict=True)):
        rows = GROUPS.group == place
        x = np.column_stack([np.ones(rows.sum()), PEOPLE.treated[rows]])
        told = {"cov_type": "cluster", "cov_kwds": {"groups": PEOPLE.pair[rows]}}
        fit = sm.Logit(HAPPENED[rows].astype(float), x).fit(disp=0, **told)
        assert yes.effect.estimate == pytest.approx(np.exp(fit.params[1]), rel=1e-9)
        assert yes.effect.high == pytest.approx(np.exp(fit.params[1] + Z * fit.bse[1]), rel=1e-9)
        fit = sm.OLS(COUNT[rows] * 100.0, x).fit(use_t=True, **told)
        assert (many.effect.estimate, many.effect.low) == pytest.approx((fit.params[1], fit.conf_int()[1][0]), rel=1e-9)
        assert yes.treated.people == int(HAPPENED[rows & PEOPLE.treated].sum())
        assert many.comparator.total == int(COUNT[rows & ~PEOPLE.treated].sum())


@pytest.mark.parametrize("scale", [None, 100])
def test_the_interaction_test_is_statsmodels_of_products(scale: int | None) -> None:
    dummies = np.column_stack([GROUPS.group == 1, GROUPS.group == 2]).astype(float)
    arm = PEOPLE.treated.astype(float)
    x = np.column_stack([np.ones(1800), arm, dummies, dummies * arm[:, None]])
    told = {"cov_type": "cluster", "cov_kwds": {"groups": PEOPLE.pair}}
    if scale is None:
        fit = sm.Logit(HAPPENED.astype(float), x).fit(disp=0, **told)
    else:
        fit = sm.OLS(COUNT * 100.0, x).fit(use_t=True, **told)
    want = float(fit.wald_test(np.eye(6)[4:], scalar=True).pvalue)
    count = HAPPENED * 1 if scale is None else COUNT
    assert interaction_p(count, PEOPLE, GROUPS, [0, 1, 2], scale) == pytest.approx(want, rel=1e-6)


def test_a_planted_interaction_is_found_and_none_is_not() -> None:
    rng = np.random.default_rng(4)
    risk = np.where(PEOPLE.treated & (GROUPS.group == 0), 0.1, 0.3)
    assert interaction_p((rng.random(1800) < risk) * 1, PEOPLE, GROUPS, [0, 1, 2], None) < 0.001
    false = [interaction_p((rng.random(1800) < 0.3) * 1, PEOPLE, GROUPS, [0, 1, 2], None) < 0.05 for _ in range(200)]
    assert 2 <= sum(false) <= 20


def test_corrections_are_statsmodels_and_count_only_tests_that_were_made() -> None:
    p_values = [0.01, None, 0.04, 0.03]
    got = corrected(p_values)
    assert got[1] == (None, None)
    known = [0.01, 0.04, 0.03]
    for place, method in enumerate(("holm", "fdr_bh")):
        assert [row[place] for row in got if row[0] is not None] == pytest.approx(
            multipletests(known, method=method)[1]
        )
    assert corrected([None]) == [(None, None)]


def test_pools_are_statsmodels() -> None:
    logs, errors = np.array([-0.6, -0.2, -0.9, 0.1]), np.array([0.1, 0.2, 0.3, 0.15])
    found = pool([wald_of_log(b, e) for b, e in zip(logs, errors, strict=True)], ratio=True)
    want = combine_effects(logs, errors**2, method_re="dl")
    frame = want.summary_frame()
    for row, name in ((found.fixed, "fixed effect"), (found.random, "random effect")):
        assert np.log([row.estimate, row.low, row.high]) == pytest.approx(
            frame.loc[name, ["eff", "ci_low", "ci_upp"]].to_numpy(float), rel=1e-9
        )
    assert (found.tau2, found.i2, found.q) == pytest.approx((want.tau2, want.i2, want.q), rel=1e-9)
    assert found.q_p_value == pytest.approx(want.test_homogeneity().pvalue, rel=1e-9)
    same = pool([wald(2.0, 1.0)] * 3, ratio=False)
    assert (same.random.estimate, same.tau2, same.i2) == pytest.approx((2.0, 0.0, 0.0))
    with pytest.raises(CannotFitError, match="fewer than two"):
        pool([wald(2.0, 1.0)], ratio=False)
    with pytest.raises(CannotFitError, match="without any spread"):
        pool([wald(2.0, 1.0), Estimate(1.0, 1.0, 1.0, 0.0)], ratio=False)


CELL, TOP = 3, 7


@cache
def tables_by_what_is_shown() -> dict[tuple, list[tuple[int, ...]]]:
    """Every count of three groups up to 7 people, filed by the shown cells and the known sum, cells below 3 small."""
    seen: dict[tuple, list[tuple[int, ...]]] = {}
    for counts in product(range(TOP + 1), repeat=3):
        column = np.array(counts)[:, None]
        hidden = hidden_groups(column, column[:, 0], CELL)
        shown = tuple(None if hide else count for count, hide in zip(counts, hidden, strict=True))
        seen.setdefault((shown, sum(counts)), []).append(counts)
    return seen


def test_an_attacker_who_knows_the_sum_finds_no_small_group() -> None:
    for (shown, _), tables in tables_by_what_is_shown().items():
        for place, known in enumerate(shown):
            assert known is None or known == 0 or known >= CELL
            possible = {table[place] for table in tables}
            if all(cell is None for cell in shown) and sum(tables[0]) < CELL:
                continue  # the whole study is small: its sum is withheld elsewhere
            assert len(possible) > 1 or not 1 <= next(iter(possible)) < CELL, (shown, tables)


def test_the_smallest_group_that_covers_goes_with_the_small_ones() -> None:
    cells = np.array([[2, 90], [3, 80], [50, 70], [60, 50]])
    assert hidden_groups(cells, cells.sum(axis=1), 11).tolist() == [True, True, False, True]
    covered = np.array([[2, 90], [30, 5], [50, 70]])  # each covers the other's small cell
    assert hidden_groups(covered, covered.sum(axis=1), 11).tolist() == [True, True, False]
    assert not hidden_groups(cells[2:], cells[2:].sum(axis=1), 11).any()
    assert not hidden_groups(cells, cells.sum(axis=1), 1).any()


def part_of(rows: pa.Table, min_cell: int = 11, **parts):
    protocol = protocol_of(**{"subgroups": ALL, **parts})
    return subgroups_of(matched_rows(rows, protocol), protocol, min_cell)


def test_rows_of_every_division_outcome_and_employer() -> None:
    part = part_of(compact_rows(3000))
    levels = [row["level"] for row in part["groups"] if row["outcome"] == "any_opioid"]
    assert levels == ["back", "knee", "neck", "female", "male", "below 35", "35 to below 50", "50 to below 65",
                      "65 or more", "E0", "E1", "E2", "E3", "E4"]  # fmt: skip
    assert all(row["low"] < row["estimate"] < row["high"] for row in part["groups"])
    tests = [row for row in part["tests"] if row["outcome"] == "any_opioid"]
    assert [(row["by"], row["groups"], row["used"]) for row in tests] == [
        ("body_region", 3, 3), ("sex", 2, 2), ("age", 4, 4), ("employer_id", 5, 5),
    ]  # fmt: skip
    assert [row["holm"] for row in tests] == pytest.approx(
        multipletests([row["p_value"] for row in tests], method="holm")[1]
    )
    assert all(row["fixed"]["low"] < row["fixed"]["estimate"] < row["fixed"]["high"] for row in tests)
    assert [row["employer"] for row in part["without_employer"] if row["outcome"] == "any_opioid"] == [
        "E0", "E1", "E2", "E3", "E4",
    ]  # fmt: skip
    for by in ("sex", "age"):
        rows = [row for row in part["groups"] if (row["outcome"], row["by"]) == ("any_opioid", by)]
        assert sum(row["n_treated"] for row in rows) == 3000


def test_small_groups_are_withheld_with_one_more_and_so_is_the_whole_less_one() -> None:
    rows = compact_rows(3000)
    employer = ["tiny"] * 60 + rows["employer_id"].to_pylist()[60:]
    part = part_of(rows.set_column(3, "employer_id", pa.array(employer)), subgroups=[{"by": "employer_id"}])
    groups = {row["level"]: row for row in part["groups"] if row["outcome"] == "any_opioid"}
    hidden = {level for level, row in groups.items() if row["note"]}
    assert "tiny" in hidden
    assert len(hidden) == 2
    assert all(groups[level]["people_treated"] is None for level in hidden)
    assert {row["employer"] for row in part["without_employer"]} == set(groups) - hidden
    (test,) = [row for row in part["tests"] if row["outcome"] == "any_opioid"]
    assert test["used"] == 4


def test_an_empty_group_and_one_group_alone_say_why_and_the_rest_goes_on() -> None:
    part = part_of(compact_rows(800), subgroups=[{"by": "age", "cuts": [50, 130]}, {"by": "body_region"}], min_cell=1)
    empty = [row for row in part["groups"] if row["level"] == "130 or more"]
    assert {row["note"] for row in empty} == {"nobody in the treated arm"}
    assert all(row["estimate"] is not None for row in part["groups"] if row["by"] == "body_region")
    lone = part_of(compact_rows(800, employers=1), subgroups=[{"by": "employer_id"}])
    assert {row["note"] for row in lone["tests"]} == {"fewer than two groups with an effect"}
    assert {row["pool_note"] for row in lone["tests"]} == {"fewer than two estimates to pool"}
    assert lone["without_employer"] == []
    assert part_of(compact_rows(100), subgroups=[]) == {"groups": [], "tests": [], "without_employer": []}


def test_bands_hold_their_lower_end_and_unknown_is_a_group() -> None:
    rows = pa.table({"age": [34, 35, 49, 50], "sex": ["female", None, "male", "male"]})
    bands = grouping_of(rows, Subgroup(by="age", cuts=[35, 50]))
    assert (bands.levels, bands.group.tolist()) == (("below 35", "35 to below 50", "50 or more"), [0, 1, 1, 2])
    sexes = grouping_of(rows, Subgroup(by="sex"))
    assert (sexes.levels, sexes.group.tolist()) == (("female", "male", "unknown"), [0, 2, 1, 1])


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([{"by": "age"}], "subgroups.age: cuts are needed"),
        ([{"by": "sex", "cuts": [1]}], "subgroups.sex: takes no cuts"),
        ([{"by": "shoe_size"}], "'shoe_size' is no covariate"),
        ([{"by": "sex"}, {"by": "sex"}], "'sex' is named twice"),
        ([{"by": "age", "cuts": [50, 35]}], "cuts: must rise"),
    ],
)
def test_a_division_that_makes_no_sense_is_refused(rules, why) -> None:
    with pytest.raises(ValidationError, match=why):
        protocol_of(subgroups=rules)
