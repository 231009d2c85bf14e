"""Mini-batch k-means: k-means from samples of the pool, as TypiClust's code has it above 50.

Sculley: Web-Scale K-Means Clustering, WWW 2010. It is scikit-learn's.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.clustering import Clustering, assigned, prepared
from labelcycle.core.threads import one_thread


class Options(base.Options):
    """Settings of mini-batch k-means."""

    batch: int = Field(
        5000, ge=1, description="samples of a step; 5000 in the code of TypiClust's authors"
    )
    passes: int = Field(100, ge=1, description="most passes over the pool")


def fit(
    features: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    options: Options,
    normalise: bool,
) -> Clustering:
    """At most `clusters` clusters. Memory: a float32 copy of the features."""
    from sklearn.cluster import MiniBatchKMeans  # type: ignore[import-untyped] # slow to import

    points = prepared(features, normalise)
    model = MiniBatchKMeans(
        min(clusters, len(points)),
        batch_size=options.batch,
        max_iter=options.passes,
        n_init=1,
        random_state=int(rng.integers(2**31)),
    )
    with one_thread():  # more threads sum in another order
        model.fit(points)
        return assigned(features, model.cluster_centers_.astype(np.float32), normalise)
