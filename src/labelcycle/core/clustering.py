"""k-means of the pool's features: Lloyd's iterations of faiss from k-means++ starts.

Why faiss: as good as scikit-learn and faster on small pools, and the same bits on any number of
threads, where scikit-learn's sums changed 18 of 50,000 assignments between 1 and 2 threads in one
run. The figures stand in docs/results.md, printed by benchmarks/clustering_cifar.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.neighbours import unit_rows32
from labelcycle.core.stable_order import steady
from labelcycle.core.threads import in_parallel, one_thread

BLOCK_ROWS = 16_384

LEARNT_ROWS = 100_000
"""Of a larger pool so many rows, drawn at random, find the centres."""

SMALLEST_GAIN = 5e-4
"""A run ends with the first iteration that lowers the inertia by a smaller share than this."""

START_ROWS = 32
"""Rows for each cluster, drawn at random, of which the starts are chosen, and at least ..."""

LEAST_START_ROWS = 2_000

SAME_POINT = 1e-6
"""Squared distances below this share of the largest squared length are float32's rounding."""


@dataclass(frozen=True)
class Clustering:
    """A partition of n samples into k clusters, none of them empty.

    assignment : (n,) int32, cluster of each sample, 0..k-1
    centres : (k, d) float32, means of the clusters, in the space that was clustered
    inertia : sum of squared distances to the nearest centre

    >>> points = np.array([[0.0], [1.0], [9.0]])
    >>> found = kmeans(points, 2, np.random.default_rng(0), normalise=False)
    >>> (found.assignment == found.assignment[2]).tolist()
    [False, False, True]
    >>> found.inertia
    0.5
    """

    assignment: NDArray[np.int32]
    centres: NDArray[np.float32]
    inertia: float


def kmeans(
    features: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    *,
    starts: int = 1,
    iterations: int = 50,
    normalise: bool = True,
) -> Clustering:
    """The best of `starts` k-means runs; the first of equals.

    features : (n, d) float32 or float16, finite, n >= 1, may be memory-mapped
    clusters : wanted number, at least 1; fewer come out where there are fewer distinct points
    iterations : at most so many of Lloyd's; a run ends before when it gains little
    normalise : rows are brought to length 1 first; rows of zeros stay

    Of a pool with more than `LEARNT_ROWS` rows, so many find the centres; then each row goes to
    the nearest. Memory: a float32 copy of the rows that find the centres, no other.
    The same result on any number of threads.
    """
    learnt = _sample(len(features), LEARNT_ROWS, rng)
    points = prepared(features[learnt], normalise)
    count = min(clusters, len(points))
    import faiss  # noqa: F401 - half a second, which every command would pay

    with one_thread():  # limits the faiss that is there already
        firsts = [_start(points, count, rng) for _ in range(starts)]
        runs = in_parallel(lambda first: _lloyd(points, first, iterations), firsts)
        lowest = np.argmin(steady(np.array([inertia for _, inertia in runs])))
        return assigned(features, runs[int(lowest)][0], normalise)


