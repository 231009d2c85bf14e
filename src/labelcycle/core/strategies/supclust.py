"""SUPClust: typical samples that lean towards the other clusters; for the first labels.

Ono, Aczel, Estermann, Wattenhofer: SUPClust, Active Learning at the Boundaries, PML4LRS at ICLR
2024 (arXiv 2403.03741). It looks at the largest clusters without labels. In each it takes the most
typical tenth of the samples. Of these it picks the one with the smallest softmax-weighted mean
distance to the other centres.

The paper leaves six things open: K, where neighbours are looked for, how the tenth is rounded, the
temperature, the norm, and what happens when too few clusters are free. They are options here.

So are the paper's two ablations. Without SUP, its name for the score above, a sample of the tenth
is drawn at random. Without typicality all samples of a cluster are judged. The third line of that
comparison, `typiclust-rp`, picks the most typical sample: it is the strategy `typiclust`.

Slow version: tests/core/test_supclust.py, `slow_pick`.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist, pdist, squareform  # type: ignore[import-untyped]
from scipy.special import softmax  # type: ignore[import-untyped]

from labelcycle import options as base
from labelcycle.core.cluster_turns import Cluster, Pick, Rows, by_turns, clusters_of, in_order
from labelcycle.core.distinct_points import Crowd
from labelcycle.core.neighbours import in_ball, points32, points64
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.shrinking_cluster import Shrinking
from labelcycle.core.stable_order import best_first
from labelcycle.core.strategies import NORMALISE
from labelcycle.core.threads import in_parallel
from labelcycle.errors import SettingsError

NEEDS = frozenset({"clusters"})

MOST_ROWS = 50_000
"""Of a pool in which all of a cluster's samples look for neighbours: distances of all pairs."""

ROUNDING = {"up": np.ceil, "down": np.floor, "nearest": np.rint}


