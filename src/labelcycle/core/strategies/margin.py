"""Margin: the samples between whose two likeliest classes the model wavers; for later rounds.

Scheffer, Decomain, Wrobel: Active Hidden Markov Models for Information Extraction, IDA 2001. A
model that knows nothing wavers everywhere alike: then, a cold start, another strategy picks.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.ordering import best_first
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import random, typiclust

NEEDS = frozenset({"clusters", "probabilities"})

NO_DIFFERENCE = 1e-6
"""Margins that differ by no more are float32's rounding of equal ones."""


class Options(base.Options):
    """Settings of margin."""

    cold_start: Literal["typiclust", "random"] = Field(
        "typiclust", description="who picks while no label is there or all margins are equal"
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows with the smallest difference of the two highest probabilities.

    why : cold_start (1 where the model had nothing to say, else 0), then margin, or what the
        strategy that stands in says; score : 1 - margin, or that strategy's own
    """
    if pool.probabilities is None:
        raise ValueError("margin needs probabilities")
    rows = np.flatnonzero(pool.available)
    margins = margins_of(pool.probabilities[rows])
    if not pool.labeled.any() or _all_equal(margins):
        return _cold_start(pool, budget, rng, options)
    best = best_first(-margins)[:budget]
    return Selection(
        rows=rows[best].astype(np.int64),
        score=1 - margins[best],
        why={"cold_start": np.zeros(budget, dtype=np.int64), "margin": margins[best]},
    )


def margins_of(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) float64: highest minus second highest of each row of (n, c) probabilities, c >= 2."""
    top = np.partition(probabilities.astype(np.float64), -2, axis=1)[:, -2:]
    margins: NDArray[np.float64] = top[:, 1] - top[:, 0]
    return margins


def _all_equal(margins: NDArray[np.float64]) -> bool:
    return len(margins) > 1 and bool(np.ptp(margins) <= NO_DIFFERENCE)


def _cold_start(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    if options.cold_start == "random":
        found = random.select(pool, budget, rng, random.Options())
    else:
        found = typiclust.select(pool, budget, rng, typiclust.Options())
    said = {"cold_start": np.ones(budget, dtype=np.int64), **found.why}
    return Selection(rows=found.rows, score=found.score, why=said)
