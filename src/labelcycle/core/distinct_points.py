"""Samples among which neighbours are looked for: copies are one point that counts several times.

So a thousand copies of one image cost what one does. Nearest neighbours are found in one of three
ways: a k-d tree for few dimensions, all distances in float32 with a bound of their error, or
inverted lists (core/neighbour_graph.py) where there are more than `EXACT_UP_TO` different points.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from labelcycle.core.neighbour_graph import nearest
from labelcycle.core.neighbours import mine, near_squares, nearest_rows, points32, points64
from labelcycle.core.stable_order import KEPT_BITS
from labelcycle.core.typicality import SMALLEST_DISTANCE, of_mean

EXACT_UP_TO = 100_000
"""Of more different points inverted lists say who is near, for the time grows with the square of
the points: they miss some neighbours, which makes a sample seem less typical."""

FEW_DIMENSIONS = 8
"""Up to so many a k-d tree finds all neighbours exactly, in a time that hardly grows."""

BLOCK_ROWS = 4096

Groups = NDArray[np.int64]
Values = NDArray[np.float64]


class Crowd:
    """Some rows of a pool; the copies among them make groups.

    rows : (m,) int64, rising, rows of the pool
    group : (m,) int64, group of each; groups are numbered by their first row
    count : (u,) int64, how many of a group are left
    """

    def __init__(
        self, features: NDArray[np.floating], rows: NDArray[np.int64], unit: bool = True
    ) -> None:
        """All of the rows are left.

        features : (n, d), may be memory-mapped; unit : whether rows are brought to length 1,
            else they are of length 1 at most (`neighbours.in_ball`)
        """
        self._features, self.rows, self._unit = features, rows, unit
        self._few = features.shape[1] <= FEW_DIMENSIONS
        self._first, self.group = _groups(features, rows, unit)
        self.count = np.bincount(self.group, minlength=len(self._first)).astype(np.int64)

    @property
    def left(self) -> int:
        """How many rows are left."""
        return int(self.count.sum())

    @property
    def listed(self) -> bool:
        """Whether inverted lists are asked, so that bounds are none."""
        return not self._few and np.count_nonzero(self.count) > EXACT_UP_TO

    def bounds(self, groups: Groups, k: int, squared: bool) -> tuple[Values, Values, Values]:
        """Typicality of groups that are left: at least, at most, and how far its neighbours are.

        The last is a squared distance: a point beyond it counts for nothing. 1 <= k < `left`.
        Where `listed`, the first two are what the lists found, nearly the value.
        """
        if self.left < 2:  # a sample alone is not typical of anything
            return np.zeros(len(groups)), np.zeros(len(groups)), np.full(len(groups), -1.0)
        there = np.flatnonzero(self.count)
        other_copies = self.count[groups] - 1
        low, high = np.full((2, len(groups)), 1 / SMALLEST_DISTANCE)
        reach = np.full(len(groups), -1.0)
        needy = np.flatnonzero(other_copies < k)
        if len(needy):
            places = np.searchsorted(there, groups[needy])
            squares, near, off = self._near(there, places, min(k, len(there) - 1))
            shares = _shares(self.count[there[near]], other_copies[needy], k)
            ends = [squares + off, np.maximum(squares - off, 0)]
            reach[needy] = np.where(shares > 0, squares, 0).max(axis=1) + 3 * off
            low[needy], high[needy] = (
                _typicality(each if squared else np.sqrt(each), shares, k) for each in ends
            )
        slack = 2.0 ** (1 - KEPT_BITS)  # values that are as close count as equal
        return low * (1 - slack), np.minimum(high * (1 + slack), 1 / SMALLEST_DISTANCE), reach

    def exact(self, groups: Groups, k: int, squared: bool) -> Values:
        """(g,) float64: typicality of groups that are left. No float64 copy of all rows is made."""
        if self.left < 2:
            return np.zeros(len(groups))
        there = np.flatnonzero(self.count)
        other_copies = self.count[groups] - 1
        values = np.full(len(groups), 1 / SMALLEST_DISTANCE)
        needy = np.flatnonzero(other_copies < k)
        if len(needy):
            points, places = self._some(there), np.searchsorted(there, groups[needy])
            distances, near = nearest_rows(points, min(k, len(there) - 1), places, self._unit)
            shares = _shares(self.count[there[near]], other_copies[needy], k)
            values[needy] = _typicality(distances**2 if squared else distances, shares, k)
        return values

    def reached_by(self, row: int, reach: Values) -> Groups:
        """Groups for which this row of the pool lies within `reach` (u,), as `bounds` has it."""
        points = points64 if self._few else points32
        point = points(self._features[[row]], self._unit)[0]
        within = []
        for start in range(0, len(self._first), BLOCK_ROWS):
            block = np.arange(start, min(start + BLOCK_ROWS, len(self._first)))
            gaps = points(self._some(block), self._unit) - point
            squares = np.einsum("nd,nd->n", gaps, gaps)
            within.append(block[squares <= reach[block] * (1 + 1e-6)])
        return np.concatenate(within)

    def _some(self, groups: Groups) -> NDArray[np.floating]:
        return self._features[self.rows[self._first[groups]]]

    def _near(
        self, there: Groups, places: Groups, k: int
    ) -> tuple[Values, NDArray[np.int64], float]:
        """Squared distances (r, k), rising, to the nearest others, who they are, and the error.

        there : groups that are left; places : (r,) of those asked for among them
        """
        points = self._some(there)
        if self._few:
            exact = points64(points, self._unit)
            distances, near = cKDTree(exact).query(exact[places], k + 1)
            others = ~mine(near, places)
            squares = distances[others].reshape(len(places), k) ** 2
            return squares, near[others].reshape(len(places), k), 0.0
        if len(there) > EXACT_UP_TO:
            return *_listed(points, places, k, self._unit), 0.0
        found, near, off = near_squares(points32(points, self._unit), k, places)
        return found.astype(np.float64), near, off


def _groups(
    features: NDArray[np.floating], rows: NDArray[np.int64], unit: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place of the first row of each group of copies, rising, and the group of each row."""
    keys = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), BLOCK_ROWS):
        points = points64(features[rows[start : start + BLOCK_ROWS]], unit) + 0.0  # -0 is 0
        keys[start : start + len(points)] = [hash(point.tobytes()) for point in points]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return first[order], number[group]


