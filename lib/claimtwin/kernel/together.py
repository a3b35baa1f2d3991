"""Services that have a diagnosis beside them: on their own line, on their claim, or on their day."""

from typing import Literal

import numpy as np

from claimtwin.kernel.columns import Days, Flags, Index, keys


def with_diagnosis(
    member: Index, day: Days, claim: Index, service: Flags, diagnosis: Flags, where: Literal["line", "claim", "day"]
) -> Flags:
    """Which lines are a service that has a diagnosis beside it.

    Args:
        member, day: Of each line.
        claim: Number of each line's claim, 0 to 2**32 - 1; equal numbers of one member are one claim.
        service, diagnosis: Whether the line is of the procedures, and whether it names the diagnosis in any position.
        where: ``line``: on the line itself; ``claim``: on any line of the same claim, of whatever day; ``day``: on
            any line of the member that begins on the same day, of whatever claim.
    """
    if where == "line":
        return service & diagnosis
    if where == "day":
        key = keys(member, day)
    else:
        key = (member << np.int64(32)) | claim
    return service & np.isin(key, key[diagnosis])
