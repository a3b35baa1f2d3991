"""Penalised fits against the conditions of their optimum, weighted ones against statsmodels, on random designs."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import statsmodels.api as sm
from claimtwin.errors import GuardError
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments, add_moments, moments_of
from claimtwin.stats.newton import LogitFit, LogitSums, add_sums, fit_logit, logit_sums, sd_of_logit
from claimtwin.stats.penalised import (
    PathPoint,
    Request,
    as_fit,
    fit_path,
    path_of,
    run_fits,
    sums_for,
    validate,
)

Design = tuple[FloatArray, np.ndarray, FloatArray | None]


def random_design(seed: int) -> Design:
    """Columns of mixed scales and kinds; every third design weighted, every fifth nearly separated."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(300, 1500)), int(rng.integers(2, 9))
    x = rng.normal(size=(n, p)) * np.exp(rng.normal(0, 3, p)) + rng.normal(0, 5, p)
    x[:, 0] = rng.random(n) < 0.3
    unit = (x - x.mean(axis=0)) / x.std(axis=0)
    steep = 9.0 if seed % 5 == 0 else 0.8
    logit = rng.normal(-0.5, 0.5) + steep * unit[:, -1] + 0.3 * unit[:, 0]
    y = rng.random(n) < 1 / (1 + np.exp(-logit))
    weight = rng.choice([0.0, 0.25, 1.0, 2.0, 3.7], n) if seed % 3 == 0 else None
    return x, y, weight


class Cluster:
    """Rows in shards, whose packed sums alone come back."""

    def __init__(self, design: Design, shards: int = 1, fold: np.ndarray | None = None) -> None:
        x, y, weight = design
        places = np.array_split(np.arange(len(x)), shards)
        self.shards = [
            (x[i], y[i], None if weight is None else weight[i], None if fold is None else fold[i]) for i in places
        ]
        self.moments = add_moments([Moments.unpack(moments_of(a, b, w).pack()) for a, b, w, _ in self.shards])
        self.columns = [f"c{k}" for k in range(x.shape[1])]
        self.passes = 0

    def sums_at(self, beta: FloatArray) -> LogitSums:
        made = [logit_sums(x, y, w, beta=beta, moments=self.moments).pack() for x, y, w, _ in self.shards]
        return add_sums([LogitSums.unpack(vector) for vector in made])

    def evaluate(self, requests: Sequence[Request]) -> list[LogitSums]:
        self.passes += 1
        made = [sums_for(*shard, requests, self.moments) for shard in self.shards]
        return [add_sums([shard[k] for shard in made]) for k in range(len(requests))]

    def plain(self) -> LogitFit:
        return fit_logit(self.sums_at, self.moments, self.columns)

    def path(self, share: float, strengths: Sequence[float]) -> list[PathPoint]:
        return run_fits([fit_path(len(self.columns), share, strengths)], self.evaluate)[0]

    def one(self, share: float, strength: float) -> LogitFit:
        return as_fit(self.path(share, [strength])[0], self.moments, self.columns)


def by_statsmodels(design: Design) -> tuple[FloatArray, FloatArray]:
    x, y, weight = design
    center, scale = x.mean(axis=0), x.std(axis=0)
    rows = np.column_stack([np.ones(len(x)), (x - center) / scale])
    kept = slice(None) if weight is None else weight > 0
    model = sm.GLM(y[kept].astype(float), rows[kept], sm.families.Binomial(),
                   freq_weights=None if weight is None else weight[kept])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        near = model.fit(tol=1e-14, maxiter=200)
        fit = model.fit(start_params=near.params, tol=0, maxiter=3)  # its errors are those of the step before
    back = np.diag(np.append(1, 1 / scale))
    back[0, 1:] = -center / scale
    return back @ fit.params, np.sqrt(np.diag(back @ fit.cov_params() @ back.T))


@pytest.mark.parametrize("seed", range(50))
def test_the_plain_fit_equals_statsmodels_on_random_designs(seed: int) -> None:
    design = random_design(seed)
    fit = Cluster(design, shards=4).plain()
    params, errors = by_statsmodels(design)
    assert (np.abs(fit.params - params) <= 1e-8 * np.maximum(np.abs(params), errors)).all()
    np.testing.assert_allclose(fit.standard_errors, errors, rtol=1e-8)


def faults_of_optimum(design: Design, fit: LogitFit, share: float, strength: float) -> float:
    """Largest break of the conditions of an optimum, from the rows: slopes in standard deviations, per weight."""
    x, y, weight = design
    w = np.ones(len(x)) if weight is None else weight
    mean = w @ x / w.sum()
    sd = np.sqrt(w @ (x - mean) ** 2 / w.sum())
    z, slope = (x - mean) / sd, fit.params[1:] * sd
    logit = fit.params[0] + x @ fit.params[1:]
    residual = w * (y - 1 / (1 + np.exp(-logit))) / w.sum()
    pull = residual @ z - strength * (1 - share) * slope
    bound = strength * share
    off = np.where(slope == 0, np.maximum(np.abs(pull) - bound, 0), np.abs(pull - bound * np.sign(slope)))
    return float(max(np.abs(residual.sum()), off.max()))


