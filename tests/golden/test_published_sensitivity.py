"""Sensitivity formulas against worked numbers of others; each says where its numbers stand."""

import numpy as np
import pytest
from claimtwin.stats.calibration import Null, calibrated, error_of, fit_null
from claimtwin.stats.confounding import (
    Confounder,
    as_risk_ratio,
    bias_factor,
    e_value,
    e_value_of_limit,
    hazard_as_risk_ratio,
    tipping_risk_ratio,
)
from claimtwin.stats.paired import PairTable
from claimtwin.stats.rosenbaum import bounds, critical_gamma, sign_tail, signed_rank_tail

LEAD = np.array(
    [(38, 16), (23, 18), (41, 18), (18, 24), (37, 19), (36, 11), (23, 10), (62, 15), (31, 16), (34, 18), (24, 18),
     (14, 13), (21, 19), (17, 10), (16, 16), (20, 16), (15, 24), (10, 13), (45, 9), (39, 14), (22, 21), (35, 19),
     (49, 7), (48, 18), (44, 19), (35, 12), (43, 11), (39, 22), (34, 25), (13, 16), (73, 13), (25, 11), (27, 13)],
    float,
)  # fmt: skip
"""Lead in the blood of 33 pairs of children, ug/dl (Morton et al., Am. J. Epidemiol. 1982;115:549)."""


def test_e_values_of_smoking() -> None:
    """Vignette "unmeasured-confounding" of the R package EValue: 10.73 (8.02 to 14.36) gives 20.94777 and 15.52336."""
    assert e_value(10.73) == pytest.approx(20.94777, abs=5e-6)
    assert e_value_of_limit(8.02, 14.36) == pytest.approx(15.52336, abs=5e-6)


def test_a_hazard_ratio_stands_for_a_risk_ratio_by_table_2_of_vanderweele_and_ding() -> None:
    """Rare: as it is. Common: (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)), and a ratio and its reciprocal agree."""
    assert hazard_as_risk_ratio(0.56, 0.1) == 0.56
    assert hazard_as_risk_ratio(4.0, 0.5) == pytest.approx((1 - 0.25) / (1 - 0.5**0.5))
    assert hazard_as_risk_ratio(0.56, 0.3) * hazard_as_risk_ratio(1 / 0.56, 0.3) == pytest.approx(1)


def test_e_values_of_the_founding_study() -> None:
    """Odds ratio 0.52 (0.45 to 0.60) of an outcome that 10.8 % had: 3.26 and 2.72; crude risk ratio 2.85, 2.41."""
    risk = (331 + 572) / 8390
    ratio, low, high = (as_risk_ratio(value, risk) for value in (0.52, 0.45, 0.60))
    assert (round(e_value(ratio), 2), round(e_value_of_limit(low, high), 2)) == (3.26, 2.72)
    assert round(e_value(331 / 572), 2) == 2.85
    assert round(e_value_of_limit(0.509, 0.658), 2) == 2.41
    assert e_value_of_limit(0.8, 1.1) == 1.0
    assert as_risk_ratio(0.49, 0.2) == pytest.approx(0.7)


def test_bias_of_circumcision_and_hiv() -> None:
    """Tests of the R package episensr (Lash, Fox, Fink 2009): risk ratio 0.3479, bias 0.7173, corrected 0.4851."""
    ratio = (105 / (105 + 527)) / (85 / (85 + 93))
    factor = bias_factor(Confounder(0.8, 0.05, 0.63))
    assert (round(ratio, 4), round(factor, 4)) == (0.3479, 0.7173)
    assert ratio / factor == pytest.approx(0.4851, abs=1e-4)


def test_tipping_point() -> None:
    """README of the R package tipr: 1.09, prevalences 0.25 and 0.10, tipped by a confounder of 1.64."""
    needed = tipping_risk_ratio(1.09, 0.25, 0.10)
    assert needed == pytest.approx(1.64, abs=0.005)
    assert 1.09 / bias_factor(Confounder(0.25, 0.10, needed)) == pytest.approx(1)
    assert tipping_risk_ratio(3.0, 0.3, 0.2) is None  # a confounder of these prevalences triples nothing


def test_signed_rank_bounds_of_lead() -> None:
    """Rosenbaum 2002, table 4.2: upper bounds 0.0018, 0.0136, 0.0388, 0.0468, 0.0740."""
    tail = signed_rank_tail(LEAD[:, 0] - LEAD[:, 1])
    found = bounds(tail, [2, 3, 4, 4.25, 5])
    assert [round(bound.high, 4) for bound in found] == [0.0018, 0.0136, 0.0388, 0.0468, 0.0740]
    assert all(bound.low < 1e-6 for bound in found)
    assert 4.25 < critical_gamma(tail) < 5


def test_binary_bound_of_the_founding_study_if_pairs_were_independent() -> None:
    """286 and 527 discordant pairs: Gamma 1.63 at one-sided 0.05 (worked back from the abstract)."""
    assert round(critical_gamma(sign_tail(PairTable(45, 286, 527, 3337))), 2) == pytest.approx(1.63, abs=0.011)


def test_calibrated_p_value_of_sertraline() -> None:
    """Vignette of the R package EmpiricalCalibration: null 0.7920 (0.2835), 0.7326235 (0.07371708): p = 0.839405.

    Its tests give the calibrated log ratio, -0.0593. The null is printed to four digits, so p has three.
    """
    got = calibrated(Null(0.7920, 0.2835), 0.7326235, 0.07371708)
    assert got.p_value == pytest.approx(0.839405, abs=5e-4)
    assert np.log(got.estimate) == pytest.approx(-0.0593, abs=2e-4)


def test_without_systematic_error_nothing_is_calibrated() -> None:
    """Tests of EmpiricalCalibration: 0.1 (0.05) and 0.3 (0.1) under a null without spread: 0.0455003 and 0.0026998."""
    null = fit_null(np.zeros(2), np.full(2, 1e-9), fewest=2)
    assert (null.mean, null.sd) == (0.0, 0.0)
    assert calibrated(null, 0.1, 0.05).p_value == pytest.approx(0.045500266, rel=1e-7)
    assert calibrated(null, 0.3, 0.1).p_value == pytest.approx(0.002699796, rel=1e-6)


def test_null_of_two_exact_controls_is_their_mean_and_spread() -> None:
    """Tests of EmpiricalCalibration: fitNull(c(1, 2), c(0, 0)) has mean 1.5; by hand its deviation is 0.5."""
    null = fit_null(np.array([1.0, 2.0]), np.full(2, 1e-9), fewest=2)
    assert (null.mean, null.sd) == pytest.approx((1.5, 0.5), abs=1e-6)


def test_error_of_an_interval() -> None:
    assert error_of(np.exp(-0.2), np.exp(0.2)) == pytest.approx(0.4 / 2 / 1.959963984540054)
