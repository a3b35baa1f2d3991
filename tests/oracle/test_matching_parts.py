"""What goes around a match: distances from covariates, common support, reasons, blocks, balance by weight."""

from math import sqrt

import numpy as np
import pytest
from claimtwin.errors import InputError
from claimtwin.kernel.matching import match_units
from claimtwin.kernel.matching.accounting import REASONS, count_blocks, why_unmatched
from claimtwin.kernel.matching.shape import ArmTotals, pooled_covariance, pooled_scaling, pooled_whitening, whitening
from claimtwin.kernel.matching.support import outside_support, within_cap
from claimtwin.kernel.matching.turns import rehash, splitmix64
from claimtwin.stats.weighted_balance import weighted_balance

from tests.oracle.greedy import may_be_pair
from tests.oracle.nasty_match import nasty_study
from tests.support.people import people_of

DICE = np.random.default_rng(3)
X = DICE.normal(size=(60, 3)) * [1.0, 1000.0, 0.01] + [5.0, 0.0, 80.0]
X[:, 1] += 800 * X[:, 0]
ARM = DICE.random(60) < 0.4


def within_arms(x, treated):
    """Centre each arm at its own mean, in one table."""
    centred = np.concatenate([x[treated] - x[treated].mean(axis=0), x[~treated] - x[~treated].mean(axis=0)])
    return centred.T @ centred / (len(x) - 2)


def test_whitened_distance_is_that_of_mahalanobis():
    inverse = np.linalg.inv(within_arms(X, ARM))
    space = X @ pooled_whitening(X, ARM)
    for one, other in ((0, 1), (5, 17), (30, 59)):
        apart = X[one] - X[other]
        assert np.linalg.norm(space[one] - space[other]) == pytest.approx(sqrt(apart @ inverse @ apart), rel=1e-9)


def test_scaled_distance_counts_standard_deviations():
    spread = np.sqrt(np.diagonal(within_arms(X, ARM)))
    apart = (X @ pooled_scaling(X, ARM))[3] - (X @ pooled_scaling(X, ARM))[8]
    assert apart == pytest.approx((X[3] - X[8]) / spread, rel=1e-9)


def test_sums_of_parts_give_the_same_covariance():
    parts = [[ArmTotals.of(part, X.mean(axis=0)) for part in np.array_split(X[side], 4)] for side in (ARM, ~ARM)]
    totals = [one[0] + one[1] + one[2] + one[3] for one in parts]
    assert pooled_covariance(totals) == pytest.approx(within_arms(X, ARM), rel=1e-9)
    assert pooled_covariance([*totals, ArmTotals.of(X[:0])]) == pytest.approx(within_arms(X, ARM), rel=1e-9)


def test_what_has_no_spread_counts_nothing():
    """A constant and a repeated column change no distance: the repeated one shares the weight of the first."""
    wide = np.column_stack([X, np.full(60, 7.0), X[:, 0]])
    one, other = X @ pooled_whitening(X, ARM), wide @ pooled_whitening(wide, ARM)
    assert np.linalg.norm(other[4] - other[9]) == pytest.approx(np.linalg.norm(one[4] - one[9]), rel=1e-6)
    assert (whitening(np.zeros((2, 2))) == 0).all()


def test_a_covariance_needs_people_and_finite_values():
    for x in (X[:2], np.where(X > 5, np.nan, X)):
        with pytest.raises(InputError):
            pooled_whitening(x, ARM[: len(x)] if len(x) > 2 else np.array([True, False]))


def test_common_support_is_the_other_arms_range():
    treated, score = np.array([1, 1, 1, 0, 0, 0], bool), np.array([0.1, 0.5, 0.9, 0.0, 0.5, 0.8])
    assert np.flatnonzero(outside_support(treated, score, "treated")).tolist() == [2]
    assert np.flatnonzero(outside_support(treated, score, "control")).tolist() == [3]
    assert np.flatnonzero(outside_support(treated, score, "both")).tolist() == [2, 3]
    assert not outside_support(treated, score, "none").any()
    assert outside_support(treated[:3], score[:3], "both").all()


def test_a_cap_keeps_the_smallest_tie_keys_of_each_arm():
    treated = np.array([1, 0, 1, 1, 0, 0], bool)
    assert within_cap(treated, np.array([5, 9, 1, 3, 2, 2]), 2).tolist() == [False, False, True, True, True, True]
    assert within_cap(treated, np.arange(6), 9).all()


