"""Splines against Harrell's formula written out and against their definition; knots against numpy's quantiles."""

import numpy as np
import pytest
from claimtwin.config.score import Score
from claimtwin.spark.design import DesignColumn, design_columns, with_terms
from claimtwin.stats.terms import BINS, grid_counts, grid_step, knots_from, spline_basis
from pydantic import ValidationError


def test_a_spline_column_by_hand() -> None:
    """Knots 0, 1, 2: at 3 it is (27 - 8 * 2 + 1 * 1) / 4 = 3; at 1.5 (3.375 - 0.125 * 2) / 4."""
    values = spline_basis(np.array([-1.0, 0.0, 0.5, 1.5, 3.0]), (0.0, 1.0, 2.0), 1)
    np.testing.assert_allclose(values, [0, 0, 0.125 / 4, 3.125 / 4, 3.0])


@pytest.mark.parametrize("knots", [(18.0, 40.0, 77.0), (0.0, 1.0, 3.0, 4.5), (-2.0, -1.0, 0.5, 0.75, 2.0)])
def test_splines_are_straight_outside_and_smooth_at_the_knots(knots: tuple[float, ...]) -> None:
    width = knots[-1] - knots[0]
    for basis in range(1, len(knots) - 1):
        beyond = knots[-1] + np.array([0.0, 0.5, 1.0]) * width
        rise = np.diff(spline_basis(beyond, knots, basis))
        assert rise[0] == pytest.approx(rise[1], rel=1e-9)
        assert (spline_basis(knots[0] - beyond**2, knots, basis) == 0).all()
        for knot in knots:
            step = 1e-4 * width
            around = spline_basis(knot + step * np.arange(-2, 3), knots, basis)
            bend = np.diff(around, 2) / step**2
            assert np.ptp(bend) < 20 * step / width**2, "the second derivative jumps"


@pytest.mark.parametrize("shards", [1, 7, 64])
def test_knots_are_quantiles_and_do_not_depend_on_shards(shards: int) -> None:
    ages = np.random.default_rng(3).integers(18, 95, 5000).astype(float)
    low, step = ages.min(), grid_step(ages.min(), ages.max())
    counts = np.sum([grid_counts(part, low, step) for part in np.array_split(ages, shards)], axis=0)
    shares = [0.05, 0.275, 0.5, 0.725, 0.95]
    assert knots_from(counts, low, step, 5) == tuple(np.quantile(ages, shares, method="inverted_cdf"))


def test_knots_of_uneven_numbers_are_within_a_step() -> None:
    money = np.random.default_rng(4).lognormal(0, 1, 4000) - 3
    low, step = money.min(), grid_step(money.min(), money.max())
    assert (money.max() - low) / step < BINS
    knots = np.array(knots_from(grid_counts(money, low, step), low, step, 4))
    exact = np.quantile(money, [0.05, 0.35, 0.65, 0.95], method="inverted_cdf")
    assert (knots <= exact).all()
    assert (exact - knots <= step).all()


def test_knots_that_fall_together_are_one() -> None:
    visits = np.repeat([0.0, 1.0], [99, 1])
    assert knots_from(grid_counts(visits, 0.0, 0.25), 0.0, 0.25, 3) == (0.0,)


def test_terms_come_after_the_covariates_and_products_take_every_level() -> None:
    plain = design_columns(["age", "sex"], {"sex": ["female", "male", "unknown"]})
    found = with_terms(plain, {"age": (20.0, 40.0, 60.0, 80.0)}, [("sex", "age")])
    assert [column.name for column in found] == [
        "age", "sex=male", "sex=unknown", "age'", "age''", "sex=male:age", "sex=unknown:age",
    ]  # fmt: skip
    assert [column.is_plain for column in found] == [True] * 3 + [False] * 4
    assert found[5].covariates == ("sex", "age")
    assert DesignColumn("age").covariates == ("age",)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"splines": {"office_visits": 3}}, "'office_visits' is no covariate"),
        ({"splines": {"age": 9}}, "less than or equal to 7"),
        ({"splines": {"sex": 3}}, "'sex' is no number"),
        ({"interactions": [("age", "age")]}, "with itself"),
        ({"interactions": [("age", "sex"), ("sex", "age")]}, "named twice"),
        ({"interactions": [("age", "log_allowed")]}, "'log_allowed' is no covariate"),
        ({"interactions": [("age", "2 + 2")]}, "interactions"),
        ({"penalty": {"l1_share": 1.5}}, "penalty.l1_share"),
    ],
)
def test_terms_outside_of_the_whitelist_are_refused(asked: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Score.model_validate({"covariates": ["age", "sex"], **asked})


def test_keys_that_change_nothing_are_left_unsaid() -> None:
    plain = Score.model_validate({"covariates": ["age"], "splines": {}, "penalty": None, "on_fault": "stop"})
    assert plain.model_dump(mode="json") == {"covariates": ["age"], "lookback_days": 365, "comorbidities": "charlson"}
    asked = Score.model_validate({"covariates": ["age"], "splines": {"age": 3}, "on_fault": "drop"})
    assert {"splines": {"age": 3}, "on_fault": "drop"}.items() <= asked.model_dump(mode="json").items()
