"""What each process of a test trains: a network without batch norm; the first writes its weights.

several_processes.py FILE
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labelcycle.nn import simclr, training_processes
from labelcycle.nn.projection_head import initialised

OPTIONS = simclr.Options(
    epochs=3, batch=7, learning_rate=0.05, projection=8, temperature=0.5, blur_probability=0.5
)
"""20 images go in parts of 7, 7 and 6: uneven parts for two processes."""


def build() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())


def run(options: simclr.Options) -> dict[str, np.ndarray]:
    """The weights of backbone and head at the end, and the losses on the way."""
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    backbone = initialised(build, 3)
    losses = []
    for step in simclr.train(backbone, images, options, 5):
        losses.append(step.loss)
        assert step.snapshot is not None
        weights = step.snapshot()["model"]
    return {"losses": np.array(losses), **{key: value.numpy() for key, value in weights.items()}}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with training_processes.joined(torch.device("cpu")):
        found = run(OPTIONS)
        if training_processes.rank() == 0:
            np.savez(Path(sys.argv[1]), **found)
