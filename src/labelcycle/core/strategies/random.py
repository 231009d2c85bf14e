"""Uniformly at random: the baseline that every other strategy has to beat.

Its labels are also the only ones that are fair to estimate class shares from.
"""

import numpy as np

from labelcycle import options as base
from labelcycle.core.pool import Pool, Selection

NEEDS: frozenset[str] = frozenset()


class Options(base.Options):
    """Random has nothing to set."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` available rows, each subset as likely as any other; all scores are 0."""
    del options
    rows = rng.choice(np.flatnonzero(pool.available), size=budget, replace=False)
    return Selection(rows=rows.astype(np.int64), score=np.zeros(budget), why={})
