"""How well some samples cover the others, in the sense of a kernel, and who would add most.

Generalised coverage (Bae, Noh, Sutherland, ECCV 2024, arXiv 2407.12212): the mean over targets of
weight * max over the chosen of k(target, chosen), k(x, y) = exp(-|x - y|^2 / sigma^2) on rows of
length 1. The gain of a sample is by how much the mean would rise.

Gains are computed in float32, block by block, with a bound of the error; `lazy_greedy` asks for
float64 where that leaves it open who is first. Memory: 12 bytes times targets times dimensions,
and a few blocks.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import distances
from labelcycle.core.lazy_greedy import Positions, Values, lazy_greedy
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.threads import cut, in_parallel

TARGETS = 1024
"""Targets in a block; with `MOST_ROWS` candidates, its kernel values take 2 MiB."""

MOST_ROWS, FEWEST_ROWS = 512, 32
"""Candidates in a block of the rough look: at most and at least."""

EXACT_ROWS = 16

ERROR = 32 * 2.0**-24
"""Of a mean of float32 kernel values, times 1 + 2 / sigma^2. Measured: a third of it at most,
d 3 to 2,048, sigma 0.05 to 3 (tests/core/test_coverage.py)."""


class Coverage:
    """Coverage of targets, and what candidates would add to it.

    level : (t,) float64, k between each target and the nearest of those chosen so far; 0 if none
    """

    def __init__(
        self, features: NDArray[np.floating], targets: Positions, weights: Values, sigma: float
    ) -> None:
        """Nothing is covered yet.

        features : (n, d) float32 or float16, may be memory-mapped; only blocks of it are read
        targets : (t,) rows of `features` that are to be covered, t >= 1
        weights : (t,) float64, at least 0
        sigma : width of the kernel, above 0
        """
        self._features = features
        self._points = _points(features, targets)
        self._shape = -1 / sigma**2
        self._weights = weights
        self._weights32 = weights.astype(np.float32)
        self._points32 = distances.right(self._points, self._shape)
        self.level = np.zeros(len(targets))
        self._level32 = np.zeros(len(targets), dtype=np.float32)

    @property
    def mean(self) -> float:
        """The coverage now."""
        return float((self._weights * self.level).mean())

    def add(self, rows: Positions) -> None:
        """The samples of these rows are chosen from now on."""
        for start in range(0, len(rows), TARGETS):
            nearest = partial(self._nearest, unit_rows(self._features[rows[start:][:TARGETS]]))
            reached = np.concatenate(in_parallel(nearest, self._blocks()))
            np.maximum(self.level, reached, out=self.level)
        self._level32 = self.level.astype(np.float32)

    def bounds(self, rows: Positions) -> tuple[Values, Values]:
        """(m,) lower and (m,) upper bounds of the gains of these rows."""
        size = min(MOST_ROWS, max(FEWEST_ROWS, -(-len(rows) // 8)))
        rough = np.concatenate(in_parallel(self._rough, cut(rows, size)))
        slack = ERROR * (1 - 2 * self._shape) * (rough + self.mean)
        return np.maximum(rough - slack, 0), rough + slack

    def gains(self, rows: Positions) -> Values:
        """(m,) float64: by how much the coverage would rise with each of these rows alone."""
        return np.concatenate(in_parallel(self._gains, cut(rows, EXACT_ROWS)))

    def _rough(self, rows: Positions) -> Values:
        points = distances.left(unit_rows(self._features[rows]))
        sums = np.zeros(len(rows))
        for block in self._blocks():
            values = points @ self._points32[block].T
            np.exp(values, out=values)
            values -= self._level32[block]
            np.maximum(values, np.float32(0), out=values)
            sums += values @ self._weights32[block]
        return sums / len(self.level)

    def _gains(self, rows: Positions) -> Values:
        points = unit_rows(self._features[rows])
        sums = np.zeros(len(rows))
        for block in self._blocks():
            values = self._kernel(points, block)
            values -= self.level[block]
            np.maximum(values, 0, out=values)
            sums += values @ self._weights[block]
        return sums / len(self.level)

    def _nearest(self, chosen: Values, block: slice) -> Values:
        nearest: Values = self._kernel(chosen, block).max(axis=0)
        return nearest

    def _kernel(self, points: Values, block: slice) -> Values:
        """(m, b) float64: k between points and the targets of a block."""
        targets = self._points[block]
        values = points @ targets.T
        values *= -2
        values += distances.squared_lengths(points)[:, None]
        values += distances.squared_lengths(targets)
        np.maximum(values, 0, out=values)
        values *= self._shape
        np.exp(values, out=values)
        return values

    def _blocks(self) -> list[slice]:
        return [slice(start, start + TARGETS) for start in range(0, len(self.level), TARGETS)]


def cover(
    coverage: Coverage, candidates: Positions, budget: int
) -> tuple[Positions, Values, Values]:
    """The rows that raise the coverage most, one after the other; they are added to it.

    candidates : (c,) rows of the features, rising; of equals the first is taken
    Returns (b,) rows, (b,) their gains, (b,) the coverage after each.
    """
    after: list[float] = []

    def pick(position: int) -> None:
        coverage.add(candidates[position : position + 1])
        after.append(coverage.mean)

    positions, gains = lazy_greedy(
        len(candidates),
        budget,
        lambda positions: coverage.bounds(candidates[positions]),
        lambda positions: coverage.gains(candidates[positions]),
        pick,
    )
    return candidates[positions], gains, np.array(after)


def sampled(rows: Positions, most: int | None, lots: Values) -> Positions:
    """`rows`, or the `most` of them with the lowest lots, rising.

    lots : (n,), one number for each row of the pool
    """
    if most is None or len(rows) <= most:
        return rows
    kept: Positions = np.sort(rows[np.argsort(lots[rows], kind="stable")[:most]])
    return kept


def _points(features: NDArray[np.floating], rows: Positions) -> Values:
    points = np.empty((len(rows), features.shape[1]))
    for start in range(0, len(rows), TARGETS):
        points[start : start + TARGETS] = unit_rows(features[rows[start : start + TARGETS]])
    return points
