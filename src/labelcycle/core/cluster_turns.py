"""Picking samples cluster by cluster, in turns: what the clustering strategies share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.threads import in_parallel

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """One cluster of the pool.

    rows : (n,) int64, all its samples, rising
    labels : how many of them have an accepted label
    available : (m,) int64, those that may be selected, rising
    """

    id: int
    rows: Rows
    labels: int
    available: Rows

    @property
    def size(self) -> int:
        """Number of samples that have a label or may get one; rejected ones do not count."""
        return self.labels + len(self.available)


@dataclass(frozen=True)
class Pick:
    """One sample taken from a cluster, and why: the keys are the same for all picks."""

    row: int
    score: float
    why: dict[str, int | float]


Choose = Callable[[int, Rows], Pick]
"""Cluster id and its rows that are left (never none) -> the one to pick."""


def clusters_of(pool: Pool, clusters: NDArray[np.int32]) -> list[Cluster]:
    """The clusters that hold samples, by id."""
    order = np.argsort(clusters, kind="stable")
    ids, starts = np.unique(clusters[order], return_index=True)
    clusters_in_order = []
    for identity, rows in zip(ids, np.split(order, starts[1:]), strict=True):
        rows = rows.astype(np.int64)
        labels = int(np.count_nonzero(pool.labeled[rows]))
        clusters_in_order.append(Cluster(int(identity), rows, labels, rows[pool.available[rows]]))
    return clusters_in_order


def in_order(clusters: Sequence[Cluster], min_size: int) -> list[list[Cluster]]:
    """Two tiers: the clusters with more than `min_size` samples, then the others.

    Each by fewest labels, then largest, then id (Hacohen et al. 2022, section 3.2 and code).
    The authors drop the small ones and fail where no other is left; here they come last.
    """
    ranked = sorted(clusters, key=lambda c: (c.labels, -c.size, c.id))
    large = [c for c in ranked if c.size > min_size]
    return [large, [c for c in ranked if c.size <= min_size]]


def by_turns(tiers: Sequence[Sequence[Cluster]], budget: int, choose: Choose) -> Selection:
    """The picks of `choose`, one a cluster and turn, until there are `budget`.

    A cluster with nothing left loses its turn; a tier begins when the one before is used up. The
    picks of a turn, each from a cluster of its own, are made in parallel.
    """
    picks: list[Pick] = []
    for tier in tiers:
        left = {c.id: c.available for c in tier if len(c.available)}
        while left and len(picks) < budget:
            turn = list(left)[: budget - len(picks)]
            picks_of_turn = _one_turn(choose, left, turn)
            for identity, pick in zip(turn, picks_of_turn, strict=True):
                left[identity] = left[identity][left[identity] != pick.row]
            picks += picks_of_turn
            left = {identity: rows for identity, rows in left.items() if len(rows)}
    return selection_of(picks)


def _one_turn(choose: Choose, left: dict[int, Rows], turn: Sequence[int]) -> list[Pick]:
    return in_parallel(lambda identity: choose(identity, left[identity]), turn)


def selection_of(picks: Sequence[Pick]) -> Selection:
    """The picks as columns."""
    keys = picks[0].why if picks else {}
    return Selection(
        rows=np.array([pick.row for pick in picks], dtype=np.int64),
        score=np.array([pick.score for pick in picks], dtype=np.float64),
        why={key: np.array([pick.why[key] for pick in picks]) for key in keys},
    )
