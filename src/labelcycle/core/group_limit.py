"""At most so many picks of a group: frames of one film, images of one patient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GroupLimit:
    """How many samples of a group may be picked at most.

    groups : (n,) int64, number of each sample's group
    most : 1 or more

    >>> limit = GroupLimit(np.array([0, 0, 0, 1]), 2)
    >>> limit.affordable(np.ones(4, dtype=bool))
    3
    >>> limit.beyond(np.array([2, 3, 0, 1])).tolist()
    [1]
    """

    groups: NDArray[np.int64]
    most: int

    def affordable(self, available: NDArray[np.bool_]) -> int:
        """How many of the available samples can be picked."""
        counts = np.unique(self.groups[available], return_counts=True)[1]
        return int(np.minimum(counts, self.most).sum())

    def beyond(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the picks, best first, before which their group has as many as it may."""
        _, numbers = np.unique(self.groups[rows], return_inverse=True)
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], numbers[order])
        return rows[np.sort(order[np.arange(len(rows)) - starts >= self.most])]
