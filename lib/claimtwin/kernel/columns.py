"""Member-sorted columns: one integer key for (member, day), counting and summing between two keys.

Members are numbered from 0 within a block; days are whole days since 1970-01-01.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int32]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_DAY = np.int32(-(2**30))
_DAY_BITS = np.int64(32)
_DAY_ZERO = np.int64(2**30)
_DAY_MASK = np.int64(2**32 - 1)


def keys(member: Index, day: Days) -> Index:
    """One integer a row that sorts as (member, day); days within 2**30 of 1970."""
    return (member.astype(np.int64) << _DAY_BITS) + (day.astype(np.int64) + _DAY_ZERO)


def starts_run(values: NDArray[Any]) -> Flags:
    """True at the first row of each run of equal values."""
    first = np.ones(len(values), np.bool_)
    first[1:] = values[1:] != values[:-1]
    return first


def ends_run(values: NDArray[Any]) -> Flags:
    """True at the last row of each run of equal values."""
    last = np.ones(len(values), np.bool_)
    last[:-1] = values[1:] != values[:-1]
    return last


@dataclass(frozen=True)
class Events:
    """Dated events of members: ``key`` ascending, one row an event."""

    key: Index

    @staticmethod
    def of(member: Index, day: Days) -> "Events":
        """Events from rows in any order; equal rows stay apart."""
        return Events(np.sort(keys(member, day)))

    def distinct_days(self) -> "Events":
        """At most one event a member and day."""
        return Events(self.key[starts_run(self.key)])

    def member(self) -> Index:
        """Member of each event."""
        return self.key >> _DAY_BITS

    def day(self) -> Days:
        """Day of each event."""
        return ((self.key & _DAY_MASK) - _DAY_ZERO).astype(np.int32)

    def count(self, member: Index, index: Days, first: int, last: int) -> Index:
        """Events of each asked member on days ``first`` to ``last`` relative to its index, both included."""
        low = np.searchsorted(self.key, keys(member, index + np.int32(first)), "left")
        high = np.searchsorted(self.key, keys(member, index + np.int32(last)), "right")
        return (high - low).astype(np.int64)


def sum_between(member: Index, day: Days, amount: Index, asked: Index, index: Days, *, first: int, last: int) -> Index:
    """Sum of ``amount`` on days ``first`` to ``last`` relative to each asked member's index, both included.

    Args:
        member, day, amount: One row an amount, sorted by member, then day; amounts are whole (cents).
        asked, index: One row a member asked about.
    """
    key = keys(member, day)
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(amount, dtype=np.int64)])
    low = np.searchsorted(key, keys(asked, index + np.int32(first)), "left")
    high = np.searchsorted(key, keys(asked, index + np.int32(last)), "right")
    summed: Index = total[high] - total[low]
    return summed
