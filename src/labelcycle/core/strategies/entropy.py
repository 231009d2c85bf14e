"""Entropy: the samples whose class probabilities are most evenly spread; for later rounds.

Shannon: A Mathematical Theory of Communication, Bell System Technical Journal 1948. For selection
see Settles: Active Learning Literature Survey, University of Wisconsin-Madison 2009.

`margin` looks at the two likeliest classes alone. Entropy looks at the unlikely ones too. Where
there are many classes, these can drown the others. A model that knows nothing is uncertain
everywhere alike. Another strategy picks then, which is a cold start.

Tested by hand: tests/core/test_uncertainty.py.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr  # type: ignore[import-untyped]

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _cold_start, _ranked

NEEDS = frozenset({"clusters", "probabilities"})


class Options(_cold_start.Options):
    """Settings of entropy."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows with the highest entropy of their class probabilities.

    why : cold_start (1 where the model had nothing to say, else 0), then entropy in nats, or what
        the strategy that stands in says; score : the entropy, or that strategy's own
    """
    return _ranked.by_probabilities(pool, budget, rng, options, _judged)


def _judged(probabilities: NDArray[np.float32]) -> tuple[_ranked.Values, dict[str, _ranked.Values]]:
    wrong, _ = _ranked.doubts(probabilities)
    others = probabilities.astype(np.float64)
    others[np.arange(len(others)), others.argmax(axis=1)] = 0
    entropies = entropies_of(others) - (1 - wrong) * np.log1p(-wrong)
    return entropies, {"entropy": entropies}


def entropies_of(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """(...,) float64: entropy in nats over the last axis of (..., c); a chance of 0 adds 0."""
    entropies: NDArray[np.float64] = entr(probabilities.astype(np.float64)).sum(axis=-1)
    return entropies
