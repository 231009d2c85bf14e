"""A sample's class is that of the nearest labelled samples, weighed by closeness.

Cover, Hart: Nearest Neighbor Pattern Classification, IEEE Transactions on Information Theory 1967.
It is what papers on features report: nothing is trained. Cosines decide who is near.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.neighbours import unit_rows32
from labelcycle.core.pool import UNLABELED
from labelcycle.nn.learners import propagate

KEEPS_SAMPLES = True
"""The labelled samples are what it keeps."""


class Options(base.Options):
    """Settings of the nearest neighbours."""

    neighbours: int = Field(20, ge=1, le=1000, description="labelled samples that have a say")
    sharpness: float = Field(8.0, ge=0, le=100, description="each weighs its cosine to this power")
    balanced: bool = Field(
        False,
        description="each also weighs one over the number of labels of its class, so that all"
        " labels of a class weigh as much as those of any other",
    )


def fit(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    n_classes: int,
    options: Options,
    seed: int,
) -> propagate.Propagated:
    """The classifier from the samples of (n, d) `features` whose `labels` (n,) are known.

    No labels: every class is as likely. Classes without a label get probability 0.
    """
    del seed  # nothing is drawn
    known = np.flatnonzero(labels != UNLABELED)
    classes = labels[known]
    shares = np.zeros((len(known), n_classes), dtype=np.float32)
    counts = np.bincount(classes, minlength=n_classes)
    shares[np.arange(len(known)), classes] = 1 / counts[classes] if options.balanced else 1
    space = propagate.plain(features.shape[1])
    anchors = unit_rows32(features[known]).astype(np.float16)
    otherwise = propagate.alike(classes, n_classes)
    return propagate.Propagated(
        space, anchors, shares, otherwise, options.neighbours, options.sharpness
    )


def from_state(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> propagate.Propagated:
    """The learner that gave this `state`."""
    return propagate.from_state(meta, arrays)
