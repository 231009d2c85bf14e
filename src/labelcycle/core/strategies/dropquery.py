"""DropQuery: the middle samples of what the model wavers on under dropout; for early rounds.

Gupte, Aklilu, Nirschl, Yeung-Levy: Revisiting Active Learning in the Era of Vision Foundation
Models, TMLR 2024 (arXiv 2401.14555). A candidate is a sample whose predicted class changes under
most of a few dropout masks. The candidates are clustered by k-means, and each cluster gives one
pick.

The masks are the same for all samples. The paper drops features. Here units of what the model's
last layer sees are dropped. A dropped unit is at its mean, as the learner centres it.

If k-means finds fewer clusters than asked, because of copies, the candidates next nearest to their
centres follow. The paper's first round is k-means of the whole pool, with a pick nearest to each
centre. Here the cold start stands in.

Slow version: tests/core/test_dropquery.py, `slow_dropquery`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle.core import dropout
from labelcycle.core.clustering import kmeans
from labelcycle.core.neighbours import in_ball, points64
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.stable_order import steady
from labelcycle.core.strategies import _cold_start

NEEDS = frozenset({"clusters", "head"})

Rows = NDArray[np.int64]


class Options(_cold_start.Options):
    """Settings of DropQuery; the defaults are the paper's."""

    draws: int = Field(3, ge=1, le=1000, description="dropout masks")
    dropout: float = Field(
        0.75, gt=0, lt=1, description="chance of each unit of the hidden layer to be dropped"
    )
    candidates: int = Field(
        25, ge=1, description="fewest candidates for each pick; samples that change less join them"
    )


@dataclass(frozen=True)
class Groups:
    """The candidates in clusters of their own.

    rows : (m,) int64, the candidates
    group : (m,) int32, cluster of each
    size : (m,) int64, candidates in that cluster
    distance : (m,) float64, from its centre
    """

    rows: Rows
    group: NDArray[np.int32]
    size: NDArray[np.int64]
    distance: NDArray[np.float64]


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, from each cluster of candidates the one nearest the centre; largest first.

    why : cold_start (1 where the model had nothing to say, else 0), then flips (masks under which
        the prediction changes), group_size (candidates in the cluster) and distance (from its
        centre), or what the strategy that stands in says; score : minus the distance, or that
        strategy's own
    """
    if pool.head is None:
        raise ValueError("dropquery needs a head")
    if not pool.labeled.any():
        return _cold_start.stand_in(pool, budget, rng, options)
    rows = np.flatnonzero(pool.available).astype(np.int64)
    masks = dropout.drawn_masks(rng, options.draws, pool.head.hidden.shape[1], options.dropout)
    flips = flips_of(pool.head, rows, masks)
    if _cold_start.is_cold(flips):
        return _cold_start.stand_in(pool, budget, rng, options)
    chosen = candidates_of(flips, options.draws, options.candidates * budget)
    groups = _grouped(pool, rows[chosen], budget, rng, options.normalise)
    best = _one_each(groups)[:budget]
    why: dict[str, NDArray[np.generic]] = {
        "flips": flips[np.searchsorted(rows, groups.rows[best])].astype(np.int64),
        "group_size": groups.size[best],
        "distance": groups.distance[best],
    }
    score = 0 - groups.distance[best]  # not minus: a zero keeps its sign
    return _cold_start.flagged(Selection(groups.rows[best], score, why), 0)


def flips_of(head: Head, rows: Rows, masks: dropout.Masks) -> NDArray[np.float64]:
    """(m,) float64: masks under which the predicted class of each row is another than without."""
    everything = np.ones((1, masks.shape[1]))

    def changes(logits: NDArray[np.float64]) -> NDArray[np.float64]:
        predicted = logits.argmax(axis=2)
        changed = predicted[:, 1:] != predicted[:, :1]
        count: NDArray[np.float64] = changed.sum(axis=1).astype(np.float64)
        return count

    return dropout.under_dropout(head, rows, np.concatenate([everything, masks]), changes)


def candidates_of(flips: NDArray[np.float64], draws: int, least: int) -> NDArray[np.int64]:
    """Positions of the samples that change under more than half the draws.

    Where they are fewer than `least`, those that change once less join them, and so on to all.
    """
    threshold = draws // 2 + 1
    while threshold > 0 and np.count_nonzero(flips >= threshold) < least:
        threshold -= 1
    return np.flatnonzero(flips >= threshold)


def _grouped(pool: Pool, rows: Rows, clusters: int, rng: np.random.Generator, unit: bool) -> Groups:
    """k-means of the features of `rows`, which it meets in an order drawn by lot.

    So its own draws and roundings do not hang on the order of the pool's rows.
    """
    lots = rng.random(len(pool.available))[rows]
    rows = rows[np.argsort(lots, kind="stable")]
    features = pool.features[rows] if unit else in_ball(pool.features[rows])
    clustering = kmeans(features, clusters, rng, normalise=unit)
    size = np.bincount(clustering.assignment)[clustering.assignment].astype(np.int64)
    return Groups(
        rows, clustering.assignment, size, _from_centres(features, clustering.assignment, unit)
    )


def _from_centres(
    features: NDArray[np.floating], group: NDArray[np.int32], unit: bool
) -> NDArray[np.float64]:
    """(m,) float64: distance of each point from the mean of its group.

    From float64 means, not k-means' own float32: two samples alone are as far from theirs.
    """
    distances = np.empty(len(features))
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        points = points64(features[members], unit)
        distances[members] = np.linalg.norm(points - points.mean(axis=0), axis=1)
    return distances


def _one_each(groups: Groups) -> NDArray[np.int64]:
    """Positions: the nearest to each centre, largest cluster first; then all others, nearest first.

    Equals go by distance, then by row.
    """
    near = steady(groups.distance)
    inside = np.lexsort((groups.rows, near, groups.group))
    first = np.ones(len(inside), dtype=bool)
    first[1:] = np.diff(groups.group[inside]) != 0
    lead = np.zeros(len(inside), dtype=bool)
    lead[inside[first]] = True
    weight = np.where(lead, groups.size, 0)
    order: NDArray[np.int64] = np.lexsort((groups.rows, near, -weight))
    return order
