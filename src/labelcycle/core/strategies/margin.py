"""Margin: the samples between whose two likeliest classes the model wavers; for later rounds.

Scheffer, Decomain, Wrobel: Active Hidden Markov Models for Information Extraction, IDA 2001. A
model that knows nothing wavers everywhere alike. Another strategy picks then, which is a cold
start.

Tested by hand: tests/core/test_margin.py.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _cold_start, _ranked

NEEDS = frozenset({"clusters", "probabilities"})


class Options(_cold_start.Options):
    """Settings of margin."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows with the smallest difference of the two highest probabilities.

    why : cold_start (1 where the model had nothing to say, else 0), then margin, or what the
        strategy that stands in says; score : 1 - margin, or that strategy's own
    """
    return _ranked.by_probabilities(pool, budget, rng, options, _judged)


def _judged(probabilities: NDArray[np.float32]) -> tuple[_ranked.Values, dict[str, _ranked.Values]]:
    wrong, second = _ranked.doubts(probabilities)
    return wrong + second, {"margin": 1 - wrong - second}