def reason_by_hand(units, rules, pairs, outside, cut, t):
    people = people_of(units)
    controls = [c for c in range(len(units)) if not (people[c]["treated"] or outside[c] or cut[c])]
    if t in pairs.treated:
        return "matched"
    if outside[t]:
        return "outside support"
    if cut[t]:
        return "above the cap"
    if not any(people[c]["block"] == people[t]["block"] for c in controls):
        return "no control in the block"
    if not any(may_be_pair(people[t], people[c], rules) for c in controls):
        return "no control within reach"
    return "taken by others"


def test_each_unmatched_treated_has_the_first_reason_that_applies():
    seen = dict.fromkeys(REASONS, 0)
    for seed in range(600):
        units, rules = nasty_study(seed)
        outside = outside_support(units.treated, units.score, ("none", "treated", "both")[seed % 3])
        cut = ~outside
        cut[cut] = ~within_cap(units.treated[cut], units.tie[cut], 3 if seed % 4 == 0 else 99)
        kept = np.flatnonzero(~(outside | cut))
        found = match_units(units.take(kept), rules)
        pairs = type(found)(kept[found.treated], kept[found.control], found.rank, found.distance)
        reason = why_unmatched(units, rules, pairs, outside, cut)
        for t in np.flatnonzero(units.treated):
            assert REASONS[reason[t]] == reason_by_hand(units, rules, pairs, outside, cut, t)
            seen[REASONS[reason[t]]] += 1
        assert not reason[~units.treated].any()
    assert min(seen.values()) > 50


def test_blocks_are_counted_one_by_one():
    for seed in range(300):
        units, rules = nasty_study(seed)
        found = match_units(units, rules)
        counts = count_blocks(units, found, (0.0, 0.5, 0.9, 1.0))
        assert counts.block.tolist() == sorted(set(units.block.tolist()))
        for k, code in enumerate(counts.block):
            inside, couples = units.block == code, units.block[found.treated] == code
            n = [int((inside & units.treated).sum()), int((inside & ~units.treated).sum())]
            assert [counts.treated[k], counts.controls[k]] == n
            assert counts.couples[k] == couples.sum()
            assert counts.matched[k] == len(set(found.treated[couples].tolist()))
            assert np.isnan(counts.scarcity[k]) if n[1] == 0 else counts.scarcity[k] == n[0] / n[1]
            expected = np.quantile(found.distance[couples], [0, 0.5, 0.9, 1]) if couples.any() else [np.nan] * 4
            assert counts.quantiles[k] == pytest.approx(expected, nan_ok=True, rel=1e-12, abs=1e-12)


def test_weighted_balance_by_hand():
    """Treated 1 and 3; comparators 0, 2 and 4 weighing 1, 0 and 3: means 2 and 3, shares differ most at 1 and 3."""
    column = np.array([1.0, 3.0, 0.0, 2.0, 4.0])
    treated, weight = np.array([1, 1, 0, 0, 0], bool), np.array([1.0, 1.0, 1.0, 0.0, 3.0])
    got = weighted_balance(column, treated, weight)
    assert (got.mean_treated, got.mean_comparator) == (2.0, 3.0)
    assert got.smd == pytest.approx(-1 / sqrt(2))
    assert got.variance_ratio == pytest.approx(2 / (12 * 4 / 6))
    assert got.ecdf_max == 0.75
    assert (got.effective_treated, got.effective_comparator) == (2.0, 4**2 / 10)
    assert got.ecdf_mean == pytest.approx((0.25 + 0.25 + 0.25 + 0.75 + 0) / 5)


def test_weighted_balance_where_it_is_not_defined():
    column, treated = np.array([1.0, 3.0, 2.0]), np.array([1, 1, 0], bool)
    nobody = weighted_balance(column, treated, np.array([1.0, 1.0, 0.0]))
    assert (nobody.mean_comparator, nobody.smd, nobody.ecdf_max) == (None, None, None)
    assert (nobody.effective_treated, nobody.effective_comparator) == (2.0, 0.0)
    assert weighted_balance(column, treated, np.ones(3)).variance_ratio is None
    assert weighted_balance(np.ones(3), treated, np.ones(3)).smd == 0.0


def test_the_hash_of_the_random_order_is_splitmix64():
    """First outputs published for the states 0 and 1234567; another seed gives another order."""
    assert splitmix64(np.array([0, 1234567], np.uint64)).tolist() == [0xE220A8397B1DCDAF, 6457827717110365317]
    tie = np.arange(100)
    assert np.argsort(rehash(tie, 1)).tolist() != np.argsort(rehash(tie, 2)).tolist()
    assert len(set(rehash(tie, 1).tolist())) == 100
