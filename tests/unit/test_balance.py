"""Balance from sums, against the textbook formula on the values."""

import numpy as np
import pytest
from claimtwin.stats.balance import (
    ArmPair,
    ArmSums,
    balance_row,
    balance_table,
    spread,
    standardised_difference,
    variance_ratio,
)
from hypothesis import given, settings
from hypothesis import strategies as st

values = st.lists(st.integers(-9, 9), min_size=2, max_size=12)


def sums(column: list[int]) -> ArmSums:
    return ArmSums(len(column), float(sum(column)), float(sum(v * v for v in column)))


@settings(max_examples=200, deadline=None)
@given(values, values)
def test_equals_the_formula_on_the_values(one: list[int], zero: list[int]) -> None:
    pair = ArmPair(sums(one), sums(zero))
    row = balance_row("x", "before", pair, pair, binary=False)
    below = np.sqrt((np.var(one, ddof=1) + np.var(zero, ddof=1)) / 2)
    apart = np.mean(one) - np.mean(zero)
    if below > 0:
        assert row.smd == pytest.approx(apart / below, rel=1e-9, abs=1e-12)
    else:
        assert row.smd == (0.0 if apart == 0 else None)
    if np.var(zero) > 0:
        assert row.variance_ratio == pytest.approx(np.var(one, ddof=1) / np.var(zero, ddof=1), rel=1e-9, abs=1e-12)


def test_a_share_has_the_spread_of_a_share_and_no_variance_ratio() -> None:
    pair = ArmPair(ArmSums(100, 30, 30), ArmSums(200, 20, 20))
    row = balance_row("sex", "before", pair, pair, binary=True)
    assert row.smd == pytest.approx((0.3 - 0.1) / np.sqrt((0.3 * 0.7 + 0.1 * 0.9) / 2))
    assert row.variance_ratio is None


def test_the_spread_is_that_of_before_matching() -> None:
    before = ArmPair(sums([1, 5, 9]), sums([0, 4, 8]))
    after = ArmPair(sums([5, 5, 6]), sums([4, 4, 5]))
    rows = balance_table({"x": before}, {"x": after}, binary=[])
    assert rows[1].smd == pytest.approx(1 / 4)


def test_treated_denominator_is_the_treated_arm_alone() -> None:
    assert spread(ArmPair(sums([0, 2]), sums([0, 20])), binary=False, denominator="treated") == pytest.approx(2**0.5)


def test_too_few_people_have_no_figures() -> None:
    pair = ArmPair(ArmSums(0, 0, 0), sums([1, 2]))
    assert spread(pair, binary=False) is None
    assert standardised_difference(pair, 1.0) is None
    assert variance_ratio(pair, binary=False) is None
