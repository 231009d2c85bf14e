"""Images and fitted encoders for the tests of encoders."""

import numpy as np
import torch
from numpy.typing import NDArray

from labelcycle.nn import encoders
from labelcycle.nn.progress import Progress

CPU = torch.device("cpu")


def images(count: int, side: int = 8, seed: int = 0, grey: bool = False) -> NDArray[np.uint8]:
    """Squares of noise; (count, side, side, 3)."""
    shape = (count, side, side, 1 if grey else 3)
    noise = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return np.array(np.broadcast_to(noise, (count, side, side, 3)))


def run(fitting: encoders.Fitting) -> tuple[encoders.Encoder, list[Progress]]:
    """The encoder at the end of a training, and its steps."""
    steps: list[Progress] = []
    while True:
        try:
            steps.append(next(fitting))
        except StopIteration as end:
            return end.value, steps
