"""Squared distances of unit rows, in float32 as one matrix product, in float64 pair by pair."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

ROUNDING = 64 * 2.0**-24
"""More than the error of a squared distance of unit rows in float32. Measured: a fifth of it
at most, d 3 to 2,048 (tests/core/test_distances.py)."""

SAME = 1e-12
"""Squared distances that differ by no more are equal; no more than this apart are copies."""

PAIRS = 4096
"""Pairs looked at at a time in float64; their differences take 8 d PAIRS bytes."""


def squared_lengths(points: Doubles) -> Doubles:
    """(m,) float64 of unit rows: 1, or 0 for a row of zeros."""
    return np.asarray(points.any(axis=1), dtype=np.float64)


def left(points: Doubles) -> NDArray[np.float32]:
    """(m, d + 2) float32, whose products with the rows of `right` are scaled squared distances."""
    ones = np.ones(len(points))
    return np.column_stack([points, squared_lengths(points), ones]).astype(np.float32)


def right(points: Doubles, scale: float = 1.0) -> NDArray[np.float32]:
    """(m, d + 2) float32: left(a) @ right(b, scale).T is scale * |a - b|^2, for unit rows a, b."""
    rows = np.empty((len(points), points.shape[1] + 2), dtype=np.float32)
    rows[:, :-2] = points * (-2 * scale)
    rows[:, -2] = scale
    rows[:, -1] = scale * squared_lengths(points)
    return rows


def of_pairs(a: Doubles, b: Doubles, i: NDArray[np.int64], j: NDArray[np.int64]) -> Doubles:
    """(p,) float64: |a[i] - b[j]|^2 for each of p pairs, from the differences: copies have 0."""
    squares = np.empty(len(i))
    for start in range(0, len(i), PAIRS):
        part = slice(start, start + PAIRS)
        gaps = a[i[part]] - b[j[part]]
        squares[part] = np.einsum("pd,pd->p", gaps, gaps)
    return squares
