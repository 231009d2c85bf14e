"""Each class is the mean of its labelled samples, and a sample belongs to the nearest mean.

Snell, Swersky, Zemel: Prototypical Networks for Few-shot Learning, NIPS 2017 (arXiv 1703.05175). It
is their section 2.3, on features that are ready. With squared Euclidean distances it is a linear
classifier (section 2.5). Nothing is fitted, so nothing can be overfitted. It is for a label or two
a class. Every class counts alike, however many labels it has.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.nn.learners import linear

KEEPS_SAMPLES = True
"""The mean of a class with one label is that sample."""


class Options(base.Options):
    """Settings of the prototypes."""

    sharpness: float = Field(
        10.0,
        gt=0,
        le=1e4,
        description="logits are minus this times the squared distance to the mean, in units of"
        " the labelled samples' mean squared distance from their centre",
    )
    normalise: bool = Field(True, description=linear.NORMALISE)


def fit(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    n_classes: int,
    options: Options,
    seed: int,
) -> linear.Linear:
    """The classifier from the samples of (n, d) `features` whose `labels` (n,) are known.

    No labels: every class is as likely. Classes without a label get probability 0.
    """
    del seed  # nothing is drawn
    scaled = linear.scaled_rows(features, labels, options.normalise)
    weights = np.zeros((features.shape[1], n_classes))
    bias = np.full(n_classes, linear.NO_CHANCE if len(scaled.labels) else 0.0)
    for c in np.unique(scaled.labels):
        mean = scaled.rows[scaled.labels == c].mean(axis=0)
        weights[:, c] = 2 * options.sharpness * mean
        bias[c] = -options.sharpness * (mean @ mean)
    return linear.Linear(scaled.centre, scaled.scale, weights, bias, options.normalise)


def from_state(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> linear.Linear:
    """The learner that gave this `state`."""
    return linear.from_state(meta, arrays)
