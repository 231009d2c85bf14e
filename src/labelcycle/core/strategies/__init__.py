"""Strategies: which samples to ask for. One module each; its name is the key in `params.yaml`.

A module is a strategy when it has what `Strategy` lists; `names` finds it by itself.
"""

from typing import Any, Protocol, cast

import numpy as np

from labelcycle import options as base
from labelcycle.core import registry
from labelcycle.core.pool import Pool, Selection


class Strategy(Protocol):
    """What a module in this package holds.

    Options : its settings
    NEEDS : optional fields of the `Pool` that it reads: "clusters", "probabilities", "head"
    """

    Options: type[base.Options]
    NEEDS: frozenset[str]

    def select(self, pool: Pool, budget: int, rng: np.random.Generator, options: Any) -> Selection:
        """`budget` distinct available rows, best first. The door is `labelcycle.core.query`.

        Draws are one number a row of the pool (`rng.random(n)` and the like), so that the same
        samples in another order, with their numbers, give the same selection.
        """


def names() -> list[str]:
    """Every strategy, sorted."""
    return registry.names(__path__)


def get(name: str) -> Strategy:
    """The module of a strategy. Raises SettingsError with the near names if there is none."""
    return cast(Strategy, registry.get(__name__, __path__, name, "strategy"))
