"""Design matrices in cells of a table: each column in the fewest bytes that give back every number exactly.

A fit reads the design once a step, and what a step costs is mostly moving bytes. Most covariates are yes-no or small
counts, which take a byte a person in place of eight.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray

DESIGN = pa.schema(
    [("x", pa.binary()), ("treated", pa.binary()), ("weight", pa.binary()), ("tie", pa.binary())]
    + [("moments", pa.list_(pa.float64()))]
)
"""A stretch of candidates: ``pack_matrix``, arms, weights and tie keys as bytes, ``stats.moments.Moments`` packed."""
KINDS: tuple[np.dtype[Any], ...] = np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.uint8)
"""How a column may be kept, the widest first so that each begins at a multiple of its width."""


def pack_matrix(x: FloatArray) -> bytes:
    """Bytes of an (n, p) matrix: the kind of each column in a byte, then the columns of each kind in turn.

    Equal matrices give equal bytes. NaN, infinities and the sign of zero come back as they were.
    """
    kind = np.zeros(x.shape[1], np.uint8)
    for number, narrow in enumerate(KINDS[1:], 1):
        with np.errstate(invalid="ignore", over="ignore"):
            back = x.astype(narrow).astype(np.float64)
        kind[(back.view(np.int64) == x.view(np.int64)).all(axis=0)] = number
    columns = [np.ascontiguousarray(x[:, kind == number].T, dtype).tobytes() for number, dtype in enumerate(KINDS)]
    return b"".join([kind.tobytes().ljust(_head(len(kind)), b"\0"), *columns])


def unpack_matrix(cell: bytes | pa.Buffer, p: int) -> FloatArray:
    """Undo ``pack_matrix`` of a matrix with ``p`` columns; column by column in memory."""
    raw = np.frombuffer(cell, np.uint8)
    kind = raw[:p]
    n = (len(raw) - _head(p)) // int(np.array([dtype.itemsize for dtype in KINDS])[kind].sum())
    found, start = np.empty((p, n)), _head(p)
    for number, dtype in enumerate(KINDS):
        places: NDArray[np.intp] = np.flatnonzero(kind == number)
        size = len(places) * n
        found[places] = raw[start : start + size * dtype.itemsize].view(dtype).reshape(len(places), n)
        start += size * dtype.itemsize
    return found.T


def _head(p: int) -> int:
    """Bytes before the columns, a multiple of eight."""
    return -(-p // 8) * 8
