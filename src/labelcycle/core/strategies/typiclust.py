"""TypiClust: the most typical sample of each cluster without labels; for the first labels.

Hacohen, Dekel, Weinshall: Active Learning on a Budget, ICML 2022 (arXiv 2202.02794). A sample is
typical if its nearest neighbours are close. Distances are between features of unit length, among
the samples of a cluster that may still be selected. On k-means clusters, the default, it is the
authors' `typiclust_rp` (TPC_RP).

It differs from their code where that fails. Small clusters come last instead of never. A cluster
that is used up loses its turn.

Slow version: tests/core/test_typiclust.py, `slow_typiclust`.
"""

import numpy as np
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.cluster_turns import Pick, Rows, by_turns, clusters_of, in_order
from labelcycle.core.neighbours import in_ball
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.shrinking_cluster import Shrinking
from labelcycle.core.strategies import NORMALISE

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
    normalise: bool = Field(True, description=NORMALISE)


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows; clusters with the fewest labels first, then the largest, in turns.

    why : cluster, cluster_size, cluster_labels, typicality (also the score)
    """
    del rng  # nothing here is drawn
    if pool.clusters is None:
        raise ValueError("typiclust needs clusters")
    features = pool.features if options.normalise else in_ball(pool.features)
    settings = options.neighbours, options.squared, options.normalise
    clusters = clusters_of(pool, pool.clusters)
    known = {cluster.id: cluster for cluster in clusters}
    left = {cluster.id: Shrinking(features, cluster.available, *settings) for cluster in clusters}

    def choose(identity: int, rows: Rows) -> Pick:
        del rows  # as many as `left` knows of
        row, typical = left[identity].best()
        left[identity].remove(row)
        return Pick(
            row=row,
            score=typical,
            why={
                "cluster": identity,
                "cluster_size": known[identity].size,
                "cluster_labels": known[identity].labels,
                "typicality": typical,
            },
        )

    return by_turns(in_order(clusters, options.min_cluster_size), budget, choose)
