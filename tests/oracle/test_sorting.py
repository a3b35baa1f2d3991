"""The sort by packed keys against numpy's own, on numbers that share their first bits."""

import numpy as np
import pytest
from claimtwin.kernel.matching.sorting import FEW, sort_codes, sort_scores

DICE = np.random.default_rng(2)
N = 3 * FEW
SCORES = {
    "spread": DICE.normal(size=N),
    "rounded": np.round(DICE.normal(size=N), 2),
    "told apart by the last bits": 1.0 + DICE.integers(0, 400, N) * 2.0**-52,
    "both signs of the smallest": DICE.integers(-300, 300, N) * 5e-324,
    "nought of both signs": DICE.choice([-0.0, 0.0, -1e-300, 1e-300], N),
    "infinite": DICE.choice([-np.inf, np.inf, -1e308, 1e308, 0.0], N),
    "descending": -np.arange(N, dtype=np.float64),
    "few": DICE.normal(size=FEW - 1),
    "none": np.empty(0),
}


@pytest.mark.parametrize("name", SCORES)
def test_scores_ascend_and_every_place_is_there_once(name):
    score = SCORES[name].copy()
    order, ascending = sort_scores(score)
    assert (ascending == np.sort(score)).all()
    assert (score[order] == ascending).all()
    assert sorted(order.tolist()) == list(range(len(score)))
    assert score.tobytes() == SCORES[name].tobytes()


@pytest.mark.parametrize("step", [1, -7, 2**40])
def test_codes_keep_the_order_of_equals(step):
    code = DICE.integers(-3, 4, 1000) * step
    assert sort_codes(code).tolist() == sorted(range(1000), key=lambda k: (code[k], k))
    assert sort_codes(code[:0]).tolist() == []
