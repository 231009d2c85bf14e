"""How typical a point is of its surroundings (Hacohen, Dekel, Weinshall 2022, equation 1)."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.neighbours import nearest_others

SMALLEST_DISTANCE = 1e-5
"""Added to the mean distance, as the authors' code does: copies of one image stay finite."""


def typicality(points: NDArray[np.float64], neighbours: int, squared: bool) -> NDArray[np.float64]:
    """(m,) float64: one over the mean distance to the K nearest others.

    points : (m, d) float64, the samples of one cluster that may be selected
    neighbours : K, lowered to half the number of points where the cluster is small, as the
        authors' code does; a point that is alone has typicality 0
    squared : mean of squared distances, as in the authors' code; the paper has plain ones
    """
    m = len(points)
    if m < 2:
        return np.zeros(m)
    distances = nearest_others(points, max(1, min(neighbours, m // 2)))
    if squared:
        distances = distances**2
    values: NDArray[np.float64] = 1 / (distances.mean(axis=1) + SMALLEST_DISTANCE)
    return values