def prepared(features: NDArray[np.floating], normalise: bool) -> NDArray[np.float32]:
    """A float32 copy of the features, each row of length 1 if `normalise` is true.

    >>> prepared(np.array([[3.0, 4.0], [0.0, 0.0]]), normalise=True).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    points = np.empty(features.shape, dtype=np.float32)
    for start in range(0, len(features), BLOCK_ROWS):
        block = features[start : start + BLOCK_ROWS]
        points[start : start + BLOCK_ROWS] = unit_rows32(block) if normalise else block
    return points


def assigned(
    features: NDArray[np.floating], centres: NDArray[np.float32], normalise: bool
) -> Clustering:
    """Each row at its nearest centre; centres without any are left out."""

    def near(start: int) -> tuple[NDArray[np.int64], float]:
        rows = prepared(features[start : start + BLOCK_ROWS], normalise)
        best = nearest_centre(rows, centres)
        gaps = rows - centres[best]
        return best, float(np.einsum("nd,nd->n", gaps, gaps).sum(dtype=np.float64))

    parts = in_parallel(near, range(0, len(features), BLOCK_ROWS))
    used, assignment = np.unique(np.concatenate([part for part, _ in parts]), return_inverse=True)
    inertia = sum(squares for _, squares in parts)
    return Clustering(assignment.astype(np.int32), np.ascontiguousarray(centres[used]), inertia)


def nearest_centre(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """(m,) int64: the nearest of (k, d) centres of each point; the first of equals."""
    squares = points @ centres.T
    squares *= -2
    squares += np.einsum("kd,kd->k", centres, centres)  # less the point's own, the same for all
    nearest: NDArray[np.int64] = squares.argmin(axis=1)
    return nearest


def without_noise(
    points: NDArray[np.float32], assignment: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(n,) the clusters, where noise (-1) is in the nearest, and (k, d) the centres, by number.

    Where all is noise it is one cluster, 0. Centres are means without the noise.
    """
    numbers = np.unique(assignment[assignment >= 0])
    if not len(numbers):
        return np.zeros(len(points), dtype=np.int32), points.mean(axis=0)[None]
    centres = np.array([points[assignment == c].mean(axis=0) for c in numbers], dtype=np.float32)
    cluster_of, noise = assignment.astype(np.int32), assignment < 0
    if noise.any():
        cluster_of[noise] = numbers[nearest_centre(points[noise], centres)]
    return cluster_of, centres


def _sample(n: int, most: int, rng: np.random.Generator) -> slice | NDArray[np.int64]:
    """At most `most` of n rows, rising."""
    return slice(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _start(
    points: NDArray[np.float32], clusters: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    among = _sample(len(points), max(LEAST_START_ROWS, START_ROWS * clusters), rng)
    return _plus_plus(points[among], clusters, rng)


def _lloyd(
    points: NDArray[np.float32], first: NDArray[np.float32], iterations: int
) -> tuple[NDArray[np.float32], float]:
    """Centres after Lloyd's iterations, and the inertia before the last of them."""
    import faiss

    engine = faiss.Kmeans(
        points.shape[1],
        len(first),
        niter=iterations,
        early_stop_threshold=SMALLEST_GAIN,
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),  # else faiss clusters a sample of the points
    )
    engine.train(points, init_centroids=first)
    return np.asarray(engine.centroids, dtype=np.float32), float(np.asarray(engine.obj)[-1])


def _plus_plus(
    points: NDArray[np.float32], clusters: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """At most `clusters` distinct rows of `points` to start from.

    Greedy k-means++ (Arthur, Vassilvitskii 2007): each next row is drawn with a chance that grows
    with its squared distance to the nearest one so far, and is the best of 2 + ln(clusters) draws.
    """
    squares = np.einsum("nd,nd->n", points, points)
    trials = 2 + int(np.log(clusters))
    chosen = [int(rng.integers(len(points)))]
    gap = _squared_distances(points, squares, np.array(chosen))[:, 0]
    while len(chosen) < clusters:
        summed = np.cumsum(gap, dtype=np.float64)
        if summed[-1] == 0:  # no point is left that is not a start already
            break
        draws = np.searchsorted(summed, rng.random(trials) * summed[-1], side="right")
        gaps = np.minimum(gap[:, None], _squared_distances(points, squares, draws))
        best = int(np.argmin(gaps.sum(axis=0, dtype=np.float64)))
        chosen.append(int(draws[best]))
        gap = gaps[:, best]
    return np.ascontiguousarray(points[chosen])


def _squared_distances(
    points: NDArray[np.float32], squares: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(n, r) float32: squared distances of all points to some of them; copies are exactly 0."""
    result = squares[:, None] + squares[rows] - 2 * (points @ points[rows].T)
    result[result < SAME_POINT * squares.max(initial=0)] = 0
    return result
