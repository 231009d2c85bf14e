"""How typical a point is of its surroundings (Hacohen, Dekel, Weinshall 2022, equation 1)."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.neighbours import nearest_others

SMALLEST_DISTANCE = 1e-5
"""Added to the mean distance, as the authors' code does: copies of one image stay finite."""


def typicality(points: NDArray[np.float64], neighbours: int, squared: bool) -> NDArray[np.float64]:
    """(m,) float64: one over the mean distance to the K nearest others.

    All distances are computed. `core/shrinking_cluster.py` finds the most typical of many samples
    faster.

    points : (m, d) float64, the samples of one cluster that may be selected
    neighbours : K, lowered to half the number of points where the cluster is small, as the
        authors' code does; a point that is alone has typicality 0
    squared : mean of squared distances, as in the authors' code; the paper has plain ones
    """
    if len(points) < 2:
        return np.zeros(len(points))
    distances = nearest_others(points, k_of(len(points), neighbours))
    return of_mean((distances**2 if squared else distances).mean(axis=1))


def of_mean(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Typicality from the mean distance to the neighbours."""
    values: NDArray[np.float64] = 1 / (distance + SMALLEST_DISTANCE)
    return values


def k_of(points: int, neighbours: int) -> int:
    """K among so many points: at most half of them, at least 1."""
    return max(1, min(neighbours, points // 2))
