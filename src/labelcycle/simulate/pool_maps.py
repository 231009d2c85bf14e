"""The pool of a first round in two dimensions, with what TypiClust and SUPClust bought of it.

t-SNE: van der Maaten, Hinton: Visualizing Data using t-SNE, JMLR 2008, as scikit-learn has it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.cluster_turns import clusters_of
from labelcycle.core.distinct_points import Crowd
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.seeding import derive
from labelcycle.core.shrinking_cluster import Shrinking
from labelcycle.core.strategies import supclust
from labelcycle.core.threads import one_thread
from labelcycle.core.typicality import k_of
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.play_trial import Assignment, initial_labels
from labelcycle.stages.pool_files import rounded

STRATEGIES = ("typiclust", "supclust")
"""Whose picks are shown."""

SHOWN = 3000
"""Most samples of a map: t-SNE takes seconds for these."""

SAME = 1e-12
"""Coordinates of directions that differ by no more are equal."""

COMPONENTS = 50
"""Principal components that t-SNE begins with, as its authors do."""

Values = NDArray[np.float64]


def pool_map(
    problem: Problem,
    seed: int,
    clusters: Assignment,
    options: supclust.Options,
    picks: Mapping[str, list[int]],
) -> dict[str, Any]:
    """For JSON: samples as columns x, y, class, cluster, typicality, boundary, kept; and picks.

    picks : strategy -> training rows bought in round 0; in the answer, places among the samples
    boundary : the SUP score; kept : among the most typical share of the cluster
    """
    rows, truth = problem.rows(seed), problem.source.data.train_labels
    labels = initial_labels(problem, truth[rows], seed)
    pool = Pool(problem.source.data.train[rows], labels, labels == UNLABELED, clusters)
    typical, edge, kept = judged(pool, clusters, options)
    bought = {name: np.searchsorted(rows, picked) for name, picked in picks.items()}
    shown = _sampled(pool, np.concatenate(list(bought.values())), derive(seed, 0, "map"))
    places = _embedded(pool.features[shown])
    columns = {
        "x": places[:, 0],
        "y": places[:, 1],
        "class": truth[rows][shown],
        "cluster": clusters[shown],
        "typicality": typical[shown],
        "boundary": edge[shown],
        "kept": kept[shown],
    }
    return {
        "samples": {name: rounded(column) for name, column in columns.items()},
        "picks": [
            {"label": name, "rows": np.searchsorted(shown, each).tolist()}
            for name, each in bought.items()
        ],
    }


def judged(
    pool: Pool, clusters: Assignment, options: supclust.Options
) -> tuple[Values, Values, NDArray[np.bool_]]:
    """Typicality, boundary and whether SUPClust keeps it, of each sample; NaN if not available."""
    typical, edge = (np.full(len(clusters), np.nan) for _ in range(2))
    kept = np.zeros(len(clusters), dtype=bool)
    groups = clusters_of(pool, clusters)
    with one_thread():
        centres = supclust.cluster_centres(pool.features, groups)
        weights = supclust.centre_weights(centres, options.temperature)
        for i, group in enumerate(groups):
            rows = group.available
            if not len(rows):
                continue
            points = unit_rows(pool.features[rows])
            typical[rows] = _typical(pool, rows, options)
            edge[rows] = supclust.boundary(points, centres, weights[i], options.squared)
            shrinking = Shrinking(pool.features, rows, options.neighbours, options.squared)
            kept[shrinking.most_typical(supclust.kept_count(len(rows), options))] = True
    return typical, edge, kept


def _typical(pool: Pool, rows: NDArray[np.int64], options: supclust.Options) -> Values:
    """As exact as a figure shows it, in a fraction of the time."""
    crowd = Crowd(pool.features, rows)
    groups, k = np.arange(len(crowd.count)), k_of(len(rows), options.neighbours)
    low, high, _ = crowd.bounds(groups, k, options.squared)
    middle: Values = ((low + high) / 2)[crowd.group]
    return middle


def _sampled(pool: Pool, picks: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Available rows, rising: all picks, and others at random."""
    others = np.setdiff1d(np.flatnonzero(pool.available), picks)
    count = min(len(others), max(0, SHOWN - len(np.unique(picks))))
    return np.union1d(picks, rng.choice(others, count, replace=False))


def _embedded(features: NDArray[np.floating]) -> Values:
    """(n, 2): t-SNE of the directions of the features; zeros where all directions are the same.

    scikit-learn divides by the spread of the directions and ends the process where it is 0.
    """
    if np.ptp(unit_rows(features), axis=0).max() <= SAME:
        return np.zeros((len(features), 2))
    from sklearn.decomposition import PCA  # type: ignore[import-untyped] # slow to import
    from sklearn.manifold import TSNE  # type: ignore[import-untyped]

    points = unit_rows(features)
    points = np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1]))))  # PCA is asked for two
    most = min(COMPONENTS, *points.shape)
    with one_thread():
        points = PCA(most, svd_solver="full").fit_transform(points)
        model = TSNE(perplexity=min(30.0, (len(points) - 1) / 3), init="pca", random_state=0)
        places: Values = model.fit_transform(points).astype(np.float64)
    return places
