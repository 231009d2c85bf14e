"""Learners: labels to classifier. One module each; its name is the key in params.yaml.

A module is a learner when it has what `LearnerModule` lists, or `ImageLearnerModule` for one that
sees images; `names` finds it by itself.

No learner is measured here, and none is written (`campaign.learner_files` does).
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from labelcycle import options as base
from labelcycle.core import registry
from labelcycle.core.pool import Head
from labelcycle.errors import SettingsError
from labelcycle.nn.array_files import Arrays

if TYPE_CHECKING:  # they import learners
    from labelcycle.nn.encoders import Images
    from labelcycle.nn.learner_inputs import Pictures


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


class ImageLearner(Protocol):
    """A fitted classifier of images, (n, s, s, 3) uint8; otherwise as a `Learner`."""

    @property
    def model(self) -> object | None:
        """The network; None if there was nothing to learn, for want of labels of two classes."""

    def embed(self, images: "Images") -> NDArray[np.float32]:
        """(n, width) float32: what the network makes of the images. Only where `model` is one."""

    def predict_proba(self, images: "Images") -> NDArray[np.float32]:
        """(n, c) float32: class probabilities, rows that sum to 1."""

    def head(self, images: "Images") -> Head:
        """The last layer, and what it sees of the images."""

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """What `from_state` needs: a value for JSON, and named arrays."""


class LearnerModule(Protocol):
    """What the module of a learner of features holds."""

    @property
    def Options(self) -> type[base.Options]:
        """Its settings."""

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


class ImageLearnerModule(Protocol):
    """What the module of a learner of images holds."""

    INPUT: str
    """"images": by that it is known, without importing it."""

    @property
    def Options(self) -> type[base.Options]:
        """Its settings."""

    def default_size(self, side: int, options: Any) -> int:
        """Image size where none is set; side : median of the images' shorter sides."""

    def fit(
        self,
        pictures: "Pictures",
        labels: NDArray[np.int64],
        n_classes: int,
        options: Any,
        seed: int,
    ) -> ImageLearner:
        """The classifier of the pool's images, of which some have labels, or none.

        labels : (n,), class index, `UNLABELED` where unknown
        """

    def from_state(
        self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> ImageLearner:
        """The learner that gave this `state`."""


@cache
def sees_images(name: str) -> bool:
    """Whether a learner is an `ImageLearnerModule`, by its constant `INPUT`."""
    return registry.declared(__path__, name, "learner").get("INPUT") == "images"


@cache
def keeps_samples(name: str) -> bool:
    """Whether the weights of a learner may have features of single samples in them.

    A learner's module says so by its constant `KEEPS_SAMPLES`; of others it is taken to be so.

    >>> keeps_samples("knn"), keeps_samples("linear")
    (True, False)
    """
    if name not in names():
        return True
    return bool(registry.declared(__path__, name, "learner").get("KEEPS_SAMPLES", True))


def must_see(what: Literal["images", "features"], name: str, where: str, instead: str = "") -> None:
    """Raise SettingsError, which names those that do, if a learner does not see `what`.

    where : what asks for it; instead : what else may be done
    """
    if sees_images(name) == (what == "images"):
        return
    able = ", ".join(other for other in names() if sees_images(other) == (what == "images"))
    sees = "features" if what == "images" else "images"
    remedy = f", or {instead}" if instead else ""
    raise SettingsError(
        f"{where}: wanted a learner that sees {what} ({able or 'none here'}), got {name}, which"
        f" sees {sees}; choose another{remedy}"
    )


def names() -> list[str]:
    """Every learner, sorted."""
    return registry.names(__path__)


def get(name: str) -> LearnerModule | ImageLearnerModule:
    """The module of a learner. Raises SettingsError with the near names if there is none."""
    return get_for_images(name) if sees_images(name) else get_for_features(name)


def get_for_features(name: str) -> LearnerModule:
    """The module of a learner that sees features. Raises as `get` and `must_see` do."""
    must_see("features", name, "learner")
    return cast(LearnerModule, registry.get(__name__, __path__, name, "learner"))


def get_for_images(name: str) -> ImageLearnerModule:
    """The module of a learner that sees images. Raises as `get` and `must_see` do."""
    must_see("images", name, "learner")
    return cast(ImageLearnerModule, registry.get(__name__, __path__, name, "learner"))