@pytest.mark.parametrize("seed", range(50))
def test_penalised_fits_meet_the_conditions_of_an_optimum(seed: int) -> None:
    design = random_design(seed)
    cluster = Cluster(design, shards=3)
    top = path_of(len(cluster.columns), cluster.evaluate, 1.0, 1, 1.0)[0][0]
    for share in (1.0, 0.5, 0.0):
        for part in (0.5, 0.05, 0.001):
            fit = cluster.one(share, top * part)
            assert faults_of_optimum(design, fit, share, top * part) < 1e-10, (share, part)


def test_separated_arms_have_a_penalised_fit() -> None:
    x = np.random.default_rng(1).normal(size=(300, 2))
    design = x, x[:, 0] > 0, None
    for share in (1.0, 0.0):
        fit = Cluster(design).one(share, 0.01)
        assert np.isfinite(fit.params).all()
        assert faults_of_optimum(design, fit, share, 0.01) < 1e-10


def test_weights_are_repeated_people() -> None:
    x, y, _ = random_design(8)
    times = np.random.default_rng(2).integers(0, 4, len(x))
    repeated = Cluster((np.repeat(x, times, axis=0), np.repeat(y, times), None))
    weighted = Cluster((x, y, times.astype(float)))
    one, other = repeated.plain(), weighted.plain()
    np.testing.assert_allclose(other.params, one.params, rtol=1e-9)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors, rtol=1e-9)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10)
    assert sd_of_logit(other, weighted.moments) == pytest.approx(sd_of_logit(one, repeated.moments), rel=1e-8)
    strong, weak = repeated.one(0.5, 0.02), weighted.one(0.5, 0.02)
    np.testing.assert_allclose(weak.params, strong.params, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(GuardError, match="weight"):
        moments_of(np.zeros((2, 1)), np.array([True, False]), np.array([1.0, weight]))


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_sharding_changes_no_bit_of_a_penalised_path(seed: int) -> None:
    x, y, weight = random_design(seed)
    shuffled = np.random.default_rng(seed).permutation(len(x))
    moved = x[shuffled], y[shuffled], None if weight is None else weight[shuffled]
    whole = Cluster((x, y, weight))
    strengths = path_of(x.shape[1], whole.evaluate, 0.9, 8, 1e-3)[0]
    betas = [point.beta.tobytes() for point in whole.path(0.9, strengths)]
    for shards in (7, 64):
        pieces = Cluster(moved, shards=shards)
        assert path_of(x.shape[1], pieces.evaluate, 0.9, 8, 1e-3)[0].tobytes() == strengths.tobytes()
        assert [point.beta.tobytes() for point in pieces.path(0.9, strengths)] == betas


def test_a_path_begins_where_the_first_slope_leaves_0() -> None:
    cluster = Cluster(random_design(11))
    strengths = path_of(len(cluster.columns), cluster.evaluate, 1.0, 12, 1e-3)[0]
    points = cluster.path(1.0, [*strengths[:1] * 1.0000001, *strengths])
    assert [points[0].kept, points[1].kept] == [0, 0]
    assert cluster.path(1.0, [strengths[0] * 0.999])[0].kept == 1
    assert [point.kept for point in points] == sorted(point.kept for point in points)
    assert points[-1].kept == len(cluster.columns)


def test_folds_are_fitted_without_their_rows_in_shared_passes() -> None:
    """Each fold's path equals one fitted on the other rows alone with the same spreads, and is judged on its own."""
    x, y, weight = random_design(9)
    fold = np.arange(len(x)) % 3
    whole = Cluster((x, y, weight), shards=2, fold=fold)
    strengths, spreads = path_of(x.shape[1], whole.evaluate, 1.0, 5, 0.01)
    before = whole.passes
    paths = run_fits([fit_path(x.shape[1], 1.0, strengths, k, spreads) for k in range(3)], whole.evaluate)
    together = whole.passes - before
    alone = 0
    for k, path in enumerate(paths):
        rows = fold != k
        single = Cluster((x[rows], y[rows], weight[rows]))
        single.moments = whole.moments
        found = run_fits([fit_path(x.shape[1], 1.0, strengths, None, spreads)], single.evaluate)[0]
        alone += single.passes
        for one, other in zip(path, found, strict=True):
            np.testing.assert_allclose(one.beta, other.beta, rtol=1e-9, atol=1e-12)
            logit = as_fit(one, whole.moments, whole.columns).params
            margin = np.where(y, 1, -1)[~rows] * (logit[0] + x[~rows] @ logit[1:])
            assert one.held_out == pytest.approx(2 * weight[~rows] @ np.logaddexp(0, -margin), rel=1e-9)
    assert together < alone


def test_the_strength_is_chosen_by_what_was_left_out() -> None:
    def path(*deviance: float) -> list[PathPoint]:
        return [PathPoint(1 / (k + 1), np.zeros(1), 0, 0.0, value, 1) for k, value in enumerate(deviance)]

    folds = [path(10, 6, 4, 5), path(12, 9, 9, 9), path(5, 2.6, 2.4, 2.9)]
    weights = [10.0, 10.0, 5.0]
    least = validate(folds, weights, "min")
    mean = [27 / 25, 17.6 / 25, 15.4 / 25, 16.9 / 25]
    np.testing.assert_allclose(least.mean, mean)
    assert least.chosen == 2
    spread = np.sqrt((0.4 * (0.4 - mean[2]) ** 2 + 0.4 * (0.9 - mean[2]) ** 2 + 0.2 * (0.48 - mean[2]) ** 2) / 2)
    assert least.error[2] == pytest.approx(spread)
    assert validate(folds, weights, "one_se").chosen == 1
