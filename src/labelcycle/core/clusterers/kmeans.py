"""k-means: as many clusters as asked for, round and of like spread; for any pool.

Lloyd: Least Squares Quantization in PCM, IEEE Transactions on Information Theory 1982. The papers
of TypiClust and SUPClust use it.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core import clustering


class Options(base.Options):
    """Settings of k-means."""

    starts: int = Field(1, ge=1, le=100, description="runs from different starts; best is kept")
    iterations: int = Field(50, ge=1, le=10_000, description="most iterations of each run")


def fit(
    features: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    options: Options,
    normalise: bool,
) -> clustering.Clustering:
    """The clusters of `clustering.kmeans`."""
    return clustering.kmeans(
        features,
        clusters,
        rng,
        starts=options.starts,
        iterations=options.iterations,
        normalise=normalise,
    )
