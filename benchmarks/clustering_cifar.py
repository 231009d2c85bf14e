"""k-means of labelcycle against scikit-learn's: inertia, time, and 1 against 2 threads.

    python benchmarks/clustering_cifar.py [--data FILE] [--pool ROWS ...] [--clusters K ...]
        [--into TABLE.json]

On the features that benchmarks/measured.py describes, brought to length 1. Seconds are processor
time on one thread. "same" says whether two threads gave the same clusters.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import faiss
import numpy as np
from measured import add_data, read, where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from labelcycle.core.clustering import kmeans

LAYOUT = Layout(
    "Inertia and processor seconds of k-means",
    ["rows", "k"],
    [Figure("inertia", digits=1), Figure("cpu_s", digits=2, unit=" s")],
    ["way"],
)

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


def measure(name: str, run: Run, points: Points, clusters: int, seeds: int) -> dict[str, Any]:
    """The row of one way to cluster."""
    inertias, seconds, differ = [], [], 0
    for seed in range(seeds):
        began = time.process_time()
        first, inertia = with_threads(run, 1, points, clusters, seed)
        seconds.append(time.process_time() - began)
        inertias.append(inertia)
        second, _ = with_threads(run, 2, points, clusters, seed)
        differ = max(differ, int(np.sum(first != second)))
    return {
        "rows": len(points),
        "k": clusters,
        "way": name,
        "inertia": float(np.mean(inertias)),
        "inertia_sd": float(np.std(inertias)),
        "cpu_s": float(np.mean(seconds)),
        "differ": differ,
    }


def line(row: dict[str, Any]) -> str:
    """A row of the printed table."""
    same = f"no, {row['differ']} differ" if row["differ"] else "yes"
    figures = f"{row['inertia']:>10.1f}{row['inertia_sd']:>8.1f}{row['cpu_s']:>8.2f}"
    return f"{row['rows']:>7}{row['k']:>6}  {row['way']:<26}{figures}  {same}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_data(parser)
    parser.add_argument("--pool", type=int, nargs="*", default=[2000, 50_000])
    parser.add_argument("--clusters", type=int, nargs="*", default=[10, 50])
    parser.add_argument("--seeds", type=int, default=3)
    add_into(parser)
    arguments = parser.parse_args()
    points = read(arguments.data).train.astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    print(where(dimensions=points.shape[1], seeds=arguments.seeds))
    print(f"{'rows':>7}{'k':>6}  {'':<26}{'inertia':>10}{'s.d.':>8}{'s':>8}  same")
    runs = {"faiss, k-means++ (ours)": ours, "faiss, random": faiss_alone, "scikit-learn": theirs}
    found: list[dict[str, Any]] = []
    for rows in arguments.pool:
        for clusters in arguments.clusters:
            for name, run in runs.items():
                for starts in (1, 3):
                    bound = partial(run, starts=starts)
                    way = f"{name} x{starts}"
                    found.append(measure(way, bound, points[:rows], clusters, arguments.seeds))
                    print(line(found[-1]), flush=True)
    if arguments.into:
        save(arguments.into, LAYOUT, found, note=arguments.note, seeds=f"{arguments.seeds} seeds")


if __name__ == "__main__":
    main()
