"""Exact nearest neighbours in blocks; nothing here is N by N.

Memory beyond input and result: at most `BLOCK_BYTES` (64 MiB) of temporaries, or one row's worth
where that is more: 16 bytes times the number of points, and 8 k d.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 64 * 2**20


def unit_rows(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """A copy of (n, d) `features` with rows of length 1, float64; a row of zeros stays zero."""
    rows = np.array(features, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    np.divide(rows, lengths, out=rows, where=lengths > 0)
    return rows


def nearest_others(points: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(m, k) float64: distances of each point to its k nearest other points, rising.

    points : (m, d) float64, m > k >= 1. A point is never its own neighbour, its copies are.
    """
    m, d = points.shape
    block = max(1, BLOCK_BYTES // (16 * m + 8 * k * d))
    squares = np.einsum("nd,nd->n", points, points)
    nearest = np.empty((m, k))
    for start in range(0, m, block):
        rows = slice(start, min(start + block, m))
        estimate = points[rows] @ points.T
        estimate *= -2
        estimate += squares  # less the row's own square, which does not change its order
        estimate[np.arange(len(estimate)), np.arange(rows.start, rows.stop)] = np.inf
        near = np.argpartition(estimate, k - 1, axis=1)[:, :k]
        # anew from the differences: the estimate loses half its digits where points are close
        gaps = points[near] - points[rows, None, :]
        nearest[rows] = np.sqrt(np.einsum("nkd,nkd->nk", gaps, gaps))
    nearest.sort(axis=1)
    return nearest
