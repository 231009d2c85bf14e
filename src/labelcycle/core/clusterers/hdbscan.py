"""HDBSCAN: as many clusters as the density shows, of any shape; for pools with clear groups.

Campello, Moulavi, Sander: Density-Based Clustering Based on Hierarchical Density Estimates, PAKDD
2013. It is scikit-learn's. It ignores the number of clusters that is asked for. Where clusters are
few, strategies that pick one sample a cluster go round again. Noise goes to the nearest cluster.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.clustering import Clustering, prepared, without_noise
from labelcycle.core.threads import one_thread
from labelcycle.errors import SettingsError

MOST_ROWS = 20_000
"""All distances are held at a time: 3.2 GB for so many."""


class Options(base.Options):
    """Settings of HDBSCAN."""

    min_cluster_size: int = Field(5, ge=2, description="smaller groups are noise")
    min_samples: int = Field(1, ge=1, description="neighbours that make a place dense")
    leaves: bool = Field(
        True, description="the finest clusters of the tree; else those that last longest, few"
    )


def fit(
    features: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    options: Options,
    normalise: bool,
) -> Clustering:
    """As many clusters as are found, one if there are none.

    Raises SettingsError for a pool of more than `MOST_ROWS` samples.
    """
    del clusters, rng  # the density alone decides
    if len(features) > MOST_ROWS:
        raise SettingsError(
            f"clusterer hdbscan: wanted at most {MOST_ROWS} samples, whose distances fit into"
            f" memory (got {len(features)}); take kmeans"
        )
    points = prepared(features, normalise)
    assignment, centres = without_noise(points, _clusters(points, options))
    gaps = points - centres[assignment]
    inertia = float(np.einsum("nd,nd->n", gaps, gaps).sum(dtype=np.float64))
    return Clustering(assignment, centres, inertia)


def _clusters(points: NDArray[np.float32], options: Options) -> NDArray[np.int64]:
    """(n,): the cluster of each point, -1 for noise."""
    from sklearn.cluster import HDBSCAN  # type: ignore[import-untyped] # slow to import

    if len(points) <= max(options.min_cluster_size, options.min_samples):
        return np.zeros(len(points), dtype=np.int64)
    model = HDBSCAN(
        min_cluster_size=options.min_cluster_size,
        min_samples=options.min_samples,
        cluster_selection_method="leaf" if options.leaves else "eom",
        algorithm="brute",  # its trees are twenty times slower on hundreds of dimensions
        copy=True,
    )
    with one_thread():
        labels: NDArray[np.int64] = model.fit(points.astype(np.float64)).labels_
    return labels
