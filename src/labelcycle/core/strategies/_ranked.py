"""The available samples by one score each: what the uncertainty strategies share."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.stable_order import best_first
from labelcycle.core.strategies import _cold_start
from labelcycle.core.threads import cut

BLOCK_ROWS = 65_536
"""Rows whose probabilities are held in float64 at a time."""

Rows = NDArray[np.int64]
Values = NDArray[np.float64]

Judge = Callable[[Rows], tuple[Values, dict[str, Values]]]
"""Available rows (m,) -> score of each (m,), highest first, and the columns of `why`."""

OfProbabilities = Callable[[NDArray[np.float32]], tuple[Values, dict[str, Values]]]
"""As `Judge`, from the (m, c) class probabilities of the available rows."""


def doubts(probabilities: NDArray[np.floating]) -> tuple[Values, Values]:
    """How likely each row's likeliest class is not it, and the runner-up's chance: two (m,).

    From the other classes' chances: one less the largest would be 0 where that is within rounding
    of 1, as of many samples at a time where classes are clear-cut.
    """
    others = probabilities.astype(np.float64)
    others[np.arange(len(others)), others.argmax(axis=1)] = 0
    return others.sum(axis=1), others.max(axis=1)


def highest(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    options: _cold_start.Options,
    judge: Judge,
) -> Selection:
    """The `budget` available rows with the highest score, `why` led by cold_start = 0.

    If `judge` says the same of all, another strategy stands in; if fewer than `budget` have a
    score above 0, it picks the others.
    """
    rows = np.flatnonzero(pool.available).astype(np.int64)
    score, why = judge(rows)
    if _cold_start.is_cold(score):
        return _cold_start.stand_in(pool, budget, rng, options)

    def columns(some: Rows) -> dict[str, NDArray[np.generic]]:
        return {name: column[np.searchsorted(rows, some)] for name, column in why.items()}

    doubted = max(1, np.count_nonzero(score > 0))  # a single sample may have the score 0
    best = best_first(score)[: min(budget, doubted)]
    selection = Selection(rows[best], score[best], columns(rows[best]))
    return _cold_start.filled(selection, pool, budget, rng, options, columns)


def by_probabilities(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    options: _cold_start.Options,
    judge: OfProbabilities,
) -> Selection:
    """`highest`, for a score that needs no more than the model's probabilities."""
    probabilities = pool.probabilities
    if probabilities is None:
        raise ValueError("wanted a pool with probabilities")

    def judged(rows: Rows) -> tuple[Values, dict[str, Values]]:
        parts = [judge(probabilities[part]) for part in cut(rows, BLOCK_ROWS)]
        names = parts[0][1] if parts else {}
        columns = {name: np.concatenate([why[name] for _, why in parts]) for name in names}
        return np.concatenate([score for score, _ in parts]), columns

    return highest(pool, budget, rng, options, judged)
