"""Some samples as learners see them, by features or by images: the one place that knows which."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Head
from labelcycle.nn import learners
from labelcycle.nn.encoders import Encoder, Images
from labelcycle.nn.learners import ImageLearner, Learner, sees_images
from labelcycle.options import Options

BLOCK_ROWS = 1024
"""Images that a learner is asked about at a time."""


@dataclass(frozen=True)
class Pictures:
    """`count` images of which `read` gives some, (k, s, s, 3) uint8, by their rows (k,).

    encoder : name and fitted encoder of these images, for learners that start from it, or None
    """

    count: int
    read: Callable[[NDArray[np.int64]], Images]
    encoder: tuple[str, Encoder] | None = None

    def some(self, rows: NDArray[np.int64]) -> "Pictures":
        """Those of these rows."""
        return Pictures(len(rows), lambda asked: self.read(rows[asked]), self.encoder)

    def blocks(self) -> Iterator[Images]:
        """All of them, some at a time."""
        for start in range(0, self.count, BLOCK_ROWS):
            yield self.read(np.arange(start, min(start + BLOCK_ROWS, self.count)))


@dataclass(frozen=True)
class Seen:
    """Features (n, d), and the images of the same samples where a learner sees images."""

    features: NDArray[np.floating]
    pictures: Pictures | None = None

    def some(self, rows: NDArray[np.int64]) -> "Seen":
        """The samples of these rows."""
        return Seen(self.features[rows], self.pictures.some(rows) if self.pictures else None)


def fitted(
    learner: str, seen: Seen, labels: NDArray[np.int64], classes: int, options: Options, seed: int
) -> Learner:
    """The classifier from the samples that have a label; labels (n,), `UNLABELED` where none."""
    if not sees_images(learner):
        module = learners.get_for_features(learner)
        return module.fit(seen.features, labels, classes, options, seed)
    pictures = _pictures(learner, seen)
    return learners.get_for_images(learner).fit(pictures, labels, classes, options, seed)


def probabilities(learner: str, model: Learner, seen: Seen) -> NDArray[np.float32]:
    """(n, c) float32: the model's word on each of the samples."""
    if not sees_images(learner):
        return model.predict_proba(seen.features)
    return np.concatenate([model.predict_proba(part) for part in _pictures(learner, seen).blocks()])


def head(learner: str, model: Learner, seen: Seen) -> Head:
    """The model's last layer, and what it sees of each of the samples."""
    if not sees_images(learner):
        return model.head(seen.features)
    heads = [model.head(part) for part in _pictures(learner, seen).blocks()]
    hidden = np.concatenate([part_head.hidden for part_head in heads])
    return Head(hidden, heads[0].weights, heads[0].bias)


def own_features(learner: str, model: Learner, seen: Seen) -> NDArray[np.float32] | None:
    """(n, width): what the network of a learner of images makes of the samples.

    None where it has no network, for want of labels of two classes.
    Raises SettingsError for a learner of features.
    """
    learners.must_see("images", learner, "embed.features: model")
    network = cast(ImageLearner, model)  # what such a learner's `fit` gives
    if network.model is None:
        return None
    return np.concatenate([network.embed(part) for part in _pictures(learner, seen).blocks()])


def _pictures(learner: str, seen: Seen) -> Pictures:
    if seen.pictures is None:
        raise ValueError(f"learner {learner} sees images: wanted some, got none")
    return seen.pictures
