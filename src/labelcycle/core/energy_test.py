"""Whether two samples come from one distribution, by the distances between their points.

The energy distance is twice the mean distance between the samples, without the mean distances
within each. It is 0 only where the distributions are the same (Szekely and Rizzo 2004, Testing for
equal distributions in high dimension). How large it is by chance is found by drawing who belongs to
which sample anew.

Its slow version is in tests/core/test_energy_test.py: loops over all pairs and all drawn samples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.neighbours import unit_rows

MOST = 500
"""Points of each sample that are compared; of more, so many are drawn."""

DRAWS = 999
"""So that the least p is 0.001."""


@dataclass(frozen=True)
class Difference:
    """How different two samples are.

    distance : the energy distance of the directions of the points, 0..4
    p : share of random divisions of all points that are at least as different
    """

    distance: float
    p: float


def compare(
    one: NDArray[np.floating], other: NDArray[np.floating], rng: np.random.Generator
) -> Difference:
    """How different (n, d) and (m, d) are; the lengths of the points do not count.

    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(300, 8))
    >>> compare(points[:200], points[200:], rng).p > 0.01
    True
    >>> compare(points[:200], points[200:] + 1, rng).p
    0.001
    """
    parts = [_drawn(points, rng) for points in (one, other)]
    points = np.concatenate(parts)
    squares = np.clip(2 - 2 * points @ points.T, 0, None)
    distances = np.sqrt(squares)
    np.fill_diagonal(distances, 0)
    count, second = len(points), len(parts[1])
    belongs = np.zeros((count, DRAWS + 1))
    belongs[count - second :, 0] = 1
    for draw in range(1, DRAWS + 1):
        belongs[rng.choice(count, second, replace=False), draw] = 1
    found = _distance(distances, belongs)
    # what is as different but for rounding counts as different
    as_different = int(np.count_nonzero(found[1:] >= found[0] * (1 - 1e-9)))
    return Difference(float(found[0]), (1 + as_different) / (1 + DRAWS))


def _drawn(points: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float64]:
    """Directions of at most `MOST` of the points."""
    rows = np.sort(rng.permutation(len(points))[:MOST])
    return unit_rows(np.asarray(points[rows], dtype=np.float64))


def _distance(distances: NDArray[np.float64], belongs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,): the energy distance for each column of `belongs`, which marks the second sample."""
    second = belongs.sum(axis=0)
    first = len(belongs) - second
    sums = distances @ belongs
    within = (belongs * sums).sum(axis=0)
    between = sums.sum(axis=0) - within
    rest = distances.sum() - within - 2 * between
    return np.asarray(
        2 * between / (first * second) - within / second**2 - rest / first**2, dtype=np.float64
    )
