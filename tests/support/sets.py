"""Made-up matched sets for the models: a treated and one to ``most`` twins, correlated within, a few employers."""

import numpy as np
from claimtwin.stats.matched import Matched, weights_of_sets


def made_up_sets(
    sets: int = 300, most: int = 4, seed: int = 1, *, fixed: bool = False
) -> tuple[Matched, np.ndarray, np.ndarray]:
    """People in sets, whether each had the outcome, and how often; who has more twins has more risk."""
    rng = np.random.default_rng(seed)
    twins = np.full(sets, most) if fixed else rng.integers(1, most + 1, sets)
    pair = np.repeat(np.arange(sets), twins + 1)
    n = len(pair)
    treated = np.append(True, pair[1:] != pair[:-1])
    age, sex = rng.normal(50, 12, n), (rng.random(n) < 0.4).astype(float)
    shared = rng.normal(0, 0.5, sets)[pair] + 0.3 * (twins[pair] - 2)
    happened = rng.random(n) < 1 / (1 + np.exp(-(-1.0 - 0.5 * treated + 0.02 * (age - 50) + 0.3 * sex + shared)))
    count = np.where(happened, 1 + rng.negative_binomial(0.5, 0.3, n), 0)
    people = Matched(treated, pair, np.column_stack([age, sex]), ("age", "sex"), rng.integers(0, 12, n))
    return (
        Matched(people.treated, pair, people.covariates, people.names, people.employer, weights_of_sets(treated, pair)),
        happened,
        count,
    )
