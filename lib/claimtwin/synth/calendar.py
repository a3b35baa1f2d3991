"""The days that the generator knows, in days since 1970-01-01; spans are half-open.

Everything is drawn in the years around 2020 and moved as a whole where another year is asked for: by spans of four
years, so that leap days and ages agree.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]
Flags = NDArray[np.bool_]


def day_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    return (date(year, month, day) - date(1970, 1, 1)).days


OPENS = day_of(2017, 7, 1)  # earliest enrolment
FIRST = day_of(2019, 1, 1)  # first claim
STOP = day_of(2022, 1, 1)  # no claim from here on
DATA_THROUGH = date(2022, 6, 30)
"""The last day that the feed knows of, around 2020: ``ingest.data_through`` of a study of it."""
INDEX_FIRST, INDEX_STOP = day_of(2020, 1, 1), day_of(2020, 11, 1)
ERAS = (day_of(2015, 10, 1), day_of(2021, 10, 1), day_of(2024, 10, 1))
"""First days of ICD-10-CM, of its fiscal year 2022 (M54.5 gives way to M54.50, M54.51 and M54.59), and of 2025
(M51.36 and M51.37 gain a sixth character); before the first, ICD-9-CM."""
LOOKBACK = 365
_FOUR_YEARS = 1461


def shift_of(year: int) -> int:
    """Days from the years around 2020 to those around ``year``, which lies whole spans of four years away."""
    return (year - 2020) // 4 * _FOUR_YEARS


def data_through(year: int) -> date:
    """The last day that a feed with index days in ``year`` knows of."""
    return DATA_THROUGH + timedelta(shift_of(year))


@dataclass(frozen=True)
class OpenDays:
    """Days on which care is open: all, but of the stretch ``[first, stop)`` only one in ``every``."""

    first: int = 0
    stop: int = 0
    every: int = 1

    def is_open(self, day: Days) -> Flags:
        """Whether care is open on each day."""
        inside = (day >= self.first) & (day < self.stop)
        opened: Flags = ~inside | ((day - self.first) % self.every == 0)
        return opened

    def spread(self, place: Days, count: Days, start: Days, length: Days, within: NDArray[np.float64]) -> Days:
        """Open day ``place`` of ``count`` spread over the open ones of ``length`` days from ``start`` on."""
        low, high = self._before(start), self._before(start + length)
        return self._nth(low + spread(place, count, np.maximum(high - low, 1), within))

    def _before(self, day: Days) -> Days:
        """Open days before each day, counted from 1970."""
        inside = np.clip(day - self.first, 0, self.stop - self.first)
        before: Days = day - inside + -(-inside // self.every)
        return before

    def _nth(self, number: Days) -> Days:
        """The open day with ``number`` open days before it."""
        inside = number - self.first
        shut = (self.stop - self.first) - -(-(self.stop - self.first) // self.every)
        later = np.where(
            number < self._before(np.array([self.stop]))[0], self.first + inside * self.every, number + shut
        )
        return np.where(inside < 0, number, later)


def calendar(day: Days) -> tuple[Days, Days, Days]:
    """Year, month and day of the month, each from 1."""
    dates = day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    number = months.astype(np.int64)
    return number // 12 + 1970, number % 12 + 1, (dates - months).astype(np.int64) + 1


def completed_years(birth: Days, day: Days) -> Days:
    """Age on ``day``; born on 29 February, a year is complete on 1 March. Negative before birth.

    Not the kernel's function: what is planted must not lean on what it is to test.
    """
    born, then = calendar(birth), calendar(day)
    early = (then[1] < born[1]) | ((then[1] == born[1]) & (then[2] < born[2]))
    years: Days = then[0] - born[0] - early
    return years


def spread(place: Days, count: Days, length: Days, within: NDArray[np.float64]) -> Days:
    """Day ``place`` of ``count`` spread over ``length`` days, from 0 on.

    Each has a stretch of the days to itself, so days of one row of visits never meet; needs ``count <= length``.
    ``within`` in [0, 1) says where in its stretch.
    """
    low, high = place * length // np.maximum(count, 1), (place + 1) * length // np.maximum(count, 1)
    return low + (within * (high - low)).astype(np.int64)
