"""What a learner gets and gives in a simulated campaign: the one place that knows its input."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Head
from labelcycle.nn import learners
from labelcycle.nn.learners import Learner
from labelcycle.simulate.choices import Choice
from labelcycle.simulate.problem import Features, Images

BLOCK_ROWS = 1024
"""Images that a learner is asked for at a time."""


@dataclass(frozen=True)
class Seen:
    """Some samples, as learners see them.

    images : of the whole set, may be memory-mapped; rows : which of them these samples are
    """

    features: Features
    images: Images | None = None
    rows: NDArray[np.int64] | None = None

    def pixels(self, rows: NDArray[np.int64]) -> Images:
        """(k, s, s, 3) uint8: the images of some of the samples."""
        if self.images is None:
            raise ValueError("a learner of images was asked about samples without any")
        return np.ascontiguousarray(self.images[rows if self.rows is None else self.rows[rows]])


def sees_images(learner: Choice) -> bool:
    """Whether the learner is fitted on images, not on features."""
    return getattr(learners.get(learner.name), "INPUT", "features") == "images"


def fitted(
    learner: Choice, seen: Seen, labels: NDArray[np.int64], classes: int, seed: int
) -> Learner:
    """The classifier from the samples that have a label; labels (n,), `UNLABELED` where none."""
    module = learners.get(learner.name)
    return module.fit(seen.features, labels, classes, learner.options, seed)


def probabilities(learner: Choice, model: Learner, seen: Seen) -> NDArray[np.float32]:
    """(n, c) float32: the model's word on each of the samples."""
    if not sees_images(learner):
        return model.predict_proba(seen.features)
    return np.concatenate([model.predict_proba(part) for part in _blocks(seen)])


def head(learner: Choice, model: Learner, seen: Seen) -> Head:
    """The model's last layer, and what it sees of each of the samples."""
    if not sees_images(learner):
        return model.head(seen.features)
    heads = [model.head(part) for part in _blocks(seen)]
    hidden = np.concatenate([each.hidden for each in heads])
    return Head(hidden, heads[0].weights, heads[0].bias)


def _blocks(seen: Seen) -> Iterator[Any]:
    """The images of the samples, some at a time."""
    n = len(cast(Images, seen.images)) if seen.rows is None else len(seen.rows)
    for start in range(0, n, BLOCK_ROWS):
        yield seen.pixels(np.arange(start, min(start + BLOCK_ROWS, n)))
