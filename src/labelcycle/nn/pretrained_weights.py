"""Networks with trained weights: their preprocessing, their files, torchvision's downloads."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn
from torchvision import models  # type: ignore[import-untyped]

from labelcycle.errors import DataError, ServiceDown, SettingsError
from labelcycle.nn.downloaded_weights import OFFLINE, is_whole, offline

Weights = Mapping[str, torch.Tensor]

TORCHS_OWN = (b"PK", b"\x80\x02")
"""What a file begins with that torch.save wrote: a zip, or a pickle as before version 1.6."""


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


def wrong_size(size: int, model: str, wanted: int, error: Exception) -> SettingsError:
    """What to raise where a network refuses images of `size` pixels."""
    return SettingsError(
        f"pretrain.image_size is {size}, which {model} does not take"
        f" ({' '.join(str(error).split())[:200]}); leave it (in an experiment data.size) empty, for"
        f" {wanted}"
    )


def last_layer(network: nn.Module) -> tuple[str, nn.Module]:
    """The name of the last layer that has weights, and the layer.

    >>> last_layer(models.resnet18(weights=None))[0]
    'fc'
    """
    layers = network.named_modules()
    return [(name, layer) for name, layer in layers if list(layer.parameters(recurse=False))][-1]


def last_layer_of(model: str) -> nn.Module:
    """The last layer of a torchvision model, mostly without memory for its weights."""
    try:
        with torch.device("meta"):
            return last_layer(models.get_model(model, weights=None))[1]
    except NotImplementedError:  # RegNet computes its widths with tensors
        return last_layer(models.get_model(model, weights=None))[1]


def from_file(file: str, model: str) -> Weights:
    """The weights in a .pth or .safetensors file, by their layers' names.

    Those of a training's checkpoint may lie under `state_dict` or `model`. Raises DataError if the
    file cannot be read, holds something else, or has weights that are no finite numbers.
    """
    path = Path(file)
    loaded = _loaded(path, model)
    if isinstance(loaded, Mapping):
        loaded = loaded.get("state_dict") or loaded.get("model") or loaded
    if not isinstance(loaded, Mapping):
        raise _no_weights(path, model, f"a {type(loaded).__name__}")
    if not loaded:
        raise _no_weights(path, model, "none")
    for name, value in loaded.items():
        if not isinstance(value, torch.Tensor):
            raise _no_weights(path, model, f"a {type(value).__name__} as {name}")
        if value.is_floating_point() and not value.isfinite().all():
            raise DataError(
                f"{path} holds broken weights: wanted finite numbers of {model}, got"
                f" {int((~value.isfinite()).sum()):,} others in {name}; take those of an earlier"
                " epoch, or name another file"
            )
    return loaded


def _loaded(path: Path, model: str) -> Any:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load(path.read_bytes())
        return torch.load(path, "cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch's own text advises to let the file run code
        with path.open("rb") as file:
            first = file.read(2)
        if first in TORCHS_OWN:
            raise _no_weights(path, model, "a pickled model or other objects") from error
        raise _unreadable(path, model, "another kind of file") from error
    except Exception as error:  # torch.load raises whatever a damaged file makes it stumble on
        raise _unreadable(path, model, str(error)) from error


def _unreadable(path: Path, model: str, text: str) -> DataError:
    return DataError(
        f"cannot read {path}: wanted weights of {model}, got {' '.join(text.split())[:200]};"
        " put a whole .pth or .safetensors file there, or name another"
    )


def _no_weights(path: Path, model: str, got: str) -> DataError:
    return DataError(
        f"{path} holds no weights: wanted tensors of {model} by their layers' names, got {got};"
        " write them with torch.save(network.state_dict(), FILE), or name another file"
    )


def preset(model: str, name: str) -> Any:
    """torchvision's entry for weights by name. Raises SettingsError that lists the names."""
    choices = models.get_model_weights(model)
    if name not in choices.__members__:
        raise SettingsError(
            f"unknown weights {name!r} of {model} in pretrain.options:"
            f" wanted one of {', '.join(choices.__members__)}"
        )
    return choices[name]


def download(model: str, name: str) -> tuple[str, Path]:
    """The address of torchvision's weights, and the file in which torch keeps them.

    >>> url, file = download("resnet18", "IMAGENET1K_V1")
    >>> url.endswith(f"/{file.name}")
    True
    """
    url = str(preset(model, name).url)
    return url, Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name


def from_torchvision(model: str, name: str, file: str | None) -> Weights:
    """The weights in `file`, or where there is none those that torchvision downloads by name.

    Raises DataError for a file that cannot be read, SettingsError if downloads are switched off,
    ServiceDown for a failed one.
    """
    if file is not None:
        return from_file(file, model)
    _check_kept(model, download(model, name)[1])
    try:
        downloaded: Weights = preset(model, name).get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: torchvision's wrong checksum
        raise ServiceDown(
            f"cannot download the weights of {model}: {error}; try again, or set"
            " pretrain.options.file to a file that you have"
        ) from error
    return downloaded


def _check_kept(model: str, kept: Path) -> None:
    """Raise if the file that torch keeps is no whole one, or has to be downloaded and may not."""
    if kept.is_file():
        if not is_whole(kept.name, kept):
            raise DataError(
                f"{kept} is cut or another file: wanted the sha256 that its name begins, got"
                " another; remove it, and it is downloaded anew"
            )
    elif offline():
        raise switched_off(model, f"put {kept.name} into {kept.parent}")


def switched_off(model: str, remedy: str) -> SettingsError:
    """What to raise where weights have to be downloaded and may not."""
    return SettingsError(
        f"{OFFLINE} is set, so the weights of {model} are not downloaded: wanted them on this"
        f" computer; {remedy}, set pretrain.options.file to a file that you have, or unset"
        f" {OFFLINE}"
    )


def load(network: nn.Module, weights: Weights, model: str, source: str) -> None:
    """Put the weights into the network; those of layers that it does not have are left.

    Raises DataError if some of the network's are missing or have another shape.
    """
    wanted = network.state_dict()
    for name, value in wanted.items():
        if name not in weights:
            others = [other for other in weights if other not in wanted]
            got = f", got {others[0]}" if others else ""
            raise misfit(source, model, f"no {name}{got}")
        if weights[name].shape != value.shape:
            raise _other_shape(source, model, name, value.shape, weights[name].shape)
    network.load_state_dict(weights, strict=False)


def _other_shape(
    source: str, model: str, name: str, wanted: torch.Size, got: torch.Size
) -> DataError:
    """What to raise where a layer is wider or narrower, or sees images of other channels."""
    shapes = f"wanted {name} of shape {tuple(wanted)}, got {tuple(got)}"
    if len(wanted) == 4 and wanted[1] == 3 and wanted[:1] + wanted[2:] == got[:1] + got[2:]:
        return DataError(
            f"the weights in {source} are for images of {got[1]} channels: {shapes}; labelcycle"
            f" shows its networks 3; take weights of {model} for colour images"
        )
    return misfit(source, model, shapes)


def misfit(source: str, model: str, problem: str) -> DataError:
    """What to raise where weights are those of another model."""
    return DataError(
        f"the weights in {source} do not fit {model}: {problem}; set pretrain.options.model to"
        " theirs, or the file to this model's"
    )
