"""A number that may lie below nought, as a change in dose: least squares tell it, and nothing that needs counts."""

import numpy as np
from claimtwin.stats.effects import count_effects
from claimtwin.stats.models import Plan, count_models
from claimtwin.stats.standard import Draws

from tests.support.pairs import made_up_pairs

PEOPLE, _, COUNT = made_up_pairs()
CHANGE = COUNT - np.int64(2)
MODELS = ("ols", "poisson", "negative_binomial", "gamma", "two_part")


def test_differences_do_not_mind_where_nought_lies():
    plain, moved = (count_effects("o", values, PEOPLE).effects[0] for values in (COUNT, CHANGE))
    assert (moved.estimate, moved.low, moved.high) == (plain.estimate, plain.low, plain.high) or np.allclose(
        (moved.estimate, moved.low, moved.high), (plain.estimate, plain.low, plain.high), rtol=1e-9
    )


def test_models_of_counts_say_why_they_cannot_be_asked():
    assert (CHANGE < 0).any()
    rows = count_models("o", CHANGE, PEOPLE, Plan(MODELS, ("hc3",), ("hc3",), Draws(0, 7)))
    told = {row.model: (row.estimate is not None, row.note) for row in rows}
    assert told.pop("ols")[0]
    assert set(told.values()) == {(False, "values below nought")}
    assert set(told) == set(MODELS[1:])
