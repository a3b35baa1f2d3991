"""Enrolment: one or two spans a member, half-open days, with gaps, hires, leavers, open ends and carve-outs."""

from dataclasses import dataclass

import numpy as np

from claimtwin.synth.calendar import LOOKBACK, OPENS, STOP, Days, day_of
from claimtwin.synth.draws import Draws, Flags, Index, cumulative
from claimtwin.synth.people import People

PLANS = ("PPO", "HDHP", "HMO", "EPO")
CARVED_OUT = 9
"""Of every twelve employers, the one whose pharmacy benefit is run elsewhere and never seen."""
_SHAPES = cumulative([50, 14, 18, 7, 6, 5])  # open, closed, two plans, hire, leaver, gap
_TWO_PLANS, _HIRE, _LEAVER, _GAP = 2, 3, 4, 5


@dataclass(frozen=True)
class Coverage:
    """One row a member; ``start``, ``stop`` and ``plan`` have a column per span, empty where stop is not past start.

    ``open`` marks a last span without an end in the feed, ``pharmacy`` a member whose dispensings are seen.
    """

    start: Days
    stop: Days
    plan: Index
    open: Flags
    pharmacy: Flags

    def holds(self, row: Index, day: Days) -> Flags:
        """Whether the member of each row is enrolled on the day."""
        inside = (self.start[row] <= day[:, None]) & (day[:, None] < self.stop[row])
        return np.asarray(inside.any(axis=1), np.bool_)

    def continuous(self, day: Days) -> Flags:
        """Whether each member is enrolled, with pharmacy, for a year before and after its day, without a gap."""
        (first, second), (end, last) = self.start.T, self.stop.T
        joined = np.where(end == second, last, end)
        low, high = day - LOOKBACK, day + LOOKBACK + 1
        whole: Flags = ((first <= low) & (joined >= high)) | ((second <= low) & (last >= high))
        return whole & self.pharmacy


def draw_coverage(draws: Draws, people: People) -> Coverage:
    """Spans of the given people; the last known day of a closed span is 2021-12-31 at the latest."""
    number, n = people.number, len(people.number)
    shape = draws.pick("coverage", number, _SHAPES)
    start, stop = np.zeros((n, 2), np.int64), np.zeros((n, 2), np.int64)
    start[:, 0] = OPENS + 184 * draws.whole("enrolled since", number, 3)
    stop[:, 0] = STOP
    _split(shape == _TWO_PLANS, start, stop, day_of(2019, 1, 1) + 365 * draws.whole("new plan", number, 3), 0)
    gap = day_of(2019, 3, 1) + draws.whole("gap", number, 900)
    _split(shape == _GAP, start, stop, gap, 15 + draws.whole("gap length", number, 120))
    hired = day_of(2018, 12, 1) + draws.whole("hired", number, 600)
    left = day_of(2020, 1, 1) + draws.whole("left", number, 640)
    start[:, 0] = np.where(shape == _HIRE, hired, start[:, 0])
    stop[:, 0] = np.where(shape == _LEAVER, left, stop[:, 0])
    first = draws.pick("plan", number, cumulative([5, 3, 2]))
    second = np.where(shape == _TWO_PLANS, (first + 1) % len(PLANS), first)
    return Coverage(
        start=start,
        stop=stop,
        plan=np.stack([first, second], axis=1),
        open=(shape != 1) & (shape != _LEAVER) & draws.chance("open end", number, 0.8),
        pharmacy=people.employer % 12 != CARVED_OUT,
    )


def _split(rows: Flags, start: Days, stop: Days, day: Days, away: Index | int) -> None:
    """End the first span before ``day`` and begin a second one ``away`` days later."""
    start[:, 1] = np.where(rows, day + away, start[:, 1])
    stop[:, 1] = np.where(rows, stop[:, 0], stop[:, 1])
    stop[:, 0] = np.where(rows, day, stop[:, 0])
