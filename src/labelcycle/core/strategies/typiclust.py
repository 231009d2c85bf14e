"""TypiClust: the most typical sample of each cluster without labels; for the first labels.

Hacohen, Dekel, Weinshall: Active Learning on a Budget, ICML 2022 (arXiv 2202.02794). Distances
are between features of unit length, among the samples of a cluster that may still be selected.
On k-means clusters, the default, it is their `typiclust_rp` (TPC_RP). Differs from their code
where that fails: small clusters come last instead of never, and a cluster that is used up loses
its turn.
"""

import numpy as np
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.shrinking import Shrinking
from labelcycle.core.turns import Pick, Rows, by_turns, clusters_of, in_order

NEEDS = frozenset({"clusters"})


class Options(base.Options):
    """Settings of TypiClust; the defaults are the paper's."""

    neighbours: int = Field(20, ge=1, description="K nearest neighbours that define typicality")
    min_cluster_size: int = Field(
        5, ge=0, description="clusters with at most this many samples come last"
    )
    squared: bool = Field(
        False, description="typicality from squared distances, as in the authors' code"
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows; clusters with the fewest labels first, then the largest, in turns.

    why : cluster, cluster_size, cluster_labels, typicality (also the score)
    """
    del rng  # nothing here is drawn
    if pool.clusters is None:
        raise ValueError("typiclust needs clusters")
    clusters = clusters_of(pool, pool.clusters)
    known = {cluster.id: cluster for cluster in clusters}
    left = {cluster.id: Shrinking(options.neighbours, options.squared) for cluster in clusters}

    def choose(identity: int, rows: Rows) -> Pick:
        best, typical = left[identity].best(pool.features[rows])
        return Pick(
            row=int(rows[best]),
            score=typical,
            why={
                "cluster": identity,
                "cluster_size": known[identity].size,
                "cluster_labels": known[identity].labels,
                "typicality": typical,
            },
        )

    return by_turns(in_order(clusters, options.min_cluster_size), budget, choose)
