"""Whether what tells samples apart lies in the lengths of their features, not in directions.

Strategies compare directions: blobs that lie one behind the other on a ray from the origin are
one to them. The share of the spread that lies in lengths is the variance of the lengths over the
mean squared distance from the mean. It is near 1 where lengths carry everything, as on a ray; 0.3
and less on features of images of seven kinds (tests/core/test_length_variance.py).
"""

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 5_000
"""Rows looked at, evenly spaced."""

LONGEST = 0.99
"""Share of the rows that is looked at, the longest left out: one row may be longer than all."""

MUCH = 0.5
"""Share of the spread from which people are told."""


def in_lengths(features: NDArray[np.floating]) -> float | None:
    """The share of the spread that lies in lengths, 0 to 1; None where rows are all the same.

    features : (n, d), finite. The sign is all that a single column has beside lengths: 1. Rows of
        zeros, which have no direction, are left out.
    """
    step = max(1, -(-len(features) // MOST_ROWS))
    rows = np.array(features[::step], dtype=np.float64)
    rows = rows[rows.any(axis=1)]
    if not len(rows) or (rows == rows[0]).all():
        return None
    if rows.shape[1] == 1:
        return 1.0
    rows /= np.abs(rows).max()
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    usual = lengths <= np.quantile(lengths, LONGEST)
    rows, lengths = rows[usual], lengths[usual]
    total = float(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean())
    return min(1.0, float(lengths.var() / total)) if total else 0.0


def remark(features: NDArray[np.floating]) -> str | None:
    """What to tell people of features whose directions say little; None where they say enough."""
    share = in_lengths(features)
    if share is None or share < MUCH:
        return None
    if features.shape[1] == 1:
        return "strategies compare directions, which of a single column of features keep the sign"
    return (
        f"strategies compare directions, and {share:.0%} of the spread of these features lies in"
        " the lengths of their rows"
    )
