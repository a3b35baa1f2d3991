"""Discrimination and weights from counts by step, against every couple and every weight by itself."""

import numpy as np
import pytest
from claimtwin.stats.designs import weights_of
from claimtwin.stats.overlap import STEPS, discrimination, weight_figures


def counted(logit: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    place = np.floor(logit * STEPS).astype(np.int64)
    steps = np.unique(place)[::-1]  # in no order that would help
    arms = [np.array([(place[side] == step).sum() for step in steps]) for side in (treated, ~treated)]
    return steps, *arms


def people(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1, 1.2, 700)
    return logit, rng.random(700) < 1 / (1 + np.exp(-logit))


@pytest.mark.parametrize("seed", range(5))
def test_the_c_statistic_is_that_of_all_couples(seed: int) -> None:
    logit, treated = people(seed)
    told = discrimination(*counted(logit, treated))
    apart = logit[treated][:, None] - logit[~treated][None]
    exact = ((apart > 0).sum() + (apart == 0).sum() / 2) / apart.size
    assert told.c_statistic == pytest.approx(exact, abs=told.slack + 1e-12)
    assert 0 < told.slack < 1e-3
    on_grid = np.floor(logit * STEPS)
    couples = on_grid[treated][:, None] - on_grid[~treated][None]
    assert told.c_statistic == pytest.approx(((couples > 0) + (couples == 0) / 2).mean(), rel=1e-12)


def test_common_support_is_the_share_within_the_range_of_the_other_arm() -> None:
    told = discrimination(np.array([3, 0, 1, 2, 9]), np.array([4, 0, 2, 0, 5]), np.array([1, 6, 3, 0, 0]))
    assert told.common == (pytest.approx(6 / 11), pytest.approx(4 / 10))


def test_an_empty_arm_has_no_c_statistic() -> None:
    assert discrimination(np.array([1]), np.array([5]), np.array([0])).c_statistic is None
    assert weight_figures(np.array([1]), np.array([0]), is_treated=True) == {}


@pytest.mark.parametrize("estimand", ["att", "ate", "overlap"])
def test_weights_are_those_of_the_scores(estimand: str) -> None:
    logit, treated = people(9)
    weight = weights_of(1 / (1 + np.exp(-logit)), treated, estimand)
    steps, *arms = counted(logit, treated)
    for side, counts, is_treated in ((treated, arms[0], True), (~treated, arms[1], False)):
        told, own = weight_figures(steps, counts, is_treated)[estimand], weight[side]
        assert told.largest == pytest.approx(own.max() / own.mean(), rel=1e-3)
        assert told.share == pytest.approx(own.max() / own.sum(), rel=1e-3)
        assert told.effective == pytest.approx(own.sum() ** 2 / (own**2).sum(), rel=1e-3)
