"""Any network of timm with trained weights, such as the vision transformers of DINO.

No paper: the network that you name has one. Needs the package timm: `pip install
"labelcycle[timm]"`.
"""

import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from labelcycle import options as base
from labelcycle.core.near_names import LOOSE, near_names
from labelcycle.errors import ServiceDown, SettingsError
from labelcycle.nn import downloaded_weights, pretrained_weights
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.network_encoder import NetworkEncoder, rebuilt
from labelcycle.nn.pretrained_weights import Prepared
from labelcycle.nn.progress import Progress, TrainingState


class Options(base.Options):
    """Options of the encoder `timm_pretrained`."""

    model: str = Field(
        "vit_small_patch16_224.dino", description="timm's name of a model and its weights"
    )
    file: str | None = Field(
        None,
        description="weights file (.pth or .safetensors), relative to the campaign, instead of"
        " a download",
    )


def default_size(side: int, options: Options) -> int:  # noqa: ARG001 - the contract's signature
    """The side to which the model's own preprocessing resizes, whatever the images have."""
    known = _known(options.model)
    return round(int(known.input_size[-1]) / float(known.crop_pct))


def fit(
    images: Images,
    options: Options,
    seed: int,  # noqa: ARG001 - nothing is drawn
    device: torch.device,
    resume: TrainingState | None = None,  # noqa: ARG001 - nothing to resume
) -> Fitting:
    """Load the weights; the images only say the size.

    A transformer's positions are resampled to another size, as timm does it. Raises SettingsError
    for an unknown model or an image size that the model refuses, DataError for a file that is
    missing or of another model, SettingsError too if downloads are switched off, ServiceDown for
    a failed one.
    """
    known, size = _known(options.model), images.shape[1]
    share = float(known.crop_pct)
    meta = {
        "model": options.model,
        "share": share,
        "mean": list(known.mean),
        "std": list(known.std),
        "side": round(size * share) if known.fixed_input_size else None,
    }
    _check_size(options, meta, size)
    network = _from_file(options, meta) if options.file else _downloaded(options.model, meta)
    network.reset_classifier(0)
    yield Progress(1, 1)
    return NetworkEncoder(_prepared(network, meta).to(device), size, meta)


def rebuild(
    meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: torch.device
) -> NetworkEncoder:
    """The encoder that gave this state; needs neither file nor download."""
    return rebuilt(_prepared(_create(meta, num_classes=0), meta), meta, arrays, device)


def _timm() -> ModuleType:
    """The package, which is large and optional."""
    if downloaded_weights.offline():
        os.environ["HF_HUB_OFFLINE"] = "1"  # its library reads that once, when it is imported
    try:
        import timm
    except ImportError as error:
        raise SettingsError(
            "encoder timm_pretrained needs the package timm, which cannot be imported"
            f' ({error}): run pip install "labelcycle[timm]"'
        ) from error
    return timm


def _known(model: str) -> Any:
    """What timm knows of a model: sizes, channel means, name of the last layer."""
    timm = _timm()
    if not timm.is_model(model):
        names = timm.list_models(pretrained=True)
        near = near_names(model, names, likeness=LOOSE)
        raise SettingsError(
            f"unknown model {model!r} in pretrain.options: wanted a model of timm;"
            f" near: {', '.join(near) or 'none'}"
        )
    return timm.get_pretrained_cfg(model)


def _create(meta: Mapping[str, Any], **more: Any) -> Any:
    sized = {} if meta["side"] is None else {"img_size": meta["side"]}
    return _timm().create_model(meta["model"], **sized, **more)


def _check_size(options: Options, meta: Mapping[str, Any], size: int) -> None:
    """Raise SettingsError if the network refuses images of `size` pixels, not its usual ones."""
    usual_size = default_size(size, options)
    if size == usual_size:
        return
    try:
        NetworkEncoder(_prepared(_create(meta, num_classes=0), meta), size, meta)
    except Exception as error:  # each of a thousand networks stumbles in its own way
        raise pretrained_weights.wrong_size(size, options.model, usual_size, error) from error


def _prepared(network: nn.Module, meta: Mapping[str, Any]) -> Prepared:
    return Prepared(network, meta["share"], meta["mean"], meta["std"])


def _downloaded(model: str, meta: Mapping[str, Any]) -> Any:
    if downloaded_weights.offline() and not _known(model).hf_hub_id:
        raise pretrained_weights.switched_off(model, "take a model of Hugging Face's hub")
    try:
        return _create(meta, pretrained=True)
    except (OSError, RuntimeError, ValueError) as error:
        if downloaded_weights.offline():
            remedy = "bring its files into the cache of huggingface_hub"
            raise pretrained_weights.switched_off(model, remedy) from error
        raise ServiceDown(
            f"cannot download the weights of {model}: {' '.join(str(error).split())[:200]};"
            " try again, or set pretrain.options.file to a file that you have"
        ) from error


def _from_file(options: Options, meta: Mapping[str, Any]) -> Any:
    """The network with the weights of a file, its last layer as wide as there.

    timm checks that all weights are there only if the number of classes is the file's.
    """
    source, last = str(options.file), _known(options.model).classifier
    weights = dict(pretrained_weights.from_file(source, options.model))
    first = last[0] if isinstance(last, tuple | list) else last
    classes = len(weights.get(f"{first}.weight", ()))
    own_arguments = {"state_dict": weights, "num_classes": classes, "label_offset": 0}
    try:
        return _create(
            meta, pretrained=True, num_classes=classes, pretrained_cfg_overlay=own_arguments
        )
    except (RuntimeError, KeyError, AttributeError) as error:  # what timm stumbles on
        problem = " ".join(str(error).split())[:200]
        raise pretrained_weights.misfit(source, options.model, problem) from error
