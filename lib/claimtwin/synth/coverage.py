"""Enrolment: one or two spans a member, half-open days.

Gaps, hires, leavers, two plans, open ends, second employers, and employers whose pharmacy benefit is carved out.
"""

from dataclasses import dataclass

import numpy as np

from claimtwin.synth.calendar import LOOKBACK, OPENS, STOP, Days, day_of
from claimtwin.synth.draws import Draws, Flags, Index, cumulative
from claimtwin.synth.people import People

PLANS = ("PPO", "HDHP", "HMO", "EPO")
FOREVER = day_of(2200, 1, 1)
CARVED_OUT = 9
"""Of every twelve employers, the one whose pharmacy benefit is run elsewhere and never seen."""
# The family's: open, closed, two plans, hire, leaver, gap. Then the person's own: none, a new job that overlaps
# the old one, a second employer for some months.
_SHAPES = cumulative([50, 14, 18, 7, 6, 5])
_OWN = cumulative([94, 3, 3])
_TWO_PLANS, _HIRE, _LEAVER, _GAP = 2, 3, 4, 5
_NEW_JOB, _SECOND_JOB = 1, 2


@dataclass(frozen=True)
class Coverage:
    """One row a member and a column a span, the earlier first; a span is empty where its stop is not past its start.

    ``open`` marks spans without an end in the feed, ``pharmacy`` those whose dispensings are seen.
    """

    start: Days
    stop: Days
    plan: Index
    employer: Index
    open: Flags
    pharmacy: Flags

    def holds(self, row: Index, day: Days, *, pharmacy: bool = False) -> Flags:
        """Whether the member of each row is enrolled on the day, with pharmacy benefits if asked."""
        inside = (self.start[row] <= day[:, None]) & (day[:, None] < self.stop[row])
        return np.asarray((inside & (self.pharmacy[row] if pharmacy else inside)).any(axis=1), np.bool_)

    def employer_on(self, row: Index, day: Days) -> Index:
        """Employer of the earlier span that holds the day; of the first span where none does."""
        second = ~(day < self.stop[row, 0]) & (self.start[row, 1] <= day) & (day < self.stop[row, 1])
        found: Index = self.employer[row, second.astype(np.int64)]
        return found

    def merged(self, *, pharmacy: bool) -> tuple[Days, Days]:
        """(n, 2) starts and stops of the covered stretches: spans that touch or overlap are one.

        A stretch without an end in the feed stops at ``FOREVER``.
        """
        real = (self.stop > self.start) & (self.pharmacy | (not pharmacy))
        stop = np.where(self.open, FOREVER, self.stop)
        start, stop = np.where(real, self.start, 0), np.where(real, stop, 0)
        joined = real.all(axis=1) & (start[:, 1] <= stop[:, 0])
        stop[:, 0] = np.where(joined, stop.max(axis=1), stop[:, 0])
        stop[:, 1] = np.where(joined, start[:, 1], stop[:, 1])
        return start, stop

    def covers(self, first: Days, stop: Days) -> Flags:
        """Whether each member has both benefits on every day of ``[first, stop)``."""
        whole = np.ones(len(first), np.bool_)
        for pharmacy in (False, True):
            starts, stops = self.merged(pharmacy=pharmacy)
            whole &= ((starts <= first[:, None]) & (stop[:, None] <= stops)).any(axis=1)
        return whole

    def continuous(self, day: Days) -> Flags:
        """Whether each member has both benefits for a year before and after its day, without a gap."""
        return self.covers(day - LOOKBACK, day + LOOKBACK + 1)


def draw_coverage(draws: Draws, people: People) -> Coverage:
    """Spans of the given people, alike in a family; the last known day of a closed one is 2021-12-31 at the latest."""
    head, number, n = people.head, people.number, len(people.number)
    own, shape = draws.pick("own job", number, _OWN), draws.pick("coverage", head, _SHAPES)
    shape = np.where(own > 0, 0, shape)
    start, stop = np.zeros((n, 2), np.int64), np.zeros((n, 2), np.int64)
    start[:, 0] = OPENS + 184 * draws.whole("enrolled since", head, 3)
    stop[:, 0] = STOP
    _split(shape == _TWO_PLANS, start, stop, day_of(2019, 1, 1) + 365 * draws.whole("new plan", head, 3), 0)
    gap = day_of(2019, 3, 1) + draws.whole("gap", head, 900)
    _split(shape == _GAP, start, stop, gap, 15 + draws.whole("gap length", head, 120))
    hired = day_of(2018, 12, 1) + draws.whole("hired", head, 600)
    left = day_of(2020, 1, 1) + draws.whole("left", head, 640)
    start[:, 0] = np.where(shape == _HIRE, hired, start[:, 0])
    stop[:, 0] = np.where(shape == _LEAVER, left, stop[:, 0])
    job = day_of(2019, 3, 1) + draws.whole("job", number, 900)
    _split(own == _NEW_JOB, start, stop, job, -1 - draws.whole("notice", number, 60))
    _add(own == _SECOND_JOB, start, stop, job, 60 + draws.whole("job length", number, 120))
    first = draws.pick("plan", head, cumulative([5, 3, 2]))
    second = np.where((shape == _TWO_PLANS) | (own > 0), (first + 1) % len(PLANS), first)
    open_end = (shape != 1) & (shape != _LEAVER) & draws.chance("open end", head, 0.8)
    employer = np.stack([people.employer, np.where(own > 0, people.other_employer, people.employer)], axis=1)
    return Coverage(
        start=start,
        stop=stop,
        plan=np.stack([first, second], axis=1),
        employer=employer,
        open=open_end[:, None] & (stop == STOP),
        pharmacy=employer % 12 != CARVED_OUT,
    )


def _split(rows: Flags, start: Days, stop: Days, day: Days, away: Index | int) -> None:
    """End the first span before ``day`` and begin a second one ``away`` days later; a negative ``away`` overlaps."""
    start[:, 1] = np.where(rows, day + away, start[:, 1])
    stop[:, 1] = np.where(rows, stop[:, 0], stop[:, 1])
    stop[:, 0] = np.where(rows, day, stop[:, 0])


def _add(rows: Flags, start: Days, stop: Days, day: Days, length: Index) -> None:
    """Add a second span inside the first."""
    start[:, 1] = np.where(rows, day, start[:, 1])
    stop[:, 1] = np.where(rows, np.minimum(day + length, STOP), stop[:, 1])
