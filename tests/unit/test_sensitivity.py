"""Sensitivity where it could go wrong: against other software, at the edges, and under planted bias."""

import numpy as np
import pytest
from claimtwin.stats.calibration import Null, calibrated, fit_null
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.paired import PairTable
from claimtwin.stats.power import Wanted, detectable_difference, detectable_ratio
from claimtwin.stats.rosenbaum import bounds, critical_gamma, sign_tail, signed_rank_tail
from scipy.stats import binomtest, norm, wilcoxon
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import power_proportions_2indep


def test_gamma_one_is_the_ordinary_test() -> None:
    (bound,) = bounds(sign_tail(PairTable(9, 12, 30, 99)), [1.0])
    exact = binomtest(30, 42, 0.5, alternative="greater").pvalue
    assert bound.low == pytest.approx(exact, rel=1e-12)
    assert bound.high == pytest.approx(exact, rel=1e-12)
    difference = np.random.default_rng(1).poisson(1, 300) - np.random.default_rng(2).poisson(1.3, 300)
    (bound,) = bounds(signed_rank_tail(difference.astype(float)), [1.0])
    found = wilcoxon(difference, zero_method="pratt", alternative="less", method="asymptotic", correction=False)
    assert bound.high == pytest.approx(found.pvalue, rel=1e-9)


def test_bounds_widen_with_gamma_and_the_critical_one_sits_at_the_level() -> None:
    tail = sign_tail(PairTable(0, 20, 60, 100))
    found = bounds(tail, [1, 1.5, 2, 3])
    assert all(a.high < b.high and a.low > b.low for a, b in zip(found, found[1:], strict=False))
    gamma = critical_gamma(tail)
    assert tail(gamma / (1 + gamma)) == pytest.approx(0.05, rel=1e-6)


def test_what_has_no_bound_says_why() -> None:
    with pytest.raises(CannotFitError, match="no discordant pair"):
        sign_tail(PairTable(5, 0, 0, 5))
    with pytest.raises(CannotFitError, match="no pair differs"):
        signed_rank_tail(np.zeros(8))
    with pytest.raises(CannotFitError, match="not significant"):
        critical_gamma(sign_tail(PairTable(0, 10, 11, 0)))


def test_the_null_is_where_the_likelihood_is_highest() -> None:
    rng = np.random.default_rng(3)
    errors = rng.uniform(0.05, 0.3, 60)
    ratios = rng.normal(0.2, np.sqrt(0.15**2 + errors**2))
    null = fit_null(ratios, errors)

    def likelihood(mean: float, sd: float) -> float:
        return float(norm.logpdf(ratios, mean, np.sqrt(sd**2 + errors**2)).sum())

    best = likelihood(null.mean, null.sd)
    for mean, sd in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert likelihood(null.mean + mean, null.sd + sd) < best


def test_controls_without_spread_beyond_chance_have_a_null_of_no_spread() -> None:
    null = fit_null(np.linspace(-0.01, 0.01, 10), np.full(10, 0.2))
    assert null.sd == 0
    assert null.mean == pytest.approx(0, abs=1e-12)
    with pytest.raises(CannotFitError, match="fewer than 5"):
        fit_null(np.zeros(4), np.ones(4))


def test_calibrated_p_values_are_wrong_5_in_100_times_under_planted_bias() -> None:
    """2,000 studies with a bias of 0.3 (0.2), each with 200 negative controls: 4 to 6 % are called significant."""
    rng = np.random.default_rng(11)
    calls = plain = 0
    for _ in range(2000):
        errors = rng.uniform(0.05, 0.2, 201)
        seen = rng.normal(0.3, 0.2, 201) + rng.normal(0, errors)
        calls += calibrated(fit_null(seen[1:], errors[1:]), seen[0], errors[0]).p_value < 0.05
        plain += abs(seen[0]) > 1.96 * errors[0]
    assert 80 <= calls <= 120
    assert plain > 1000


def test_expected_error_is_the_mean_size_of_draws() -> None:
    drawn = np.abs(np.random.default_rng(5).normal(0.1, 0.2, 400_000)).mean()
    assert Null(0.1, 0.2).expected_error == pytest.approx(drawn, rel=0.005)
    assert Null(-0.3, 0.0).expected_error == 0.3


@pytest.mark.parametrize(("pairs", "risk", "level", "power"), [(4195, 0.1364, 0.05, 0.8), (300, 0.3, 0.01, 0.9)])
def test_detectable_difference_has_the_power_that_statsmodels_gives_it(pairs, risk, level, power) -> None:
    reduction = detectable_difference(pairs, risk, Wanted(level, power))
    found = power_proportions_2indep(-reduction, risk, pairs, alpha=level)
    assert found.power == pytest.approx(power, abs=1e-6)


def test_detectable_ratio_has_its_power() -> None:
    """A log ratio with a standard error of 2 / sqrt(events) is a z-test of that effect size."""
    ratio = detectable_ratio(903, Wanted())
    size = np.log(ratio) * np.sqrt(0.25)
    assert NormalIndPower(ddof=0).power(size, 903, 0.05, ratio=0) == pytest.approx(0.8, abs=1e-6)
    assert detectable_ratio(0, Wanted()) is None


def test_correlated_twins_show_smaller_differences_and_few_pairs_none() -> None:
    assert detectable_difference(500, 0.2, Wanted(), 0.3) < detectable_difference(500, 0.2, Wanted())
    assert detectable_difference(5, 0.1, Wanted()) is None
