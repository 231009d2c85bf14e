"""Learners: labels to classifier, on features. One module each; its name is the key in params.yaml.

A module is a learner when it has what `LearnerModule` lists; `names` finds it by itself.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from labelcycle import options as base
from labelcycle.core import registry
from labelcycle.core.pool import Head
from labelcycle.errors import SettingsError

Arrays = dict[str, NDArray[Any]]
"""Named weights."""


class Learner(Protocol):
    """A fitted classifier."""

    def predict_proba(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """(n, c) float32: class probabilities, rows that sum to 1.

        features : (n, d) float32 or float16. Classes without a label get (nearly) nothing; with
        no labels at all, every class gets 1 / c.
        """

    def head(self, features: NDArray[Any]) -> Head:
        """The last layer, and what it sees of (n, d) `features`: for strategies that ask for it.

        softmax(hidden @ weights + bias) is `predict_proba`, to float32's rounding.
        """

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """What `from_state` needs: a value for JSON, and named arrays."""


class LearnerModule(Protocol):
    """What a module in this package holds."""

    Options: type[base.Options]

    def fit(
        self,
        features: Any,
        labels: NDArray[np.int64],
        n_classes: int,
        options: Any,
        seed: int,
    ) -> Learner:
        """The classifier of a pool, of which some samples have labels, or none.

        features : (n, d), all of the pool; labels : (n,), class index, `UNLABELED` where unknown
        """

    def from_state(self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Learner:
        """The learner that gave this `state`."""


@cache
def sees_images(name: str) -> bool:
    """Whether a learner is fitted on images, as its `INPUT = "images"` says, not on features.

    Such a one gets `samples.Pictures` in `fit`, where the others get features, and (n, s, s, 3)
    uint8 in the methods of what it gives back, which also has `model`, None if there was nothing
    to learn, and `embed`. It has `default_size`, as encoders have.
    """
    return registry.declared(__path__, name, "learner").get("INPUT") == "images"


def must_see(what: Literal["images", "features"], name: str, where: str, instead: str = "") -> None:
    """Raise SettingsError, which names those that do, if a learner does not see `what`.

    where : what asks for it; instead : what else may be done
    """
    if sees_images(name) == (what == "images"):
        return
    able = ", ".join(each for each in names() if sees_images(each) == (what == "images"))
    sees = "features" if what == "images" else "images"
    remedy = f", or {instead}" if instead else ""
    raise SettingsError(
        f"{where}: wanted a learner that sees {what} ({able or 'none here'}), got {name}, which"
        f" sees {sees}; choose another{remedy}"
    )


def names() -> list[str]:
    """Every learner, sorted."""
    return registry.names(__path__)


def get(name: str) -> LearnerModule:
    """The module of a learner. Raises SettingsError with the near names if there is none."""
    return cast(LearnerModule, registry.get(__name__, __path__, name, "learner"))
