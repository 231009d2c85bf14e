"""Stage `cluster`: the pool in as many clusters as there will be labels after this round."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.numpy_files import write_arrays
from labelcycle.core import clusterers
from labelcycle.core.clustering import Clustering
from labelcycle.core.registry import parse_options
from labelcycle.core.run_strategy import check_pool
from labelcycle.stages.pool_files import read_pool, sound_pool


class Options(base.Options):
    """How the pool is grouped."""

    method: str = Field("kmeans", description="kmeans, minibatch or hdbscan")
    max_clusters: int = Field(
        500, ge=1, le=100_000, description="no more clusters than this, however many labels"
    )
    normalise: bool = Field(
        True, description="cluster directions: bring features to length 1 first"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="the method's own options, where not the default"
    )


def run(
    campaign: Campaign,
    options: Options,
    budget: int,
    classes: tuple[str, ...],
    rng: np.random.Generator,
) -> None:
    """Write work/clusters.npz: assignment (n,) int32 and centres (k, d) float32."""
    _, pool = read_pool(campaign, classes, own_features=True)
    with sound_pool():
        check_pool(pool)
    labels_then = int(np.count_nonzero(pool.labeled)) + budget
    result = clustered(pool.features, labels_then, options, rng)
    write_arrays(campaign.clusters, assignment=result.assignment, centres=result.centres)


def clustered(
    features: NDArray[np.floating], labels_then: int, options: Options, rng: np.random.Generator
) -> Clustering:
    """The clusters of a pool (n, d) for a round after which there are `labels_then` labels.

    That many are asked of the clusterer, at most `max_clusters` (Hacohen et al. 2022, section 3.2).
    """
    module = clusterers.get(options.method)
    settings = parse_options(module.Options, options.options, f"clusterer {options.method}")
    wanted = min(labels_then, options.max_clusters)
    return module.fit(features, wanted, rng, settings, options.normalise)
