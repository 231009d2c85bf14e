"""How typical a point is of its surroundings (Hacohen, Dekel, Weinshall 2022, equation 1)."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.graph import nearest
from labelcycle.core.neighbours import (
    near_squares,
    nearest_of,
    nearest_others,
    unit_rows,
    unit_rows32,
)
from labelcycle.core.ordering import KEPT_BITS, best_first

SMALLEST_DISTANCE = 1e-5
"""Added to the mean distance, as the authors' code does: copies of one image stay finite."""

SMALL = 64
"""Of so few points all are computed exactly: less work than to find out which must be."""

EXACT_UP_TO = 100_000
"""In a larger cluster inverted lists (core/graph.py) say who is near, for the time grows with the
square of the samples: they miss some neighbours, which makes a sample seem less typical."""


def typicality(
    points: NDArray[np.float64],
    neighbours: int,
    squared: bool,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """(r,) float64: one over the mean distance to the K nearest others.

    points : (m, d) float64, the samples of one cluster that may be selected
    neighbours : K, lowered to half the number of points where the cluster is small, as the
        authors' code does; a point that is alone has typicality 0
    squared : mean of squared distances, as in the authors' code; the paper has plain ones
    rows : (r,) int64, the points to ask for; None: all
    """
    if len(points) < 2:
        return np.zeros(len(points) if rows is None else len(rows))
    return _of_distances(nearest_others(points, k_of(len(points), neighbours), rows), squared)


def typicality_of(
    features: NDArray[np.floating], neighbours: int, squared: bool, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(r,) float64: `typicality` of `rows` of (m, d) `features` of any length, all of them near.

    No float64 copy of all features is made.
    """
    if len(features) < 2:
        return np.zeros(len(rows))
    distances = nearest_of(features, k_of(len(features), neighbours), rows)
    return _of_distances(distances, squared)


def _of_distances(distances: NDArray[np.float64], squared: bool) -> NDArray[np.float64]:
    if squared:
        distances = distances**2
    values: NDArray[np.float64] = 1 / (distances.mean(axis=1) + SMALLEST_DISTANCE)
    return values


def at_most(features: NDArray[np.floating], neighbours: int, squared: bool) -> NDArray[np.float64]:
    """(m,) float64: what the typicality of each sample is at most; m >= 2.

    Beyond `EXACT_UP_TO` samples it is no bound but what inverted lists found: nearly the value.
    """
    high = _bounded(features, neighbours, squared, None)[2]
    return np.minimum(high, 1 / SMALLEST_DISTANCE)


def most_typical(
    features: NDArray[np.floating],
    neighbours: int,
    squared: bool,
    count: int,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The most typical samples (count,) int64, rising.

    features : (m, d), of any length: the samples among which neighbours are looked for
    rows : (r,) int64, rising: which of them may be picked; None: all. 1 <= count <= r

    Up to `EXACT_UP_TO` samples they are those that `typicality` of all gives, equal values by row:
    float64 decides where float32 leaves it open. Of more samples they are those whose neighbours
    in the inverted lists are nearest; the lists miss some, so a few may be others.
    """
    asked = np.arange(len(features)) if rows is None else rows
    if count == len(asked):
        return asked
    if len(features) <= SMALL:
        values = typicality(unit_rows(features), neighbours, squared, asked)
        return asked[np.sort(best_first(values)[:count])]
    values, low, high = _bounded(features, neighbours, squared, rows)
    contenders = high >= _nth_highest(low, count)
    doubtful = np.flatnonzero(contenders & (low <= _nth_highest(high, count + 1)))
    if len(doubtful):
        values[doubtful] = typicality_of(features, neighbours, squared, asked[doubtful])
    places = np.flatnonzero(contenders)
    return asked[np.sort(places[best_first(values[places])[:count]])]


def _bounded(
    features: NDArray[np.floating], neighbours: int, squared: bool, rows: NDArray[np.int64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Typicality in float32, and what it is at least and at most: three (r,) float64."""
    k = k_of(len(features), neighbours)
    if len(features) > EXACT_UP_TO:
        squares, off = _listed_squares(features, k, rows), 0.0
    else:
        squares, off = near_squares(unit_rows32(features), k, rows)
    exact = squares.astype(np.float64)
    ends = [exact, exact + off, np.maximum(exact - off, 0)]
    if not squared:
        ends = [np.sqrt(end) for end in ends]
    value, low, high = (1 / (end.mean(axis=1) + SMALLEST_DISTANCE) for end in ends)
    slack = 2.0 ** (1 - KEPT_BITS)  # values that are as close count as equal
    return value, low * (1 - slack), high * (1 + slack)


def _listed_squares(
    features: NDArray[np.floating], k: int, rows: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """(r, k) float32, rising: squared distances to the others that inverted lists find nearest.

    Lists go by the cosine, which rows of zeros do not have: each is 1 from a row of length 1, and
    0 from another row of zeros.
    """
    asked = np.arange(len(features)) if rows is None else rows
    full: NDArray[np.bool_] = np.asarray(features.any(axis=1))
    zeros = len(features) - int(np.count_nonzero(full))
    squares = np.ones((len(asked), k), dtype=np.float32)
    squares[~full[asked], : max(0, zeros - 1)] = 0
    there = asked[full[asked]]
    if len(there):
        points = features[full] if zeros else features  # no copy where none is needed
        sought = points if rows is None else features[there]
        cosines, _ = nearest(points, sought, k + 1, EXACT_UP_TO)
        near = np.maximum(2 - 2 * cosines[:, 1:], 0)  # each comes first itself
        near = np.pad(near, ((0, 0), (0, min(zeros, k))), constant_values=1)
        squares[full[asked]] = np.sort(near, axis=1)[:, :k]
    return squares


def _nth_highest(values: NDArray[np.float64], n: int) -> float:
    return float(np.partition(values, len(values) - n)[len(values) - n])


def k_of(points: int, neighbours: int) -> int:
    """K among so many points: at most half of them, at least 1."""
    return max(1, min(neighbours, points // 2))
