"""Nearest neighbours in blocks: exact, or in float32 with a bound; nothing here is N by N.

Memory beyond input and result: at most `BLOCK_BYTES` (64 MiB) of temporaries, or one row's worth
where that is more: 16 bytes times the number of points, and 8 k d.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 64 * 2**20

ASKED_ROWS = 256


def unit_rows(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """A copy of (n, d) `features` with rows of length 1, float64; a row of zeros stays zero."""
    rows = np.array(features, dtype=np.float64)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    np.divide(rows, lengths, out=rows, where=lengths > 0)
    return rows


def unit_rows32(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Like `unit_rows`, in float32: for large pools."""
    rows = np.array(features, dtype=np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))[:, None]
    np.divide(rows, lengths, out=rows, where=lengths > 0, casting="same_kind")
    return rows


def nearest_others(
    points: NDArray[np.float64], k: int, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """(r, k) float64: distances of each of `rows` to its k nearest other points, rising.

    points : (m, d) float64, m > k >= 1. A point is never its own neighbour, its copies are.
    rows : (r,) int64, which points to ask for; None: all
    """
    m, d = points.shape
    asked = np.arange(m) if rows is None else rows
    block = max(1, BLOCK_BYTES // (16 * m + 8 * k * d))
    squares = np.einsum("nd,nd->n", points, points)
    nearest = np.empty((len(asked), k))
    for start in range(0, len(asked), block):
        these = asked[start : start + block]
        estimate = points[these] @ points.T
        estimate *= -2
        estimate += squares  # less the row's own square, which does not change its order
        estimate[np.arange(len(these)), these] = np.inf
        near = np.argpartition(estimate, k - 1, axis=1)[:, :k]
        # anew from the differences: the estimate loses half its digits where points are close
        gaps = points[near] - points[these, None, :]
        nearest[start : start + block] = np.sqrt(np.einsum("nkd,nkd->nk", gaps, gaps))
    nearest.sort(axis=1)
    return nearest


def nearest_of(
    features: NDArray[np.floating], k: int, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(r, k) float64 distances of unit rows, as `nearest_others` has them, for few of many points.

    features : (m, d) of any length and float type, m > k >= 1: never copied whole to float64
    rows : (r,) int64, which of them to ask for
    """
    nearest = np.empty((len(rows), k))
    for start in range(0, len(rows), ASKED_ROWS):
        these = rows[start : start + ASKED_ROWS]
        points = unit_rows(features[these])
        near = _near_positions(features, points, these, k)
        for i, found in enumerate(near):
            gaps = unit_rows(features[found]) - points[i]
            nearest[start + i] = np.sqrt(np.einsum("kd,kd->k", gaps, gaps))
    nearest.sort(axis=1)
    return nearest


def _near_positions(
    features: NDArray[np.floating], points: NDArray[np.float64], own: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """(r, k) int64: the k nearest of all `features` to each of `points`, which stand at `own`."""
    best: NDArray[np.float64] = np.full((len(points), k), np.inf)
    near: NDArray[np.int64] = np.full((len(points), k), -1, dtype=np.int64)
    block = max(k, BLOCK_BYTES // (8 * (3 * len(points) + 4 * features.shape[1])))
    for start in range(0, len(features), block):
        others = unit_rows(features[start : start + block])
        estimate = np.einsum("nd,nd->n", others, others) - 2 * (points @ others.T)
        mine = np.flatnonzero((own >= start) & (own < start + len(others)))
        estimate[mine, own[mine] - start] = np.inf
        estimate = np.concatenate([best, estimate], axis=1)
        ids = np.arange(start, start + len(others))
        kept = np.argpartition(estimate, k - 1, axis=1)[:, :k]
        best = np.take_along_axis(estimate, kept, axis=1)
        near = np.where(
            kept < k,
            np.take_along_axis(near, np.minimum(kept, k - 1), axis=1),
            ids[np.maximum(kept - k, 0)],
        )
    return near


def near_squares(
    points: NDArray[np.float32], k: int, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.float32], float]:
    """(r, k) float32 squared distances to the k nearest others, rising, and what they may be off.

    points : (m, d) float32 of length 1 (or 0), m > k >= 1
    rows : (r,) int64, which points to ask for; None: all

    The i-th value differs from the true i-th smallest by no more than the bound, which holds for
    any order of summation (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.1).
    """
    import faiss  # half a second, which every command would pay

    rounding = (points.shape[1] + 4) * float(np.finfo(np.float32).eps)
    asked = points if rows is None else points[rows]
    if (np.einsum("nd,nd->n", points, points) < 0.5).any():  # rows of zeros are not on the sphere
        squares, _ = faiss.knn(asked, points, k + 1)
    else:  # a third faster
        products, _ = faiss.knn(asked, points, k + 1, metric=faiss.METRIC_INNER_PRODUCT)
        squares = np.maximum(2 - 2 * products, 0)
    # each point comes first itself: dropping the smallest leaves the others' order statistics
    return squares[:, 1:], 2 * rounding
