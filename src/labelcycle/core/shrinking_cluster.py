"""The most typical samples of a cluster, again and again while those that were picked leave it.

A sample that leaves changes the typicality of those alone that have it among their K neighbours,
and makes none more typical while K stays. So few are computed anew before a further pick. Bounds
in float32 leave a few samples open, which float64 decides. The answers are those that `typicality`
of all that are left gives, equal values by row. Only of more than `distinct_points.EXACT_UP_TO`
different samples inverted lists say who is near: they miss some, so a few answers may be others.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.distinct_points import Crowd, Groups, Values
from labelcycle.core.neighbours import points64
from labelcycle.core.stable_order import best_first, steady
from labelcycle.core.typicality import k_of, typicality

SMALL = 64
"""Of so few samples all are computed exactly: less work than to find out which must be."""

FIRST_BATCH, LARGEST_BATCH = 4, 256
"""Samples that are computed exactly at a time: twice as many each time."""


class Shrinking:
    """The samples of one cluster that are left.

    Memory between the picks: 36 bytes a sample.
    """

    def __init__(
        self,
        features: NDArray[np.floating],
        rows: NDArray[np.int64],
        neighbours: int,
        squared: bool,
        unit: bool = True,
        among: Crowd | None = None,
    ) -> None:
        """All of `rows` are left.

        features : (n, d) of the pool; rows : (m,) int64, rising, of the cluster
        neighbours, squared : as `typicality` has them; unit : as `Crowd` has it
        among : where neighbours are looked for, from which nothing leaves; None: the cluster
        """
        self._features, self._rows, self._unit = features, rows, unit
        self._neighbours, self._squared = neighbours, squared
        self._among, self._crowd = among, among
        self._there = np.ones(len(rows), dtype=bool)
        self._group: Groups = np.empty(0, dtype=np.int64)
        self._kind = 0, False
        self._gone: list[int] = []

    def remove(self, row: int) -> None:
        """The sample of this row of the pool has left."""
        place = int(np.searchsorted(self._rows, row))
        self._there[place] = False
        if self._crowd and not self._among:
            self._crowd.count[self._group[place]] -= 1
            self._gone.append(place)

    def best(self) -> tuple[int, float]:
        """Row of the most typical sample, the first of equals, and its typicality (float64)."""
        left = np.flatnonzero(self._there)
        if self._is_small(len(left)):
            values = self._all(left)
            best = int(np.argmax(steady(values)))
            return int(self._rows[left[best]]), float(values[best])
        k = self._ready()
        front = np.full(len(self._high), len(self._rows))
        front[self._group[left[::-1]]] = left[::-1]  # the first of each group is written last
        groups = np.flatnonzero(front < len(self._rows))
        groups = groups[np.argsort(front[groups])]
        exact, batch = np.full(len(groups), -np.inf), FIRST_BATCH
        while True:
            leader = int(np.argmax(steady(exact)))
            rivals = _rivals(self._high[groups], exact, leader)
            if not len(rivals):
                return int(self._rows[front[groups[leader]]]), float(exact[leader])
            order = np.argsort(-steady(self._high[groups[rivals]]), kind="stable")
            rivals = rivals[order[:batch]]
            assert self._crowd is not None
            exact[rivals] = self._crowd.exact(groups[rivals], k, self._squared)
            self._high[groups[rivals]] = exact[rivals]
            batch = min(2 * batch, LARGEST_BATCH)

    def most_typical(self, count: int) -> NDArray[np.int64]:
        """Rows (count,) of the most typical samples, rising; 1 <= count <= those that are left."""
        left = np.flatnonzero(self._there)
        if count == len(left):
            return self._rows[left]
        if self._is_small(len(left)):
            return self._rows[left[np.sort(best_first(self._all(left))[:count])]]
        k = self._ready()
        self._renew(k)
        group = self._group[left]
        low, high = self._low[group], self._high[group]
        values = (low + high) / 2
        contenders = high >= _nth_highest(low, count)
        if self._crowd and not self._crowd.listed:
            doubtful = contenders & (low <= _nth_highest(high, count + 1))
            open_still = np.unique(group[doubtful])
            if len(open_still):
                exact = np.zeros(len(self._high))
                exact[open_still] = self._crowd.exact(open_still, k, self._squared)
                values[doubtful] = exact[group[doubtful]]
        places = np.flatnonzero(contenders)
        return self._rows[left[np.sort(places[best_first(values[places])[:count]])]]

    def typicality_of(self, row: int) -> float:
        """Of a sample that is left, in float64."""
        left = np.flatnonzero(self._there)
        place = int(np.searchsorted(self._rows, row))
        if self._is_small(len(left)):
            return float(self._all(left)[np.searchsorted(left, place)])
        k = self._ready()
        assert self._crowd is not None
        return float(self._crowd.exact(self._group[[place]], k, self._squared)[0])

    def _is_small(self, left: int) -> bool:
        return self._among is None and left <= SMALL

    def _all(self, left: Groups) -> Values:
        points = points64(self._features[self._rows[left]], self._unit)
        return typicality(points, self._neighbours, self._squared)

    def _ready(self) -> int:
        """K now; what is known of the groups is computed anew if K is another."""
        if self._crowd is None:
            self._crowd = Crowd(self._features, self._rows, self._unit)
            for place in np.flatnonzero(~self._there):
                self._crowd.count[self._crowd.group[place]] -= 1
        if not len(self._group):
            self._group = self._crowd.group[np.searchsorted(self._crowd.rows, self._rows)]
        k = k_of(self._crowd.left, self._neighbours)
        if self._kind != (k, self._crowd.listed):  # with another K typicality may have risen
            self._kind = k, self._crowd.listed
            self._low, self._high, self._reach = np.full((3, len(self._crowd.count)), -np.inf)
            self._look(np.unique(self._group[self._there]), k)
        return k

    def _renew(self, k: int) -> None:
        """Compute anew whose neighbours have left since they were computed."""
        assert self._crowd is not None
        changed: set[int] = set()
        for place in self._gone:
            near = self._crowd.reached_by(int(self._rows[place]), self._reach)
            changed |= {int(self._group[place]), *near.tolist()}
        self._gone.clear()
        still = np.array(sorted(changed), dtype=np.int64)
        self._look(still[self._crowd.count[still] > 0], k)

    def _look(self, groups: Groups, k: int) -> None:
        assert self._crowd is not None
        bounds = self._crowd.bounds(groups, k, self._squared)
        self._low[groups], self._high[groups], self._reach[groups] = bounds
        if len(groups) == np.count_nonzero(self._crowd.count):
            self._gone.clear()


def _rivals(upper: Values, exact: Values, leader: int) -> NDArray[np.int64]:
    """Who may be more typical than the leader, or as typical and before it; rising."""
    at_best, least = steady(upper), steady(exact[leader : leader + 1])[0]
    may_win = at_best > least
    may_win[:leader] |= at_best[:leader] == least
    return np.flatnonzero(may_win & np.isneginf(exact))


def _nth_highest(values: Values, n: int) -> float:
    return float(np.partition(values, len(values) - n)[len(values) - n])
