"""Stage `cluster`: the pool in as many clusters as there will be labels after this round."""

import numpy as np
from pydantic import Field

from labelcycle import options as base
from labelcycle import store
from labelcycle.core.clustering import kmeans
from labelcycle.core.query import check_pool
from labelcycle.stages.pool_files import read_pool


class Options(base.Options):
    """Section `cluster` of params.yaml."""

    max_clusters: int = Field(
        500, ge=1, le=100_000, description="no more clusters than this, however many labels"
    )
    starts: int = Field(
        3, ge=1, le=100, description="k-means runs from different starts; the best is kept"
    )
    iterations: int = Field(50, ge=1, le=10_000, description="most iterations of each run")
    normalise: bool = Field(
        True, description="cluster directions: bring features to length 1 first"
    )


def run(
    campaign: store.Campaign,
    options: Options,
    budget: int,
    classes: tuple[str, ...],
    rng: np.random.Generator,
) -> None:
    """Write work/clusters.npz: assignment (n,) int32 and centres (k, d) float32.

    k is the number of labels after this round (labelled + budget), at most `max_clusters` and the
    number of distinct samples (Hacohen et al. 2022, section 3.2).
    """
    _, pool = read_pool(campaign, classes)
    check_pool(pool)
    labels_then = int(np.count_nonzero(pool.labeled)) + budget
    result = kmeans(
        pool.features,
        min(labels_then, options.max_clusters),
        rng,
        starts=options.starts,
        iterations=options.iterations,
        normalise=options.normalise,
    )
    store.write_arrays(campaign.clusters, assignment=result.assignment, centres=result.centres)
