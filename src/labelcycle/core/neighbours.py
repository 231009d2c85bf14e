"""Nearest neighbours in blocks: exact, or in float32 with a bound; nothing here is N by N.

Memory beyond input and result: at most `BLOCK_BYTES` (64 MiB) of temporaries, or one row's worth
where that is more: 16 bytes times the number of points, and 8 k d.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 64 * 2**20

ASKED_ROWS = 256

BALL_ROWS = 16_384


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


def points64(features: NDArray[np.floating], unit: bool = True) -> NDArray[np.float64]:
    """A float64 copy of rows, of length 1 if asked."""
    return unit_rows(features) if unit else np.array(features, dtype=np.float64)


def points32(features: NDArray[np.floating], unit: bool = True) -> NDArray[np.float32]:
    """Like `points64`, in float32."""
    return unit_rows32(features) if unit else np.array(features, dtype=np.float32)


def in_ball(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """A float32 copy: less the mean, and over the largest length, so that none exceeds 1.

    Distances keep their order, whatever the unit and the origin of the features. So what is exact
    for rows of length 1 is as exact where lengths count.
    """
    n = len(features)
    starts = range(0, n, BALL_ROWS)
    sums = [features[i : i + BALL_ROWS].sum(axis=0, dtype=np.float64) for i in starts]
    mean = np.sum(sums, axis=0) / max(1, n)
    points = np.empty(features.shape, dtype=np.float32)
    largest = 0.0
    for i in starts:
        rows = np.array(features[i : i + BALL_ROWS], dtype=np.float64) - mean
        largest = max(largest, float(np.sqrt(np.einsum("nd,nd->n", rows, rows)).max()))
    for i in starts if largest else ():
        rows = np.array(features[i : i + BALL_ROWS], dtype=np.float64) - mean
        points[i : i + BALL_ROWS] = rows / largest
    return points if largest else np.zeros_like(points)


def nearest_others(
    points: NDArray[np.float64], k: int, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """(r, k) float64: distances of each of `rows` to its k nearest other points, rising.

    points : (m, d) float64, m > k >= 1. A point is never its own neighbour, its copies are.
    rows : (r,) int64, which points to ask for; None: all
    """
    m, d = points.shape
    queries = np.arange(m) if rows is None else rows
    block = max(1, BLOCK_BYTES // (16 * m + 8 * k * d))
    squares = np.einsum("nd,nd->n", points, points)
    nearest = np.empty((len(queries), k))
    for start in range(0, len(queries), block):
        these = queries[start : start + block]
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


def nearest_rows(
    features: NDArray[np.floating], k: int, rows: NDArray[np.int64], unit: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances (r, k) float64, as `nearest_others` has them, and the rows they lead to.

    features : (m, d) of any length and float type, m > k >= 1: never copied whole to float64
    rows : (r,) int64, which of them to ask for: few of many
    unit : whether rows are brought to length 1
    """
    distances, neighbours = np.empty((len(rows), k)), np.empty((len(rows), k), dtype=np.int64)
    for start in range(0, len(rows), ASKED_ROWS):
        these = rows[start : start + ASKED_ROWS]
        points = points64(features[these], unit)
        near = _near_positions(features, points, these, k, unit)
        for i, others in enumerate(near):
            gaps = points64(features[others], unit) - points[i]
            apart = np.sqrt(np.einsum("kd,kd->k", gaps, gaps))
            order = np.argsort(apart, kind="stable")
            distances[start + i], neighbours[start + i] = apart[order], others[order]
    return distances, neighbours


def _near_positions(
    features: NDArray[np.floating],
    points: NDArray[np.float64],
    places: NDArray[np.int64],
    k: int,
    unit: bool,
) -> NDArray[np.int64]:
    """(r, k) int64: the k nearest of all `features` to each of `points`, their rows `places`."""
    best: NDArray[np.float64] = np.full((len(points), k), np.inf)
    near: NDArray[np.int64] = np.full((len(points), k), -1, dtype=np.int64)
    block = max(k, BLOCK_BYTES // (8 * (3 * len(points) + 4 * features.shape[1])))
    for start in range(0, len(features), block):
        others = points64(features[start : start + block], unit)
        estimate = np.einsum("nd,nd->n", others, others) - 2 * (points @ others.T)
        mine = np.flatnonzero((places >= start) & (places < start + len(others)))
        estimate[mine, places[mine] - start] = np.inf
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
    points: NDArray[np.float32], k: int, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64], float]:
    """Squared distances (r, k) float32 to the k nearest others, rising, who, and the error.

    points : (m, d) float32 of length 1 at most, m > k >= 1
    rows : (r,) int64, which points to ask for

    The i-th value differs from the true i-th smallest by no more than the error, which holds for
    any order of summation (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.1).
    """
    import faiss  # half a second, which every command would pay

    rounding = (points.shape[1] + 4) * float(np.finfo(np.float32).eps)
    queries = points if len(rows) == len(points) else points[rows]
    lengths = np.einsum("nd,nd->n", points, points)
    if (np.abs(lengths - 1) > 0.5).any():  # not all are on the sphere
        squares, near = faiss.knn(queries, points, k + 1)
    else:  # a third faster
        products, near = faiss.knn(queries, points, k + 1, metric=faiss.METRIC_INNER_PRODUCT)
        squares = np.maximum(2 - 2 * products, 0)
    others = ~mine(near, rows)
    return squares[others].reshape(-1, k), near[others].reshape(-1, k), 2 * rounding


def mine(near: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(r, k + 1), one in each line: where the row finds itself, or the last where it does not."""
    is_itself: NDArray[np.bool_] = near == rows[:, None]
    is_itself[~is_itself.any(axis=1), -1] = True
    return is_itself
