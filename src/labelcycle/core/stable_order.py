"""Order by value that two machines agree on: near-equal values count as equal, then by row."""

import numpy as np
from numpy.typing import NDArray

KEPT_BITS = 30
"""Bits of the mantissa that decide an order: about nine decimal digits."""


def steady(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """`values` rounded to `KEPT_BITS` binary digits, so that values equal in mathematics are equal.

    Two copies of one image have the same score in theory; in floating point the last digits
    depend on where in a block of a matrix product their rows stand.
    """
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    rounded: NDArray[np.float64] = np.ldexp(
        np.rint(np.ldexp(mantissa, KEPT_BITS)), exponent - KEPT_BITS
    )
    return rounded


def best_first(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Positions by falling value; equal values in order of position.

    Values that differ by rounding alone are equal.

    >>> best_first(np.array([0.2, 0.9, 0.1 + 0.2, 0.3])).tolist()
    [1, 2, 3, 0]
    """
    return np.argsort(-steady(values), kind="stable").astype(np.int64)
