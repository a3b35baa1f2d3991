"""Judging a feed before any study: how complete its last months are, and whose rates stand out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LONGEST_LAG = 24
COMPLETE = 0.95
STANDS_OUT = 3.5


@dataclass(frozen=True)
class Completeness:
    """Expected share of each service month's lines that have been paid by the last paid month.

    ``months`` are numbers, 12 x year + month - 1, ascending; ``share`` is 0 to 1; ``through`` is the last month of
    which this month and all before are complete enough, null where none is.
    """

    months: tuple[int, ...]
    share: tuple[float, ...]
    through: int | None


def completeness(lines: Mapping[tuple[int, int], int], *, least: float = COMPLETE) -> Completeness:
    """Completion factors by lag, from months old enough to tell.

    The step from lag k to k + 1 is the lines paid by then over those paid before, summed over the service months
    that are at least k + 1 months old; a month's share is the inverse of all steps that it has not lived through.
    After 24 months a month is taken for complete.

    Args:
        lines: Lines by service month and paid month, numbers of months; paid before service counts as lag 0.
        least: Share from which a month counts as complete.

    Source: the chain-ladder method of completion factors, as in Mack, ASTIN Bulletin 1993;23(2):213-225.
    """
    if not lines:
        return Completeness((), (), None)
    last = max(paid for _, paid in lines)
    months = tuple(sorted({service for service, _ in lines}))
    paid_by = {month: _cumulative(lines, month) for month in months}
    steps = np.ones(LONGEST_LAG)
    for lag in range(LONGEST_LAG):
        old = [month for month in months if last - month >= lag + 1]
        before, after = (sum(int(paid_by[month][k]) for month in old) for k in (lag, lag + 1))
        steps[lag] = after / before if before else 1.0
    share = tuple(float(1 / np.prod(steps[max(last - month, 0) :])) for month in months)
    ready = [month for month, part in zip(months, share, strict=True) if part >= least]
    late = [month for month, part in zip(months, share, strict=True) if part < least]
    through = [month for month in ready if not late or month < min(late)]
    return Completeness(months, share, max(through, default=None))


def _cumulative(lines: Mapping[tuple[int, int], int], month: int) -> np.ndarray:
    by_lag = np.zeros(LONGEST_LAG + 1, np.int64)
    for (service, paid), count in lines.items():
        if service == month:
            by_lag[min(max(paid - service, 0), LONGEST_LAG)] += count
    return np.cumsum(by_lag)


def standing_out(rates: Mapping[str, float]) -> tuple[str, ...]:
    """Names whose rate is more than 3.5 robust standard deviations from the median, sorted.

    The robust standard deviation is 1.4826 times the median absolute deviation; where that is 0, whoever differs
    from the median at all stands out. Fewer than five rates tell nothing.
    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993.
    """
    if len(rates) < 5:
        return ()
    values = np.array(list(rates.values()))
    away = np.abs(values - np.median(values))
    spread = 1.4826 * np.median(away)
    far = away > STANDS_OUT * spread
    return tuple(sorted(name for name, out in zip(rates, far, strict=True) if out))
