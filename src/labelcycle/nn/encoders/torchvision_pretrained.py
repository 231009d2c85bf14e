"""Any classification network of torchvision with trained weights, without its last layer.

This is the one place in `nn` that reads a file: the weights that the options name.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn
from torchvision import models  # type: ignore[import-untyped]

from labelcycle import options as base
from labelcycle.errors import DataError, ServiceDown, SettingsError
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.network import NetworkEncoder, rebuilt
from labelcycle.nn.progress import Progress, State


class Options(base.Options):
    """Options of the encoder `torchvision_pretrained`."""

    model: str = Field("resnet18", description="name of a classification model of torchvision")
    weights: str = Field("DEFAULT", description="torchvision's name of the weights it downloads")
    file: str | None = Field(
        None,
        description="weights file (.pth or .safetensors), relative to the campaign, instead of"
        " a download",
    )


class Prepared(nn.Module):
    """A network behind its own preprocessing: centre crop, then channels to mean 0, deviation 1."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, share: float, mean: list[float], std: list[float]):
        super().__init__()
        self.network = network
        self._share = share
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, 3, s, s) float32 in 0..1 to (b, d)."""
        side = round(images.shape[-1] * self._share)
        start = (images.shape[-1] - side) // 2
        part = images[:, :, start : start + side, start : start + side]
        features: torch.Tensor = self.network((part - self.mean) / self.std)
        return features.flatten(1)


def default_size(side: int, options: Options) -> int:  # noqa: ARG001 - the contract's signature
    """The side to which the model's own preprocessing resizes, whatever the images have."""
    return int(_preset(options).resize_size[0])


def fit(
    images: Images,
    options: Options,
    seed: int,  # noqa: ARG001 - nothing is drawn
    device: torch.device,
    resume: State | None = None,  # noqa: ARG001 - nothing to resume
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
    _load(prepared.network, _weights(options), options)
    size = images.shape[1]
    try:
        encoder = NetworkEncoder(prepared.to(device), size, meta)
    except (AssertionError, RuntimeError) as error:  # what networks of one size only raise
        wanted = preset.resize_size[0]
        raise SettingsError(
            f"pretrain.image_size is {size}, which {options.model} does not take ({error});"
            f" leave it empty, for {wanted}"
        ) from error
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
        near = difflib.get_close_matches(options.model, known, n=3, cutoff=0.4)
        raise SettingsError(
            f"unknown model {options.model!r} in pretrain.options: wanted a classification model"
            f" of torchvision; near: {', '.join(near) or 'none'}"
        )
    choices = models.get_model_weights(options.model)
    name = options.weights if options.file is None else "DEFAULT"
    if name not in choices.__members__:
        raise SettingsError(
            f"unknown weights {name!r} of {options.model} in pretrain.options:"
            f" wanted one of {', '.join(choices.__members__)}"
        )
    return choices[name].transforms()


def _build(meta: Mapping[str, Any]) -> Prepared:
    """The network, its last linear layer taken off, behind its preprocessing."""
    network = models.get_model(meta["model"], weights=None)
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise SettingsError(
            f"model {meta['model']} has no linear last layer to take off: choose another"
        )
    owner, _, last = linear[-1].rpartition(".")
    setattr(network.get_submodule(owner), last, nn.Identity())
    return Prepared(network, meta["share"], meta["mean"], meta["std"])


def _weights(options: Options) -> Mapping[str, torch.Tensor]:
    if options.file is None:
        weights = models.get_model_weights(options.model)[options.weights]
        try:
            downloaded: Mapping[str, torch.Tensor] = weights.get_state_dict(progress=False)
        except (OSError, RuntimeError) as error:  # RuntimeError: torchvision's wrong checksum
            raise ServiceDown(
                f"cannot download the weights of {options.model}: {error}; try again, or set"
                " pretrain.options.file to a file that you have"
            ) from error
        return downloaded
    path = Path(options.file)
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load(path.read_bytes())
        loaded: Mapping[str, torch.Tensor] = torch.load(path, "cpu", weights_only=True)
        return loaded
    except Exception as error:  # torch.load raises whatever a damaged file makes it stumble on
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"cannot read {path}: wanted weights of {options.model}, got {reason};"
            " check pretrain.options.file"
        ) from error


def _load(network: nn.Module, weights: Mapping[str, torch.Tensor], options: Options) -> None:
    """Put the weights into the network; those of the layer that was taken off are left."""
    try:
        missing = network.load_state_dict(weights, strict=False).missing_keys
        problem = f"no {missing[0]}" if missing else None
    except (RuntimeError, TypeError) as error:
        problem = " ".join(str(error).split())[:200]
    if problem:
        raise DataError(
            f"the weights in {options.file or options.weights} do not fit {options.model}:"
            f" {problem}; set pretrain.options.model to theirs"
        )
