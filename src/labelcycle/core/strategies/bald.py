"""BALD: the samples on which models drawn by dropout contradict each other; for later rounds.

Houlsby, Huszár, Ghahramani, Lengyel: Bayesian Active Learning for Classification and Preference
Learning, 2011 (arXiv 1112.5745). Dropout as the source of the models is from Gal, Islam,
Ghahramani: Deep Bayesian Active Learning with Image Data, ICML 2017 (arXiv 1703.02910).

`dbal` also picks samples of which every draw is unsure. That is noise, which no label settles.
`bald` passes over them. Dropout is on the last layer, which is the one that learns from the labels.
All samples meet the same draws.

Slow version: tests/core/test_dropout.py, `slow_scores`.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _monte_carlo
from labelcycle.core.strategies.entropy import entropies_of

NEEDS = frozenset({"clusters", "head"})

DECIMALS = 12
"""Of the information: what lies below is what rounding leaves of a difference of entropies."""


class Options(_monte_carlo.Options):
    """Settings of BALD."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows whose label would tell most about the model.

    why : cold_start (1 where the model had nothing to say, else 0), then information in nats, or
        what the strategy that stands in says; score : the information, or that strategy's own
    """
    return _monte_carlo.highest(pool, budget, rng, options, "information", information)


def information(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) float64: mutual information in nats of label and draw, from (m, t, c) probabilities.

    The entropy of the mean over the draws less the mean of their entropies: 0 where all agree.
    """
    whole = entropies_of(probabilities.mean(axis=1))
    mean_entropy = entropies_of(probabilities).mean(axis=1)
    gained: NDArray[np.float64] = np.maximum(whole - mean_entropy, 0)
    return gained.round(DECIMALS)
