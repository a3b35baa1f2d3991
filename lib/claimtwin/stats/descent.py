"""The quadratic model of a penalised likelihood made small, on p x p numbers, without a row of data."""

import numpy as np

from claimtwin.stats.exact import FloatArray

SWEEPS = 10
"""Sweeps of coordinate descent before the slopes that are not 0 are solved for exactly."""
MOST_ROUNDS = 200
SLACK = 1e-9
"""Share of its bound by which a pull on a slope of 0 may exceed it: rounding."""


def minimise_model(curve: FloatArray, pull: FloatArray, l1: FloatArray, start: FloatArray) -> FloatArray:
    """The b that makes b'Hb / 2 - c'b + sum l1 |b| small: coordinate descent, then the exact solution of its signs.

    Args:
        curve: (p, p) H, symmetric, with a positive diagonal.
        pull: (p,) c.
        l1: (p,) penalties, 0 or more.
        start: (p,) where the descent begins.
    """
    if not l1.any():
        return _solve(curve, pull)
    b = start.copy()
    for _ in range(MOST_ROUNDS):
        before = b.copy()
        _sweep(curve, pull, l1, b)
        exact = _exact(curve, pull, l1, b)
        if exact is not None:
            return exact
        if (b == before).all():
            break
    return b


def _sweep(curve: FloatArray, pull: FloatArray, l1: FloatArray, b: FloatArray) -> None:
    """Coordinate descent in place; slopes at 0 whose pull stays within their penalty are passed over."""
    size = np.diag(curve)
    rest = pull - curve @ b
    for sweep in range(SWEEPS):
        places = range(len(b)) if sweep in (0, SWEEPS - 1) else np.flatnonzero((b != 0) | (l1 == 0)).tolist()
        for j in places:
            own = rest[j] + size[j] * b[j]
            new = np.sign(own) * max(abs(own) - l1[j], 0.0) / size[j]
            if new != b[j]:
                rest -= curve[j] * (new - b[j])
                b[j] = new


def _exact(curve: FloatArray, pull: FloatArray, l1: FloatArray, b: FloatArray) -> FloatArray | None:
    """The optimum among slopes of the signs of ``b``, where it is that of all; None where it is not."""
    free = (b != 0) | (l1 == 0)
    try:
        some = _solve(curve[np.ix_(free, free)], (pull - l1 * np.sign(b))[free])
    except np.linalg.LinAlgError:
        return None
    found = np.zeros_like(b)
    found[free] = some
    rest = np.abs(pull - curve @ found)
    turned = (np.sign(found) != np.sign(b)) & (l1 > 0)
    return None if turned.any() or (rest[~free] > l1[~free] * (1 + SLACK)).any() else found


def _solve(curve: FloatArray, pull: FloatArray) -> FloatArray:
    size = np.sqrt(np.diag(curve))
    return np.asarray(np.linalg.solve(curve / np.outer(size, size), pull / size) / size)
