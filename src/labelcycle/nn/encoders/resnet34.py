"""ResNet-34, trained by SimCLR on the pool: for many classes; wants a GPU."""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from labelcycle.nn import resnet, simclr
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.network import NetworkEncoder, fit_simclr, rebuilt
from labelcycle.nn.progress import State

NAME = "resnet34"


class Options(simclr.Options):
    """The recipe of TypiClust: 500 epochs, batch 512, temperature 0.1, SGD 0.4."""


def default_size(side: int, options: Options) -> int:  # noqa: ARG001 - the contract's signature
    """The images' own side, at most 224."""
    return min(side, resnet.MAX_SIDE)


def fit(
    images: Images, options: Options, seed: int, device: torch.device, resume: State | None = None
) -> Fitting:
    """Train on the images."""
    size = images.shape[1]
    trained = yield from fit_simclr(
        lambda: resnet.backbone(NAME, size), images, options, seed, device, resume
    )
    return NetworkEncoder(trained, size, {})


def rebuild(
    meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: torch.device
) -> NetworkEncoder:
    """The encoder that gave this state."""
    return rebuilt(resnet.backbone(NAME, meta["image_size"]), meta, arrays, device)
