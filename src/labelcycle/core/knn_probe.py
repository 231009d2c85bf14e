"""How good features are, by the labels of a few samples and nothing learned."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.neighbours import unit_rows32

NEIGHBOURS = 20
TEMPERATURE = 0.07
_BLOCK = 512


def leave_one_out(
    features: NDArray[np.floating], labels: NDArray[np.int64], k: int = NEIGHBOURS
) -> float:
    """Share of the samples whose class the others' votes find.

    The k nearest others by cosine vote with exp(cosine / 0.07), so that few labels suffice; a tie
    goes to the lower class. Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric
    Instance Discrimination", section 3.4.

    features : (n, d), n >= 2; labels : (n,), 0 or more
    """
    rows = unit_rows32(features)
    n, classes = len(rows), int(labels.max()) + 1
    near = min(k, n - 1)
    right = 0
    for start in range(0, n, _BLOCK):
        cosines = rows[start : start + _BLOCK] @ rows.T
        diagonal = np.arange(len(cosines))
        cosines[diagonal, start + diagonal] = -np.inf
        nearest = np.argpartition(-cosines, near - 1, axis=1)[:, :near]
        weights = np.exp((np.take_along_axis(cosines, nearest, axis=1) - 1) / TEMPERATURE)
        votes = np.zeros((len(cosines), classes))
        np.add.at(votes, (diagonal[:, None], labels[nearest]), weights)
        right += int((votes.argmax(axis=1) == labels[start : start + _BLOCK]).sum())
    return right / n
