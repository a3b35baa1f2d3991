"""Made-up matched pairs for the models: correlated within pairs, a few employers, two covariates."""

import numpy as np
from claimtwin.stats.matched import Matched


def made_up_pairs(pairs: int = 400, seed: int = 1, employers: int = 12) -> tuple[Matched, np.ndarray, np.ndarray]:
    """People in pairs, whether each had the outcome, and how often."""
    rng = np.random.default_rng(seed)
    n = 2 * pairs
    treated, pair = np.arange(n) % 2 == 0, np.arange(n) // 2
    age, sex = rng.normal(50, 12, n), (rng.random(n) < 0.4).astype(float)
    shared = rng.normal(0, 0.5, pairs).repeat(2)
    chance = 1 / (1 + np.exp(-(-1.2 - 0.5 * treated + 0.02 * (age - 50) + 0.3 * sex + shared)))
    happened = rng.random(n) < chance
    count = np.where(happened, 1 + rng.negative_binomial(0.5, 0.3, n), 0)
    covariates = np.column_stack([age, sex])
    return Matched(treated, pair, covariates, ("age", "sex"), rng.integers(0, employers, n)), happened, count
