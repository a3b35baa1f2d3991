"""Numbers to the text of a feed, a whole column at a time."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.synth.calendar import Days, day_of
from claimtwin.synth.draws import Flags, Index

_FIRST_DAY, _STOP_DAY = day_of(1900, 1, 1), day_of(2040, 1, 1)


def words(values: Sequence[str | None], place: Index, *, null: Flags | None = None) -> pa.Array:
    """One of a few texts a row; null where ``place`` is -1 or ``null`` says so."""
    missing = place < 0 if null is None else (place < 0) | null
    return pa.array(values, pa.string()).take(pa.array(np.maximum(place, 0), mask=missing))


def person_ids(number: Index) -> pa.Array:
    """``P`` and nine digits or more."""
    return pa.array([f"P{member:09d}" for member in number.tolist()], pa.string())


def employer_ids(employer: Index) -> pa.Array:
    """``E`` and three digits."""
    return words([f"E{number:03d}" for number in range(1000)], employer)


def claim_ids(letter: str, people: pa.Array, claim: Index) -> pa.Array:
    """The person's digits and the place of the claim among the person's."""
    return pc.binary_join_element_wise(letter, pc.utf8_slice_codeunits(people, 1), "-", whole(claim), "")


def iso_days(day: Days, *, null: Flags | None = None) -> pa.Array:
    """``2020-03-31``."""
    return words(_day_names(), day - _FIRST_DAY, null=null)


def whole(number: Index) -> pa.Array:
    """Digits without a leading zero."""
    return pc.cast(pa.array(number, pa.int64()), pa.string())


def dollars(cents: Index) -> pa.Array:
    """``12.05``."""
    return pc.binary_join_element_wise(whole(cents // 100), words([f"{n:02d}" for n in range(100)], cents % 100), ".")


def yes_no(flag: Flags) -> pa.Array:
    """``true`` or ``false``."""
    return words(["false", "true"], flag.astype(np.int64))


@cache
def _day_names() -> pa.Array:
    return pa.array(np.arange(_FIRST_DAY, _STOP_DAY).astype("datetime64[D]").astype(str).tolist(), pa.string())
