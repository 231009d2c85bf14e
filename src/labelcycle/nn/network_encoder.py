"""Encoders that are one torch network: features in batches, and the state they are rebuilt from."""

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from labelcycle.nn import gpu_memory, simclr
from labelcycle.nn.array_files import Arrays
from labelcycle.nn.device import repeatable
from labelcycle.nn.encoders import Images
from labelcycle.nn.progress import Progress, TrainingState
from labelcycle.nn.projection_head import initialised


class NetworkEncoder:
    """A backbone in evaluation mode.

    backbone : (b, 3, s, s) float32 in 0..1 to (b, width)
    meta : what its module needs to build the backbone again, for JSON
    trainable : whether its backbone may be trained further; it may say no by its own `trainable`
    """

    def __init__(self, backbone: nn.Module, image_size: int, meta: Mapping[str, Any]) -> None:
        self.image_size = image_size
        self.backbone = backbone.eval().to(memory_format=torch.channels_last)
        self.trainable: bool = getattr(backbone, "trainable", True)
        self._meta = dict(meta)
        blank = np.zeros((1, image_size, image_size, 3), np.uint8)
        self.width = self.embed(blank).shape[1]

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(b, width) float32: the backbone's features."""
        if not len(images):
            return np.empty((0, self.width), np.float32)
        return np.concatenate(list(raw_features(self.backbone, images)))

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """The meta and the image size; the weights of the backbone."""
        return {**self._meta, "image_size": self.image_size}, weights_of(self.backbone)


def weights_of(network: nn.Module) -> Arrays:
    """The weights and buffers of a network, for files."""
    weights = network.state_dict().items()
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in weights}


def load_weights(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give a network what `weights_of` took of its like; copies, for arrays may be read-only."""
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()})


def fit_simclr(
    build: Callable[[], nn.Module],
    images: Images,
    options: simclr.Options,
    seed: int,
    device: torch.device,
    resume: TrainingState | None,
) -> Generator[Progress, None, tuple[nn.Module, dict[str, int]]]:
    """Train what `build` makes, initialised from the seed.

    Returns the trained backbone, and for the encoder's meta the images a step at the end.
    """
    backbone = initialised(build, seed).to(device).to(memory_format=torch.channels_last)
    batch = yield from simclr.train(backbone, images, options, seed, resume)
    return backbone, {"batch": batch}


def rebuilt(
    backbone: nn.Module,
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    device: torch.device,
) -> NetworkEncoder:
    """The encoder with this state; backbone : as its module builds it, any weights."""
    load_weights(backbone, arrays)
    backbone_meta = {key: value for key, value in meta.items() if key != "image_size"}
    return NetworkEncoder(backbone.to(device), meta["image_size"], backbone_meta)


def raw_features(
    backbone: nn.Module, images: Images, setting: str = "pretrain.image_size"
) -> Iterator[NDArray[np.float32]]:
    """The features of (n, s, s, 3) uint8 images, (at most 256, width) at a time.

    Fewer at a time where a GPU's memory does not suffice, which a warning says. Raises DataError
    if it does not suffice for one image, and names the setting that decides its size.
    """
    device = next(backbone.parameters()).device

    def features(part: slice) -> NDArray[np.float32]:
        # torch warns of arrays that may not be written to, as those of files are
        pixels = torch.from_numpy(np.require(images[part], requirements=["C", "W"])).to(device)
        batch = pixels.permute(0, 3, 1, 2).float().div(255)
        with torch.inference_mode(), repeatable():
            outputs = backbone(batch.contiguous(memory_format=torch.channels_last))
        return np.asarray(outputs.float().cpu().numpy())

    return gpu_memory.in_parts(
        backbone, features, len(images), f"lower {setting}; in an experiment data.size"
    )
