"""A network whose weights come from a seed, and the head that SimCLR puts behind it."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from labelcycle.nn.batches import BACKBONE, HEAD, seeded

Network = TypeVar("Network", bound=nn.Module)


class Projected(nn.Module):
    """A backbone and the head whose output is compared."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, 3, s, s) float32 in 0..1 to (b, projection)."""
        projections: torch.Tensor = self.head(self.backbone(images))
        return projections


def initialised(build: Callable[[], Network], seed: int, purpose: int = BACKBONE) -> Network:
    """What `build` makes, its weights drawn from the seed; torch's own generator is not moved."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(seeded(seed, purpose).get_state())
        return build()


def head_of(backbone: nn.Module, image: torch.Tensor, projection: int, seed: int) -> nn.Module:
    """(b, d) to (b, projection), one hidden layer of the backbone's width d, on its device.

    image : (1, 3, s, s), from which the width is found
    """
    with torch.inference_mode():
        width = backbone.eval()(image).shape[1]

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, projection))

    return initialised(build, seed, HEAD).to(image.device)
