"""Least confidence: the samples whose likeliest class is least likely; for later rounds.

Lewis, Gale: A Sequential Algorithm for Training Text Classifiers, SIGIR 1994. That is for two
classes. For many see Culotta, McCallum: Reducing Labeling Effort for Structured Prediction Tasks,
AAAI 2005.

With two classes it ranks as `margin` and `entropy` do. A model that knows nothing is equally
confident everywhere. Another strategy picks then, which is a cold start.

Tested by hand: tests/core/test_uncertainty.py.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _cold_start, _ranked

NEEDS = frozenset({"clusters", "probabilities"})


class Options(_cold_start.Options):
    """Settings of least confidence."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows whose highest class probability is smallest.

    why : cold_start (1 where the model had nothing to say, else 0), then confidence (the highest
        probability), or what the strategy that stands in says; score : 1 - confidence, or that
        strategy's own
    """
    return _ranked.by_probabilities(pool, budget, rng, options, _judged)


def _judged(probabilities: NDArray[np.float32]) -> tuple[_ranked.Values, dict[str, _ranked.Values]]:
    wrong, _ = _ranked.doubts(probabilities)
    return wrong, {"confidence": 1 - wrong}
