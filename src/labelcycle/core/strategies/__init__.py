"""Strategies: which samples to ask for. One module each; its name is the key in `params.yaml`.

A module is a strategy when it has what `Strategy` lists; `names` finds it by itself.

Nothing here trains, reads a file or draws with a generator of its own.
"""

from typing import Any, Protocol, cast

import numpy as np

from labelcycle import options as base
from labelcycle.core import registry
from labelcycle.core.pool import Pool, Selection

NORMALISE = (
    "compare directions: bring features to length 1 first; false: lengths count too (a float32"
    " copy of the features is made)"
)
"""Describes the setting of strategies that may do either."""

DIRECTIONS = (
    "Strategies compare the directions of features: each row is brought to length 1 first. Those\n"
    "with an option `normalise` can let lengths count too."
)
"""What is said beside a list of the strategies."""


class Strategy(Protocol):
    """What a module in this package holds.

    Its docstring begins with the line `Name: what it picks; for which rounds.`, and the paragraph
    that follows with the paper, or with `No paper:`.

    NEEDS : optional fields of the `Pool` that it reads: "clusters", "probabilities", "head"
    """

    NEEDS: frozenset[str]

    @property
    def Options(self) -> type[base.Options]:
        """Its settings."""

    def select(self, pool: Pool, budget: int, rng: np.random.Generator, options: Any) -> Selection:
        """`budget` distinct available rows, best first. The door is `labelcycle.core.run_strategy`.

        Draws are one number a row of the pool (`rng.random(n)` and the like), so that the same
        samples in another order, with their numbers, give the same selection.
        """


def names() -> list[str]:
    """Every strategy, sorted."""
    return registry.names(__path__)


def get(name: str) -> Strategy:
    """The module of a strategy. Raises SettingsError with the near names if there is none."""
    return cast(Strategy, registry.get(__name__, __path__, name, "strategy"))
