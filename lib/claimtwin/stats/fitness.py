"""Judging a feed before any study: whose rates stand out."""

from collections.abc import Mapping

import numpy as np

STANDS_OUT = 3.5
FEWEST = 5
"""Rates that are enough to tell what is usual."""


def standing_out(rates: Mapping[str, float]) -> tuple[str, ...]:
    """Names whose rate is more than 3.5 robust standard deviations from the median, sorted.

    The robust standard deviation is 1.4826 times the median absolute deviation; where that is 0, whoever differs
    from the median at all stands out. Fewer than five rates tell nothing.
    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993.
    """
    if len(rates) < FEWEST:
        return ()
    values = np.array(list(rates.values()))
    away = np.abs(values - np.median(values))
    spread = 1.4826 * np.median(away)
    far = away > STANDS_OUT * spread
    return tuple(sorted(name for name, out in zip(rates, far, strict=True) if out))
