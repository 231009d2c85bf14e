"""Clusterers: the pool in groups of like samples. One module each.

Its name is the key in `params.yaml`. A module is a clusterer when it has what `Clusterer` lists;
`names` finds it by itself.

No clusterer makes features, and none chooses samples from its groups.
"""

from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from labelcycle import options as base
from labelcycle.core import registry
from labelcycle.core.clustering import Clustering


class Clusterer(Protocol):
    """What a module in this package holds."""

    @property
    def Options(self) -> type[base.Options]:
        """Its settings."""

    def fit(
        self,
        features: NDArray[np.floating],
        clusters: int,
        rng: np.random.Generator,
        options: Any,
        normalise: bool,
    ) -> Clustering:
        """Every sample in one of about `clusters` clusters, none of them empty.

        features : (n, d) float32 or float16, finite, n >= 1, may be memory-mapped
        normalise : rows are brought to length 1 first; rows of zeros stay
        """


def names() -> list[str]:
    """Every clusterer, sorted."""
    return registry.names(__path__)


def get(name: str) -> Clusterer:
    """The module of a clusterer. Raises SettingsError with the near names if there is none."""
    return cast(Clusterer, registry.get(__name__, __path__, name, "clusterer"))
