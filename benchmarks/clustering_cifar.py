"""k-means of labelcycle against scikit-learn's: inertia, time, and 1 against 2 threads.

    python benchmarks/clustering_cifar.py [--data FILE] [--pool ROWS ...] [--clusters K ...]

On the features that benchmarks/measured.py describes, brought to length 1. Seconds are processor
time on one thread. "same" says whether two threads gave the same clusters.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import faiss
import numpy as np
from measured import add_data, read, where
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from labelcycle.core.clustering import kmeans

Points = NDArray[np.float32]
Run = Callable[[Points, int, int], tuple[NDArray[np.int32], float]]


def ours(points: Points, clusters: int, seed: int, starts: int) -> tuple[NDArray[np.int32], float]:
    found = kmeans(points, clusters, np.random.default_rng(seed), starts=starts, normalise=False)
    return found.assignment, found.inertia


def theirs(
    points: Points, clusters: int, seed: int, starts: int
) -> tuple[NDArray[np.int32], float]:
    model = KMeans(clusters, n_init=starts, random_state=seed, max_iter=50).fit(points)
    return model.labels_, float(model.inertia_)


def faiss_alone(
    points: Points, clusters: int, seed: int, starts: int
) -> tuple[NDArray[np.int32], float]:
    """faiss with its own random starts."""
    engine = faiss.Kmeans(
        points.shape[1],
        clusters,
        niter=50,
        nredo=starts,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),
    )
    engine.train(points)
    squares, nearest = engine.index.search(points, 1)
    return nearest[:, 0], float(squares.astype(np.float64).sum())


def with_threads(run: Run, threads: int, points: Points, clusters: int, seed: int) -> tuple:
    faiss.omp_set_num_threads(threads)
    with threadpool_limits(threads):
        return run(points, clusters, seed)


def measure(name: str, run: Run, points: Points, clusters: int, seeds: int) -> str:
    inertias, seconds, differ = [], [], 0
    for seed in range(seeds):
        began = time.process_time()
        first, inertia = with_threads(run, 1, points, clusters, seed)
        seconds.append(time.process_time() - began)
        inertias.append(inertia)
        second, _ = with_threads(run, 2, points, clusters, seed)
        differ = max(differ, int(np.sum(first != second)))
    same = f"no, {differ} differ" if differ else "yes"
    return (
        f"{len(points):>7}{clusters:>6}  {name:<26}{np.mean(inertias):>10.1f}"
        f"{np.std(inertias):>8.1f}{np.mean(seconds):>8.2f}  {same}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_data(parser)
    parser.add_argument("--pool", type=int, nargs="*", default=[2000, 50_000])
    parser.add_argument("--clusters", type=int, nargs="*", default=[10, 50])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    points = read(arguments.data).train.astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    print(where(dimensions=points.shape[1], seeds=arguments.seeds))
    print(f"{'rows':>7}{'k':>6}  {'':<26}{'inertia':>10}{'s.d.':>8}{'s':>8}  same")
    runs = {"faiss, k-means++ (ours)": ours, "faiss, random": faiss_alone, "scikit-learn": theirs}
    for rows in arguments.pool:
        for clusters in arguments.clusters:
            for name, run in runs.items():
                for starts in (1, 3):
                    bound = partial(run, starts=starts)
                    text = measure(
                        f"{name} x{starts}", bound, points[:rows], clusters, arguments.seeds
                    )
                    print(text, flush=True)


if __name__ == "__main__":
    main()