class Options(base.Options):
    """Settings of SUPClust; docs/results.md shows what each changes."""

    neighbours: int = Field(20, ge=1, description="K nearest neighbours that define typicality")
    neighbourhood: Literal["cluster", "pool"] = Field(
        "cluster",
        description="look for them in the sample's cluster, or in the whole pool of at most"
        f" {MOST_ROWS:,} samples",
    )
    share: float = Field(
        0.1, gt=0, le=1, description="share of a cluster's samples kept by typicality, at least 1"
    )
    rounding: Literal["up", "down", "nearest"] = Field("up", description="of that share")
    temperature: float = Field(
        0.1, gt=0, description="of the softmax, in median distances between two centres"
    )
    squared: bool = Field(
        False, description="squared distances in typicality and in the distance to the centres"
    )
    min_cluster_size: int = Field(
        5, ge=0, description="clusters with at most this many samples come last"
    )
    few_free: Literal["labeled", "repeat"] = Field(
        "labeled",
        description="too few clusters without labels: go on with the least 'labeled' clusters,"
        " or 'repeat' the free ones until they are used up",
    )
    without: Literal["nothing", "SUP", "typicality"] = Field(
        "nothing",
        description="the paper's ablations: without 'SUP' one of the typical samples is drawn at"
        " random, without 'typicality' all samples of a cluster are kept. The most typical sample"
        " is what the strategy typiclust picks",
    )
    normalise: bool = Field(True, description=NORMALISE)


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, one from each of the largest clusters without labels.

    why : cluster, cluster_size, cluster_labels, typicality, boundary; score : the boundary, or
        the typicality without SUP
    """
    if pool.clusters is None:
        raise ValueError("supclust needs clusters")
    unit = options.normalise
    features = pool.features if unit else in_ball(pool.features)
    clusters = clusters_of(pool, pool.clusters)
    position = {cluster.id: i for i, cluster in enumerate(clusters)}
    centres = cluster_centres(features, clusters, unit)
    weights = centre_weights(centres, options.temperature)
    among = _whole(features, np.flatnonzero(pool.available), options)
    settings = options.neighbours, options.squared, unit, among
    left = {cluster.id: Shrinking(features, cluster.available, *settings) for cluster in clusters}
    edge = np.full(len(features), np.nan)  # known once it is asked for
    lots = rng.random(len(features))  # one a row: the order of the rows does not matter
    drawn = options.without == "SUP"

    def choose(identity: int, rows: Rows) -> Pick:
        i, typical_of = position[identity], left[identity]
        kept = typical_of.most_typical(kept_count(len(rows), options))
        new = kept[np.isnan(edge[kept])]
        points = points64(features[new], unit)
        edge[new] = boundary(points, centres, weights[i], options.squared)
        row = int(kept[np.argmin(lots[kept]) if drawn else best_first(edge[kept])[0]])
        typical = typical_of.typicality_of(row)
        typical_of.remove(row)
        return Pick(
            row=row,
            score=typical if drawn else float(edge[row]),
            why={
                "cluster": identity,
                "cluster_size": clusters[i].size,
                "cluster_labels": clusters[i].labels,
                "typicality": typical,
                "boundary": float(edge[row]),
            },
        )

    return by_turns(_tiers(clusters, options), budget, choose)


def _tiers(clusters: list[Cluster], options: Options) -> list[list[Cluster]]:
    """Free clusters, largest first, always lead; `few_free` says what follows them."""
    large, small = in_order(clusters, options.min_cluster_size)
    if options.few_free == "labeled":
        return [large, small]
    free = [[c for c in tier if c.labels == 0] for tier in (large, small)]
    held = [[c for c in tier if c.labels > 0] for tier in (large, small)]
    return [*free, *held]


def kept_count(samples: int, options: Options) -> int:
    """How many of `samples` the typicality lets through, at least 1."""
    share = 1.0 if options.without == "typicality" else options.share
    exact = round(share * samples, 9)  # 0.1 * 30 is a little above 3
    return max(1, int(ROUNDING[options.rounding](exact)))


def _whole(features: NDArray[np.floating], free: Rows, options: Options) -> Crowd | None:
    """Where neighbours are looked for, if not in the cluster."""
    if options.neighbourhood == "cluster":
        return None
    if len(free) > MOST_ROWS:
        raise SettingsError(
            f"supclust with neighbourhood 'pool' computes the distances of all pairs: wanted at"
            f" most {MOST_ROWS:,} samples that may be selected (got {len(free):,}); take"
            " neighbourhood 'cluster'"
        )
    return Crowd(features, free, options.normalise)


def cluster_centres(
    features: NDArray[np.floating], clusters: list[Cluster], unit: bool = True
) -> NDArray[np.float64]:
    """(k, d) float64: mean of the points of each cluster, rejected samples included."""

    def mean(cluster: Cluster) -> NDArray[np.float64]:
        rows = points32(features[cluster.rows], unit)
        centre: NDArray[np.float64] = rows.mean(axis=0, dtype=np.float64)
        return centre

    return np.array(in_parallel(mean, clusters))


def centre_weights(centres: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """(k, k) float64: row c weighs the other centres by nearness to centre c; w[c, c] is 0.

    w[c, j] = exp(-|mu_c - mu_j| / T) / sum over j != c, T = temperature * median distance between
    two centres. Where all centres coincide the weights are equal; a single centre has none.
    """
    k = len(centres)
    if k < 2:
        return np.zeros((k, k))
    pairs = pdist(centres)
    width = temperature * float(np.median(pairs))
    logits = -squareform(pairs) / width if width > 0 else np.zeros((k, k))
    np.fill_diagonal(logits, -np.inf)
    weights: NDArray[np.float64] = softmax(logits, axis=1)
    return weights


def boundary(
    points: NDArray[np.float64],
    centres: NDArray[np.float64],
    weights: NDArray[np.float64],
    squared: bool,
) -> NDArray[np.float64]:
    """(m,) float64: minus the weighted mean distance of each point to the centres.

    points : (m, d); centres : (k, d); weights : (k,), 0 for the points' own centre
    """
    distances: NDArray[np.float64] = cdist(
        points, centres, "sqeuclidean" if squared else "euclidean"
    )
    return -(distances @ weights)