def _shares(
    counts: NDArray[np.int64], other_copies: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """(r, j): how often each of j neighbours, the nearest first, is among the k nearest.

    counts : (r, j) copies of each
    other_copies : (r,) of the sample itself, at no distance
    """
    before = other_copies[:, None] + np.cumsum(counts, axis=1) - counts
    return np.clip(k - before, 0, counts)


def _typicality(far: Values, shares: NDArray[np.int64], k: int) -> Values:
    """(r,): one over the mean distance to the k nearest.

    far : (r, j) distances, or their squares, to neighbours that are there `shares` times each; the
        others of the k are copies, at no distance
    """
    plain = far.shape[1] == k and (shares == 1).all()
    mean: Values = far.mean(axis=1) if plain else (far * shares).sum(axis=1) / k
    return of_mean(mean)


def _listed(
    points: NDArray[np.floating], places: Groups, k: int, unit: bool
) -> tuple[Values, NDArray[np.int64]]:
    """Squared distances to the others that inverted lists find nearest, and who they are.

    Lists go by the cosine. A row of zeros has none: it is 1 from all rows of length 1. Rows that
    keep their lengths get one more coordinate, which nearly keeps their order by distance.
    """
    if not unit:
        inner = points32(points, unit) / 4
        height = np.sqrt(1 - np.einsum("nd,nd->n", inner, inner))
        squares, near = _by_cosine(np.column_stack([inner, height]), places, k)
        return 16 * squares, near
    full = np.asarray(points.any(axis=1))
    if full.all():
        return _by_cosine(points, places, k)
    (empty,) = np.flatnonzero(~full)  # copies are one point
    squares, near = np.ones((len(places), k)), np.full((len(places), k), empty)
    some = np.flatnonzero(places != empty)
    squares_of_some, theirs = _by_cosine(
        points[full], places[some] - (places[some] > empty), min(k, len(points) - 2)
    )
    theirs = theirs + (theirs >= empty)
    squares_of_some = np.column_stack([squares_of_some, np.ones(len(some))])
    theirs = np.column_stack([theirs, np.full(len(some), empty)])
    order = np.argsort(squares_of_some, axis=1, kind="stable")[:, :k]
    squares[some] = np.take_along_axis(squares_of_some, order, axis=1)
    near[some] = np.take_along_axis(theirs, order, axis=1)
    near[places == empty] = np.flatnonzero(full)[:k]
    return squares, near


def _by_cosine(
    points: NDArray[np.floating], places: Groups, k: int
) -> tuple[Values, NDArray[np.int64]]:
    cosines, neighbours = nearest(points, points[places], k + 1, EXACT_UP_TO)
    others = ~mine(neighbours.astype(np.int64), places)
    near = neighbours[others].reshape(len(places), k).astype(np.int64)
    squares = 2 - 2 * cosines[others].reshape(len(places), k).astype(np.float64)
    return np.maximum(squares, 0), near
