"""Margin: the samples between whose two likeliest classes the model wavers; for later rounds.

Scheffer, Decomain, Wrobel: Active Hidden Markov Models for Information Extraction, IDA 2001. A
model that knows nothing wavers everywhere alike: then, a cold start, another strategy picks.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.ordering import best_first
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _cold_start

NEEDS = frozenset({"clusters", "probabilities"})


class Options(_cold_start.Options):
    """Settings of margin."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows with the smallest difference of the two highest probabilities.

    why : cold_start (1 where the model had nothing to say, else 0), then margin, or what the
        strategy that stands in says; score : 1 - margin, or that strategy's own
    """
    if pool.probabilities is None:
        raise ValueError("margin needs probabilities")
    rows = np.flatnonzero(pool.available)
    margins = margins_of(pool.probabilities[rows])
    if _cold_start.is_cold(pool, margins):
        return _cold_start.stand_in(pool, budget, rng, options)
    best = best_first(-margins)[:budget]
    picks = Selection(rows[best].astype(np.int64), 1 - margins[best], {"margin": margins[best]})
    return _cold_start.flagged(picks, 0)


def margins_of(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) float64: highest minus second highest of each row of (n, c) probabilities, c >= 2."""
    top = np.partition(probabilities.astype(np.float64), -2, axis=1)[:, -2:]
    margins: NDArray[np.float64] = top[:, 1] - top[:, 0]
    return margins
