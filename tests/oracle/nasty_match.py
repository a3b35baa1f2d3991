"""Random small studies that are full of what goes wrong: ties, infinite scores, empty arms, blocks of one."""

import numpy as np
from claimtwin.kernel.matching import Rules, Units

ORDERS = ("largest", "smallest", "data", "random", "closest", "farthest")


def nasty_scores(dice, n):
    """Quarters make ties exact, tenths just miss them; some are infinite, some fine, some minus nought."""
    grain = dice.integers(0, 4)
    if grain == 0:
        return dice.integers(0, 8, n) / 4
    if grain == 1:
        return np.where(dice.random(n) < 0.1, -0.0, dice.integers(-5, 9, n) / 10)
    if grain == 2:
        return np.where(dice.random(n) < 0.3, dice.choice([-np.inf, np.inf], n), dice.integers(0, 5, n) * 1.0)
    return np.round(dice.normal(size=n), 3)


def nasty_study(seed, *, competing=False):
    """Units and rules, every combination of options; ``competing`` for one without replacement."""
    dice = np.random.default_rng(seed)
    n = int(dice.integers(0, 18))
    treated = dice.random(n) < dice.choice([0.2, 0.5, 0.8, 0, 1], p=[0.3, 0.3, 0.3, 0.05, 0.05])
    tie = dice.permutation(n) if dice.random() < 0.8 else dice.integers(-3, 3, n)
    differ, near, space = (
        int(dice.choice(4, p=p)) for p in ((0.6, 0.3, 0.1, 0), (0.6, 0.3, 0.1, 0), (0.6, 0.1, 0.1, 0.2))
    )
    units = Units.of(
        treated,
        nasty_scores(dice, n),
        tie,
        dice.integers(0, dice.choice([1, 3, 8]), n),
        dice.integers(0, 3, (n, differ)),
        dice.integers(0, 9, (n, near)) / 4,
        dice.integers(0, 9, (n, space)) / 10,
    )
    replace = not competing and bool(dice.random() < 0.3)
    return units, Rules(
        order=ORDERS[dice.integers(len(ORDERS))],
        ratio=int(dice.integers(1, 4)),
        replace=replace,
        max_reuse=int(dice.integers(1, 4)) if replace and dice.random() < 0.5 else None,
        caliper=None if dice.random() < 0.4 else float(dice.choice([0, 0.1, 0.25, 0.3, 0.5, 2])),
        widths=tuple(dice.choice([0.5, 1, -0.5, -0.25, 0], near).tolist()),
        seed=int(dice.integers(0, 5)),
    )
