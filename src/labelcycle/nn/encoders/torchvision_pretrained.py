"""Any classification network of torchvision with trained weights, without its last layer.

No paper: the network that you name has one.
"""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn
from torchvision import models  # type: ignore[import-untyped]

from labelcycle import options as base
from labelcycle.core.near_names import LOOSE, near_names
from labelcycle.errors import SettingsError
from labelcycle.nn import pretrained_weights
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.network_encoder import NetworkEncoder, rebuilt
from labelcycle.nn.pretrained_weights import Prepared
from labelcycle.nn.progress import Progress, TrainingState


class Options(base.Options):
    """Options of the encoder `torchvision_pretrained`."""

    model: str = Field("resnet18", description="name of a classification model of torchvision")
    weights: str = Field("DEFAULT", description="torchvision's name of the weights it downloads")
    file: str | None = Field(
        None,
        description="weights file (.pth or .safetensors), relative to the campaign, instead of"
        " a download",
    )


def default_size(side: int, options: Options) -> int:  # noqa: ARG001 - the contract's signature
    """The side to which the model's own preprocessing resizes, whatever the images have."""
    return int(_preset(options).resize_size[0])


def fit(
    images: Images,
    options: Options,
    seed: int,  # noqa: ARG001 - nothing is drawn
    device: torch.device,
    resume: TrainingState | None = None,  # noqa: ARG001 - nothing to resume
) -> Fitting:
    """Load the weights; the images only say the size.

    Raises SettingsError for an unknown model or weights or an image size that the model refuses,
    DataError for a file that is missing or of another model, ServiceDown for a failed download.
    """
    preset = _preset(options)
    meta = {
        "model": options.model,
        "share": preset.crop_size[0] / preset.resize_size[0],
        "mean": list(preset.mean),
        "std": list(preset.std),
    }
    prepared = _build(meta)
    weights = pretrained_weights.from_torchvision(options.model, options.weights, options.file)
    pretrained_weights.load(
        prepared.network, weights, options.model, options.file or options.weights
    )
    size = images.shape[1]
    try:
        encoder = NetworkEncoder(prepared.to(device), size, meta)
    except (AssertionError, RuntimeError) as error:  # what networks of one size only raise
        usual_size = preset.resize_size[0]
        raise pretrained_weights.wrong_size(size, options.model, usual_size, error) from error
    yield Progress(1, 1)
    return encoder


def rebuild(
    meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: torch.device
) -> NetworkEncoder:
    """The encoder that gave this state; needs neither file nor download."""
    return rebuilt(_build(meta), meta, arrays, device)


def _preset(options: Options) -> Any:
    """The preprocessing of the weights, or of the model's default weights for a file."""
    known = models.list_models(module=models)
    if options.model not in known:
        near = near_names(options.model, known, likeness=LOOSE)
        raise SettingsError(
            f"unknown model {options.model!r} in pretrain.options: wanted a classification model"
            f" of torchvision; near: {', '.join(near) or 'none'}"
        )
    name = options.weights if options.file is None else "DEFAULT"
    return pretrained_weights.preset(options.model, name).transforms()


def _build(meta: Mapping[str, Any]) -> Prepared:
    """The network, its last linear layer taken off, behind its preprocessing."""
    network = models.get_model(meta["model"], weights=None)
    name, layer = pretrained_weights.last_layer(network)
    if not isinstance(layer, nn.Linear):
        raise SettingsError(
            f"pretrain.options.model: wanted a model with a linear last layer to take off, got"
            f" {meta['model']}, which ends with {type(layer).__name__}; choose another, as resnet18"
        )
    owner, _, last = name.rpartition(".")
    setattr(network.get_submodule(owner), last, nn.Identity())
    return Prepared(network, meta["share"], meta["mean"], meta["std"])
