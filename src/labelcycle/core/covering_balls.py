"""Balls of one radius around the samples: what they cover, and how large they may be.

The radius must keep classes apart that nobody has labelled yet: k-means clusters stand for them,
and most balls may hold one only (Yehuda et al., NeurIPS 2022, section 3.3). Distances are taken in
float32; pairs that are too near the radius for it are decided in float64.
"""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import distances
from labelcycle.core.lazy_greedy import Positions, Values
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.threads import cut, in_parallel

TARGETS, MOST_ROWS, FEWEST_ROWS = 1024, 512, 32
"""Rows of a block of distances: of targets, and of samples at most and at least."""

WIDEST = 2.0
"""Between two rows of length 1."""


class Balls:
    """The targets that are not covered yet, and how many of them each ball would cover.

    A ball holds what is nearer than the radius to its sample, and copies of it in any case.
    """

    def __init__(self, features: NDArray[np.floating], targets: Positions, radius: float) -> None:
        """Nothing is covered yet.

        features : (n, d) float32 or float16, may be memory-mapped; only blocks of it are read
        targets : (t,) rows of `features` that are to be covered
        radius : at least 0, distance of unit rows
        """
        self._features = features
        self._points = unit_rows(features[targets])
        self._right = distances.right(self._points)
        self._within = max(radius**2 - distances.SAME, distances.SAME)

    @property
    def left(self) -> int:
        """How many targets are not covered."""
        return len(self._points)

    def add(self, rows: Positions) -> None:
        """The balls around these rows cover what they hold."""
        for start in range(0, len(rows), TARGETS):
            centres = unit_rows(self._features[rows[start : start + TARGETS]])
            held = [self._inside(centres, block).any(axis=0) for block in _blocks(0, self.left)]
            still = ~np.concatenate([*held, np.zeros(0, dtype=bool)])
            self._points, self._right = self._points[still], self._right[still]

    def degrees(self, rows: Positions) -> Values:
        """(m,) float64: how many targets that are not covered the ball of each row holds."""
        size = min(MOST_ROWS, max(FEWEST_ROWS, -(-len(rows) // 8)))
        return np.concatenate(in_parallel(self._degrees, cut(rows, size)))

    def _degrees(self, rows: Positions) -> Values:
        centres = unit_rows(self._features[rows])
        counts = np.zeros(len(rows))
        for block in _blocks(0, self.left):
            counts += self._inside(centres, block).sum(axis=1, dtype=np.int32)
        return counts

    def _inside(self, centres: Values, block: slice) -> NDArray[np.bool_]:
        """(m, b) bool: whether each target of the block lies in the ball of each centre."""
        squares = distances.left(centres) @ self._right[block].T
        inside: NDArray[np.bool_] = squares < self._within + distances.ROUNDING
        sure = squares < self._within - distances.ROUNDING
        if np.count_nonzero(inside) > np.count_nonzero(sure):
            i, j = np.divmod(np.flatnonzero(inside ^ sure), inside.shape[1])
            exact = distances.of_pairs(centres, self._points[block], i, j)
            inside[i, j] = exact < self._within
        return inside


def pure_radius(points: Values, groups: NDArray[np.integer], purity: float) -> float:
    """The largest radius with which at least the share `purity` of balls hold one group only.

    A ball is open, so that the ball of a sample is pure up to its distance to the nearest sample
    of another group, that distance included: the radius is a quantile of these distances. It is
    found in float32, and the few that may be it are looked at again in float64.
    At most 2, which holds everything.

    points : (n, d) float64 unit rows
    groups : (n,) group of each
    purity : 0 < purity <= 1
    """
    order = np.argsort(groups, kind="stable")
    points, groups = points[order], groups[order]
    nearest = _squares_to_others(points, groups)
    place = len(points) - math.ceil(purity * len(points) - 1e-9)  # 0.95 * 20 is below 19
    rough = np.partition(nearest, place)[place]
    if math.isinf(rough):
        return WIDEST
    for row in np.flatnonzero(np.abs(nearest - rough) <= 2 * distances.ROUNDING):
        others = points[groups != groups[row]]
        gaps = others - points[row]
        nearest[row] = np.einsum("nd,nd->n", gaps, gaps).min()
    return min(WIDEST, math.sqrt(np.partition(nearest, place)[place]))


def _squares_to_others(points: Values, groups: NDArray[np.integer]) -> Values:
    """(n,): squared distance to the nearest point of another group, to float32; inf if none.

    groups : (n,), rising, so that a group is a run of rows
    """
    right = distances.right(points)
    cuts = [0, *(np.flatnonzero(np.diff(groups)) + 1), len(points)]
    parts = [
        (start, min(start + MOST_ROWS, last), first, last)
        for first, last in pairwise(cuts)
        for start in range(first, last, MOST_ROWS)
    ]

    def nearest(part: tuple[int, int, int, int]) -> NDArray[np.float32]:
        start, stop, first, last = part
        rows = distances.left(points[start:stop])
        found = np.full(stop - start, np.inf, dtype=np.float32)
        for block in [*_blocks(0, first), *_blocks(last, len(points))]:
            np.minimum(found, (rows @ right[block].T).min(axis=1), out=found)
        return found

    return np.concatenate(in_parallel(nearest, parts)).astype(np.float64)


def _blocks(start: int, stop: int) -> list[slice]:
    return [slice(first, min(first + TARGETS, stop)) for first in range(start, stop, TARGETS)]
