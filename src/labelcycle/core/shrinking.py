"""The most typical sample of a cluster, again and again while those that were picked leave it.

A sample that leaves makes no other more typical as long as K stays: what was known of the others
remains an upper bound, so only those who lead by it are computed anew (the idea of core/lazy.py).
Up to `EXACT_UP_TO` samples the picks are those that `typicality` of all gives at each turn.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.neighbours import unit_rows
from labelcycle.core.ordering import steady
from labelcycle.core.typicality import (
    EXACT_UP_TO,
    SMALL,
    at_most,
    k_of,
    typicality,
    typicality_of,
)

FIRST_BATCH, LARGEST_BATCH = 4, 256
"""Samples that are computed exactly at a time: twice as many each time."""


class Shrinking:
    """The samples of one cluster that are left, and what their typicality is at most.

    Memory: 8 bytes a sample between the picks.
    """

    def __init__(self, neighbours: int, squared: bool) -> None:
        self._neighbours, self._squared = neighbours, squared
        self._kind = 0, True
        self._upper: NDArray[np.float64] = np.empty(0)

    def best(self, features: NDArray[np.floating]) -> tuple[int, float]:
        """Position of the most typical sample, the first of equals, and its typicality (float64).

        features : (m, d), those that are left, m >= 1, in the order of the last call, without the
            one that it gave
        """
        m = len(features)
        if m <= SMALL:
            values = typicality(unit_rows(features), self._neighbours, self._squared)
            best = int(np.argmax(steady(values)))
            return best, float(values[best])
        kind = k_of(m, self._neighbours), m <= EXACT_UP_TO
        if kind != self._kind:  # with another K it may have risen
            self._upper = at_most(features, self._neighbours, self._squared)
            self._kind = kind
        best, value = self._lead(features)
        self._upper = np.delete(self._upper, best)
        return best, value

    def _lead(self, features: NDArray[np.floating]) -> tuple[int, float]:
        upper = self._upper  # with what is computed below written into it
        exact, batch = np.full(len(upper), -np.inf), FIRST_BATCH
        while True:
            leader = int(np.argmax(steady(exact)))
            rivals = _rivals(upper, exact, leader)
            if not len(rivals):
                return leader, float(exact[leader])
            rivals = rivals[np.argsort(-steady(upper[rivals]), kind="stable")[:batch]]
            exact[rivals] = typicality_of(features, self._neighbours, self._squared, rivals)
            upper[rivals] = exact[rivals]
            batch = min(2 * batch, LARGEST_BATCH)


def _rivals(
    upper: NDArray[np.float64], exact: NDArray[np.float64], leader: int
) -> NDArray[np.int64]:
    """Who may be more typical than the leader, or as typical and before it; rising."""
    at_best, least = steady(upper), steady(exact[leader : leader + 1])[0]
    may_win = at_best > least
    may_win[:leader] |= at_best[:leader] == least
    return np.flatnonzero(may_win & np.isneginf(exact))
