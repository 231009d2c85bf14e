"""DBAL: the highest entropy of the mean over models drawn by dropout; for later rounds.

Gal, Islam, Ghahramani: Deep Bayesian Active Learning with Image Data, ICML 2017 (arXiv 1703.02910).
The paper calls it "max entropy". Its dropout runs through a whole network. Here dropout is on the
last layer, which is the one that learns from the labels. All samples meet the same draws.

The paper's dropout before its last layer has a chance of 0.5, as here. The code of Hacohen et al.
2022 has 25 draws.

Slow version: tests/core/test_dropout.py, `slow_scores`.
"""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _monte_carlo
from labelcycle.core.strategies.entropy import entropies_of

NEEDS = frozenset({"clusters", "head"})


class Options(_monte_carlo.Options):
    """Settings of DBAL."""


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The `budget` available rows whose mean probabilities over the draws have most entropy.

    why : cold_start (1 where the model had nothing to say, else 0), then entropy in nats, or what
        the strategy that stands in says; score : the entropy, or that strategy's own
    """
    return _monte_carlo.highest(pool, budget, rng, options, "entropy", entropy_of_mean)


def entropy_of_mean(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) float64: entropy in nats of the mean over the t draws of (m, t, c) probabilities."""
    return entropies_of(probabilities.mean(axis=1))
