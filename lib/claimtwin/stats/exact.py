"""Sums that do not depend on the order of their terms, so that no partitioning of the data can move a result.

Adding float64 numbers in another order changes the last digits, and a last digit can decide a tie in the
match. Here each number of [-1, 1] is cut into four parts of 13 bits. Sums of parts, and of products of parts,
are whole multiples of a power of two that float64 holds exactly, so they come out the same in any order.
The four partial sums are carried to the end and put together once, the smallest first.

Exact for up to ``MOST_ROWS`` rows in all; beyond it the sums are still good to float64, only no longer
the same to the last bit. Idea: error-free splitting (Ozaki, Ogita, Oishi, Rump, Numer. Algorithms 2012;59:95).
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PART_BITS = 13
PARTS = 4
MOST_ROWS = 2**26
"""Two parts of 13 bits multiply to 26 bits; with up to 1.5 such products a row, 2**26 rows fill the 53 bits."""


def split(values: FloatArray, room: FloatArray | None = None) -> FloatArray:
    """Cut numbers of [-1, 1] into ``PARTS`` arrays that add up to them, to 2**-53: (PARTS, *shape).

    ``room`` (PARTS + 1, *shape) is worked in, if given: fresh memory costs more than the sums.
    """
    room = np.empty((PARTS + 1, *values.shape)) if room is None else room
    rest = values
    for part, rounded in enumerate(room[:PARTS], 1):
        magic = 1.5 * 2.0 ** (52 - PART_BITS * part)  # adding it leaves no room for bits below the grid
        np.subtract(np.add(rest, magic, out=rounded), magic, out=rounded)
        rest = np.subtract(rest, rounded, out=room[PARTS])
    return room[:PARTS]


def column_sums(values: FloatArray, room: FloatArray | None = None) -> FloatArray:
    """Sum (n, p) numbers of [-1, 1] over their rows, in ``PARTS`` exact addends: (PARTS, p)."""
    return np.asarray(split(values, room).sum(axis=1))


def cross_products(values: FloatArray, room: FloatArray | None = None) -> FloatArray:
    """Sum x xᵀ over the rows of (n, p) numbers of [-1, 1], in ``PARTS`` exact addends: (PARTS, p, p).

    Addend k holds the products of parts i and j with i + j = k; those left out are below 2**-64.
    """
    first, second, third, fourth = split(values, room)
    addends = [first.T @ first, first.T @ second, first.T @ third, first.T @ fourth + second.T @ third]
    symmetric = [addends[0], *(half + half.T for half in addends[1:])]
    symmetric[2] += second.T @ second
    return np.stack(symmetric)


def put_together(addends: FloatArray) -> FloatArray:
    """Return the sum over the first axis, the smallest addend first: the one rounding of it all."""
    total: FloatArray = np.add.reduce(addends[::-1], axis=0)
    return total
