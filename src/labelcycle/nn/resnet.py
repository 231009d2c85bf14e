"""Residual networks without their last layer, for images of any size, trained by SimCLR.

He et al. 2015, "Deep Residual Learning for Image Recognition".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn
from torchvision import models  # type: ignore[import-untyped]

from labelcycle.nn import simclr, start_weights
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.network_encoder import NetworkEncoder, fit_simclr, rebuilt
from labelcycle.nn.progress import TrainingState

SMALL = 64
"""Below this side in pixels the stem keeps the resolution."""
MAX_SIDE = 224
"""Largest image size that is chosen where none is set."""


def backbone(name: str, image_size: int) -> nn.Sequential:
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


class Options(start_weights.Options, simclr.Options):
    """The recipe of TypiClust for CIFAR-10: 500 epochs, batch 512, temperature 0.1, SGD 0.4.

    Hacohen et al. 2022 (appendix), and the settings that their repository trains with. Photographs
    get the views of Chen et al. 2020 (appendix A); there the crops are of the photograph itself,
    here of its square of the image size.
    """

    recipe: Literal["auto", "small", "photo"] = Field(
        "auto",
        description="the views, as far as not given here: small, of TypiClust for 32 pixels;"
        " photo, of SimCLR for 224 (crop_min 0.08, jitter 0.8, hue 0.2, blur_probability 0.5);"
        " auto: photo from 64 pixels on",
    )


PHOTO = {"crop_min": 0.08, "jitter": 0.8, "hue": 0.2, "blur_probability": 0.5}


def for_size(options: Options, size: int) -> Options:
    """The options for images of `size` pixels: the recipe's values where none are given."""
    photo = options.recipe == "photo" or (options.recipe == "auto" and size >= SMALL)
    set_by_name = options.model_fields_set
    recipe = {key: value for key, value in PHOTO.items() if key not in set_by_name}
    return options.model_copy(update=recipe) if photo else options


@dataclass(frozen=True)
class ResNet:
    """What an encoder's module holds, for the ResNet of one name."""

    name: str

    def default_size(self, side: int, options: Options) -> int:  # noqa: ARG002 - the contract's
        """The images' own side, at most 224."""
        return min(side, MAX_SIDE)

    def fit(
        self,
        images: Images,
        options: Options,
        seed: int,
        device: torch.device,
        resume: TrainingState | None = None,
    ) -> Fitting:
        """Train on the images."""
        size = images.shape[1]

        def build() -> nn.Module:
            return start_weights.started(backbone(self.name, size), self.name, options)

        recipe = for_size(options, size)
        trained, training = yield from fit_simclr(build, images, recipe, seed, device, resume)
        return NetworkEncoder(trained, size, training)

    def rebuild(
        self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: torch.device
    ) -> NetworkEncoder:
        """The encoder that gave this state."""
        return rebuilt(backbone(self.name, meta["image_size"]), meta, arrays, device)


class Centred(nn.Module):
    """0..1 to -2..2: about mean 0 and deviation 1 for most images."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, 3, s, s) to the same shape."""
        return (images - 0.5) * 4
