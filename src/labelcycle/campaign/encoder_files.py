"""The files of a fitted encoder: `encoder.json` (which one, its JSON state), and its weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors
import safetensors.numpy

from labelcycle.campaign import atomic_files, json_files, layout
from labelcycle.errors import DataError
from labelcycle.nn import encoders

if TYPE_CHECKING:
    import torch

WEIGHTS = "weights.safetensors"


def save_encoder(folder: Path, name: str, encoder: encoders.Encoder | encoders.ReadyMade) -> None:
    """Write both files; `encoder.json` last, so that it stands for a whole pair."""
    meta, arrays = encoder.state()
    weights = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    (folder / layout.ENCODER_JSON).unlink(missing_ok=True)
    atomic_files.write_bytes(folder / WEIGHTS, safetensors.numpy.save(weights))
    description = {"encoder": name, "image_size": encoder.image_size, "width": encoder.width}
    json_files.write_json(folder / layout.ENCODER_JSON, {**description, "meta": meta})


def load_encoder(
    folder: Path, device: "torch.device | None" = None
) -> encoders.Encoder | encoders.ReadyMade:
    """The encoder of a folder, on `device` (default: the best there is); without torch if it can.

    Raises DataError if a file is missing or damaged, or another version of labelcycle wrote it.
    """
    description: dict[str, Any] = json_files.read_json(folder / layout.ENCODER_JSON)
    try:
        arrays = safetensors.numpy.load_file(folder / WEIGHTS)
    except (OSError, safetensors.SafetensorError) as error:
        raise DataError(
            f"cannot read {folder / WEIGHTS}: wanted an encoder's weights, got {error};"
            " run `labelcycle stage pretrain`"
        ) from error
    name = description["encoder"]
    if device is None and encoders.needs_torch(name):
        from labelcycle.nn.device import best_device  # torch

        device = best_device()
    try:
        return encoders.get(name).rebuild(description["meta"], arrays, device)
    except KeyError as error:
        raise DataError(
            f"{folder}: wanted {error} of an encoder {name}, got none; another version of"
            " labelcycle wrote it: use that one, or run `labelcycle stage pretrain`"
        ) from error


def load_image_encoder(folder: Path, device: "torch.device | None" = None) -> encoders.Encoder:
    """As `load_encoder`, for whoever has images to embed.

    Raises DataError too if the features are ready-made, and nothing is there to embed an image.
    """
    encoder = load_encoder(folder, device)
    if isinstance(encoder, encoders.ReadyMade):
        raise DataError(
            f"{folder / layout.ENCODER_JSON}: wanted an encoder that looks at images, got"
            " ready-made features; choose another pretrain.encoder"
        )
    return encoder
