"""Random: each sample as likely as any other; for a baseline, and for estimating class shares.

No paper: every other strategy has to beat it. Labels that are picked in another way give no fair
estimate of the shares of the classes.

Tested by hand: tests/core/test_query.py.
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
    rows = np.flatnonzero(pool.available)
    lots = rng.random(len(pool.available))[rows]  # one a row: the order of the rows does not matter
    drawn = rows[np.argsort(lots, kind="stable")[:budget]]
    return Selection(rows=drawn.astype(np.int64), score=np.zeros(budget), why={})
