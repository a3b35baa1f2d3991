"""Ties are broken by a hash of the study's seed and the person, so that neither row order nor machine matters."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_SIGN = 2**63 - 1


def tie_key(seed: int, people: Sequence[str], *, purpose: str = "") -> NDArray[np.int64]:
    """One number per person, 0 to 2**63 - 1: BLAKE2b of the person's id in UTF-8, keyed by the seed's decimal text.

    Args:
        seed: Seed of the study; another seed breaks every tie anew.
        people: Ids; an id gets the same number in every block, process and machine.
        purpose: What the numbers are for, behind the seed in the key; numbers for other purposes have nothing to do
            with each other. Empty for ties. With the seed at most 64 bytes.

    Ties: two people may share a number (one chance in billions of billions); orders go on with their id.
    Source: BLAKE2b, RFC 7693; the first 8 bytes, little-endian, without the sign bit.
    """
    keyed = blake2b(key=f"{seed}{purpose}".encode(), digest_size=8)
    digests = bytearray()
    for person in people:
        digest = keyed.copy()
        digest.update(person.encode())
        digests += digest.digest()
    return np.frombuffer(bytes(digests), "<i8").astype(np.int64) & np.int64(_SIGN)
