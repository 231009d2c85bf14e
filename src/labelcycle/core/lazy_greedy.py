"""Greedy choice by gains that only fall: most of them need not be known anew before each pick.

Minoux: Accelerated greedy algorithms for maximizing submodular set functions, 1978; Leskovec et
al. call it CELF (KDD 2007). A gain from an earlier round is an upper bound of today's, so only
those who lead by their bound are looked at again: first roughly, and in full precision where the
rough value leaves it open who is first. The picks are those of the plain greedy loop.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.stable_order import steady

Positions = NDArray[np.int64]
Values = NDArray[np.float64]
GainBounds = Callable[[Positions], tuple[Values, Values]]
Exact = Callable[[Positions], Values]

FIRST_BATCH, LARGEST_BATCH, EXACT_BATCH = 64, 8192, 64
STALE, ROUGH, EXACT = 0, 1, 2

DIGITS = 12
"""Gains, of the order of 1 at most, that agree to so many decimals count as equal."""


def settled(values: Values) -> Values:
    """`values` without the digits that hang on where in a block a sample stands; rising in them."""
    return steady(np.round(values, DIGITS))


def lazy_greedy(
    count: int, budget: int, bounds: GainBounds, exact: Exact, pick: Callable[[int], None]
) -> tuple[Positions, Values]:
    """(b,) positions among 0..count-1, distinct, in the order picked, and (b,) their gains.

    Each is the position with the largest gain of those left, the lowest of equals.

    budget : b, at most `count`
    bounds : positions -> lower and upper bounds of their gains now; both equal where it is exact
    exact : positions -> their gains now, in full precision
    pick : told of each pick; from then on gains may have fallen, none may have risen
    """
    queue = _Queue(count)
    queue.look(np.arange(count), bounds)
    picks, gains = [], []
    for _ in range(budget):
        best = queue.first(bounds, exact)
        picks.append(best)
        gains.append(queue.lower[best])
        queue.remove(best)
        pick(best)
    return np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float64)


class _Queue:
    """What is known of every gain: bounds, and from which look they come."""

    def __init__(self, count: int) -> None:
        self.upper = np.full(count, np.inf)
        self.lower = np.full(count, -np.inf)
        self.stage = np.full(count, STALE, dtype=np.int8)

    def look(self, positions: Positions, bounds: GainBounds) -> None:
        lower, upper = bounds(positions)
        self.lower[positions] = settled(lower)
        self.upper[positions] = np.minimum(self.upper[positions], settled(upper))
        self.stage[positions] = ROUGH

    def look_closely(self, positions: Positions, exact: Exact) -> None:
        values = settled(exact(positions))
        self.lower[positions] = self.upper[positions] = values
        self.stage[positions] = EXACT

    def first(self, bounds: GainBounds, exact: Exact) -> int:
        """The position that has the largest gain for certain."""
        batch = FIRST_BATCH
        while True:
            leader = int(np.argmax(self.lower))
            rivals = self._rivals(leader)
            if not len(rivals):
                return leader
            stale = rivals[self.stage[rivals] == STALE]
            if len(stale):
                self.look(_highest(stale, self.upper[stale], batch), bounds)
                batch = min(2 * batch, LARGEST_BATCH)
            else:
                self.look_closely(_highest(rivals, self.upper[rivals], EXACT_BATCH), exact)

    def _rivals(self, leader: int) -> Positions:
        """Who may have a larger gain than the leader, or the same and a lower position."""
        least = self.lower[leader]
        before = np.flatnonzero(self.upper[:leader] >= least)
        after = leader + np.flatnonzero(self.upper[leader:] > least)
        rivals = np.concatenate([before, after])
        open_still: Positions = rivals[self.stage[rivals] != EXACT]
        return open_still

    def remove(self, position: int) -> None:
        """The position is gone; what was known of the others becomes old."""
        self.stage.fill(STALE)
        self.lower.fill(-np.inf)
        self.upper[position] = -np.inf


def _highest(positions: Positions, values: Values, count: int) -> Positions:
    """`count` positions with the highest values, the first of equals; all if there are fewer."""
    if len(positions) <= count:
        return positions
    cut = np.partition(values, -count)[-count]
    above = positions[values > cut]
    highest: Positions = np.concatenate([above, positions[values == cut][: count - len(above)]])
    return highest
