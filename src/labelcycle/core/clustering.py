"""k-means of the pool's features: Lloyd's iterations of faiss from k-means++ starts.

Why faiss: as good as scikit-learn and faster on small pools, and the same bits on any number of
threads, where scikit-learn's sums changed 18 of 50,000 assignments between 1 and 2 threads in one
run. Inertia and processor seconds on one thread (mean of 3 seeds, CIFAR-10 features of unit
length, d = 256):

    rows    k      this, 1 start   3 starts        faiss's random starts, 1   scikit-learn, 1
    2,000   10     1719.4  0.07     1715.5  0.13    1720.5  0.04               1719.1  0.09
    2,000   50     1519.7  0.08     1515.9  0.31    1522.5  0.05               1521.0  0.18
    50,000  10     43166.6  1.6     43166.5  4.8    43236.8  1.6               43193.0  1.4

Printed by benchmarks/clustering_cifar.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.ordering import steady
from labelcycle.core.threads import one_thread

BLOCK_ROWS = 65_536

SAME_POINT = 1e-6
"""Squared distances below this share of the largest squared length are float32's rounding."""


@dataclass(frozen=True)
class Clustering:
    """A partition of n samples into k clusters, none of them empty.

    assignment : (n,) int32, cluster of each sample, 0..k-1
    centres : (k, d) float32, means of the clusters, in the space that was clustered
    inertia : sum of squared distances to the nearest centre
    """

    assignment: NDArray[np.int32]
    centres: NDArray[np.float32]
    inertia: float


def kmeans(
    features: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    *,
    starts: int = 3,
    iterations: int = 50,
    normalise: bool = True,
) -> Clustering:
    """The best of `starts` k-means runs; the first of equals.

    features : (n, d) float32 or float16, finite, n >= 1
    clusters : wanted number, at least 1; fewer come out where there are fewer distinct points
    normalise : rows are brought to length 1 first; rows of zeros stay

    Memory: one float32 copy of the features, and 8 n bytes times 2 + ln(clusters) for the starts.
    One thread: the same result on any machine's number of cores.
    """
    points = _prepared(features, normalise)
    wanted = min(clusters, len(points))
    import faiss  # noqa: F401 - half a second, which every command would pay

    with one_thread():  # limits the faiss that is there already
        runs = [_one_run(points, wanted, rng, iterations) for _ in range(starts)]
    return runs[int(np.argmin(steady(np.array([run.inertia for run in runs]))))]


def _prepared(features: NDArray[np.floating], normalise: bool) -> NDArray[np.float32]:
    """A float32 copy, blockwise, of length 1 if asked."""
    points = np.empty(features.shape, dtype=np.float32)
    for start in range(0, len(features), BLOCK_ROWS):
        block = np.array(features[start : start + BLOCK_ROWS], dtype=np.float64)
        if normalise:
            lengths = np.linalg.norm(block, axis=1, keepdims=True)
            np.divide(block, lengths, out=block, where=lengths > 0)
        points[start : start + BLOCK_ROWS] = block
    return points


def _one_run(
    points: NDArray[np.float32], clusters: int, rng: np.random.Generator, iterations: int
) -> Clustering:
    import faiss

    first = _plus_plus(points, clusters, rng)
    engine = faiss.Kmeans(
        points.shape[1],
        len(first),
        niter=iterations,
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),  # else faiss clusters a sample of the points
    )
    engine.train(points, init_centroids=first)
    squares, nearest = engine.index.search(points, 1)
    used, assignment = np.unique(nearest[:, 0], return_inverse=True)
    centres = np.asarray(engine.centroids, dtype=np.float32)
    return Clustering(
        assignment.astype(np.int32),
        np.ascontiguousarray(centres[used]),
        float(squares.astype(np.float64).sum()),
    )


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
