"""Residual networks without their last layer, for images of any size.

He et al. 2015, "Deep Residual Learning for Image Recognition".
"""

import torch
from torch import nn
from torchvision import models  # type: ignore[import-untyped]

SMALL = 64
"""Below this side in pixels the stem keeps the resolution."""
MAX_SIDE = 224
"""Largest image size that is chosen where none is set."""


def backbone(name: str, image_size: int) -> nn.Module:
    """(b, 3, s, s) float32 in 0..1 to (b, 512): the globally pooled features of a ResNet.

    name : "resnet18" or "resnet34". Images under 64 pixels get a 3x3 convolution of stride 1 and
    no pooling as their stem, as Chen et al. 2020 (appendix B.9) do for CIFAR-10; else 28 pixels
    would end as one.
    """
    network = models.get_model(name, weights=None)
    if image_size < SMALL:
        network.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    network.fc = nn.Identity()
    return nn.Sequential(Centred(), network)


class Centred(nn.Module):
    """0..1 to -2..2: about mean 0 and deviation 1 for most images."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, 3, s, s) to the same shape."""
        return (images - 0.5) * 4
