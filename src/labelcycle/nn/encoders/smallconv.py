"""A small convolutional network, trained by SimCLR: for small images, without a GPU.

Chen, Kornblith, Norouzi, Hinton: A Simple Framework for Contrastive Learning of Visual
Representations, ICML 2020 (arXiv 2002.05709).

Pooled over the whole image, the features of a thousand images are hardly better than raw pixels at
50 labels. Where something is tells as much as what it is. So the head compares a 2x2 map, the crops
are mild, and the features keep a 4x4 map.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from labelcycle.nn import simclr
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.network_encoder import NetworkEncoder, fit_simclr, raw_features, rebuilt
from labelcycle.nn.pca import standardised_components
from labelcycle.nn.progress import TrainingState

MAX_SIDE = 64
HEAD_GRID = 2
FEATURE_GRID = 4
FIT_ROWS = 5000
"""Images from which the components are computed; more hardly turn them and cost n squared."""


class Options(simclr.Options):
    """Defaults for about 1,500 images and two CPU cores; see `simclr.Options`."""

    width: int = Field(32, ge=4, le=512, description="channels of the first of three layers")
    components: int = Field(128, ge=2, le=4096, description="number of features, at most")
    epochs: int = Field(40, ge=1, le=10000, description="passes over the pool")
    batch: int = Field(128, ge=2, le=65536, description="images a step, at most")
    temperature: float = Field(0.2, gt=0, le=10, description="temperature of NT-Xent")
    learning_rate: float = Field(0.1, gt=0, le=100, description="highest learning rate of SGD")
    warmup: float = Field(
        0.05, ge=0, le=0.5, description="share of the steps in which the learning rate rises"
    )
    crop_min: float = Field(
        0.4, gt=0, le=1, description="least share of the area that a random crop keeps; 1: no crop"
    )


class StridedConvolutions(nn.Module):
    """Three 3x3 convolutions of stride 2, each twice as wide as the one before.

    (b, 3, s, s) float32 in 0..1 to (b, 4 width 2 2), the last map pooled for the head.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def pooled(self, images: torch.Tensor, grid: int) -> torch.Tensor:
        """(b, 4 width grid grid): the last map, averaged on a grid."""
        last = self.layers((images - 0.5) * 4)
        side = last.shape[-1]
        if side % grid == 0:  # the same numbers; its gradient takes a fifth of the time
            return F.avg_pool2d(last, side // grid).flatten(1)
        return F.adaptive_avg_pool2d(last, grid).flatten(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """What the head compares."""
        return self.pooled(images, HEAD_GRID)


class Features(nn.Module):
    """Principal components of the last map's standardised square roots, (b, components).

    The square root evens out the few strong activations of a map that is never negative.
    """

    trainable = False
    """A square root has no gradient at 0, where many activations are."""

    mean: torch.Tensor
    components: torch.Tensor

    def __init__(self, network: StridedConvolutions, width: int, components: int) -> None:
        super().__init__()
        self.network = network
        cells = 4 * width * FEATURE_GRID**2
        self.register_buffer("mean", torch.zeros(cells))
        self.register_buffer("components", torch.eye(components, cells))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, 3, s, s) float32 in 0..1 to (b, components)."""
        cells = self.network.pooled(images, FEATURE_GRID).sqrt()
        return (cells - self.mean) @ self.components.T


class _Cells(nn.Module):
    """The square roots alone, from which `Features` learns its statistics."""

    def __init__(self, network: StridedConvolutions) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.pooled(images, FEATURE_GRID).sqrt()


def default_size(side: int, options: Options) -> int:  # noqa: ARG001 - the contract's signature
    """The images' own side, at most 64."""
    return min(side, MAX_SIDE)


def fit(
    images: Images,
    options: Options,
    seed: int,
    device: torch.device,
    resume: TrainingState | None = None,
) -> Fitting:
    """Train on the images, then compute the components of their features."""
    trained, training = yield from fit_simclr(
        lambda: StridedConvolutions(options.width), images, options, seed, device, resume
    )
    assert isinstance(trained, StridedConvolutions)
    rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:FIT_ROWS])
    cells = np.concatenate(list(raw_features(_Cells(trained).eval(), images[rows])))
    features = _described(trained, options, cells).to(device)
    meta = {"width": options.width, "components": len(features.components), **training}
    return NetworkEncoder(features, images.shape[1], meta)


def rebuild(
    meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: torch.device
) -> NetworkEncoder:
    """The encoder that gave this state."""
    width = meta["width"]
    backbone = Features(StridedConvolutions(width), width, meta["components"])
    return rebuilt(backbone, meta, arrays, device)


def _described(
    network: StridedConvolutions, options: Options, cells: NDArray[np.float32]
) -> Features:
    """The features whose statistics are those of `cells`, (n, d)."""
    mean, components = standardised_components(cells, options.components)
    features = Features(network, options.width, len(components))
    features.mean.copy_(torch.from_numpy(mean))
    features.components.copy_(torch.from_numpy(components))
    return features
