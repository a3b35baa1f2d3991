"""Made-up units of a match that stands alone."""

import numpy as np
import pyarrow as pa


def made_units(n: int = 300, seed: int = 1) -> pa.Table:
    """Scores that tie now and then, text and numbers, ids with leading zeros, rows in no order."""
    dice = np.random.default_rng(seed)
    number = dice.permutation(n)
    columns = {
        "person": [f"{k:05d}" for k in number.tolist()],
        "treat": (dice.random(n) < 0.3).astype(int),
        "ps": np.round(dice.beta(2, 4, n) * 0.98 + 0.01, 2),
        "age": dice.integers(18, 65, n),
        "cost": np.round(dice.lognormal(6, 1, n), 2),
        "region": dice.choice(["north", "south", "east"], n),
        "month": dice.integers(1, 4, n),
        "site": dice.choice(["a", "b"], n),
        "rank": number,
    }
    return pa.table(columns)
