"""The days that the generator knows, in days since 1970-01-01; spans are half-open."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]


def day_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    return (date(year, month, day) - date(1970, 1, 1)).days


OPENS = day_of(2017, 7, 1)  # earliest enrolment
FIRST = day_of(2019, 1, 1)  # first claim
STOP = day_of(2022, 1, 1)  # no claim from here on
DATA_THROUGH = date(2022, 6, 30)
"""The last day that the feed knows of: ``ingest.data_through`` of a study of it."""
INDEX_FIRST, INDEX_STOP = day_of(2020, 1, 1), day_of(2020, 11, 1)
NEW_CODES = day_of(2021, 10, 1)  # ICD-10-CM of fiscal year 2022: M54.5 gives way to M54.50 and M54.59
LOOKBACK = 365


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
