"""How far a long computation is: a value that its caller may show and save."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TrainingState = dict[str, Any]
"""Tensors, numbers and texts in nested dicts and lists, from which a computation goes on."""

FeaturesOf = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""From rows of the images to their features, (r, d)."""


@dataclass(frozen=True)
class Progress:
    """One step done.

    step, total : steps done and steps in all
    loss : mean training loss since the last value, or None where there is none
    snapshot : makes the state after this step, to be called before the next one; None where
        there is nothing to resume from
    epoch : whole passes over the images done, or None where there are none
    features : of the images as the network sees them after this step, to be called before the
        next one, for whoever has labels and wants to know how good they are
    note : what somebody who watches should be told once
    """

    step: int
    total: int
    loss: float | None = None
    snapshot: Callable[[], TrainingState] | None = None
    epoch: int | None = None
    features: FeaturesOf | None = None
    note: str | None = None
