"""The training behind stage `pretrain`, with its checkpoints.

Of several processes every one runs this; the first alone writes and shows.
"""

import io
import pickle
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from labelcycle import __version__
from labelcycle import options as base
from labelcycle.campaign import atomic_files, encoder_files, json_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError
from labelcycle.nn import encoders, training_processes
from labelcycle.nn.device import best_device, threads_set
from labelcycle.nn.progress import Progress, TrainingState
from labelcycle.stages.sample_images import load_images

SAVE_EVERY_S = 20.0


@dataclass(frozen=True)
class PretrainRun:
    """What decides a training beside the images.

    options : the encoder's own; size : side of the squares that it sees; settings : the whole
    section of params.yaml, as plain values, by which checkpoints are told apart
    """

    encoder: str
    options: base.Options
    size: int
    seed: int
    threads: int
    settings: Mapping[str, Any]


def fit(
    campaign: Campaign,
    training: PretrainRun,
    samples: list[Sample],
    show: Callable[[Progress], None],
) -> None:
    """Fit the encoder to the images of `samples` and write its files."""
    images = load_images(campaign, samples, training.size)
    with training_processes.joined(best_device()):
        checkpoint = _checkpoint(campaign, training, samples)
        encoder = trained(
            training.encoder,
            images,
            training.options,
            training.seed,
            training.threads,
            checkpoint,
            show,
        )
        if training_processes.rank() > 0:
            return
    encoder_files.save_encoder(campaign.encoder, training.encoder, encoder)
    shutil.rmtree(checkpoint.parent, ignore_errors=True)


def trained(
    name: str,
    images: encoders.Images,
    options: base.Options,
    seed: int,
    threads: int,
    checkpoint: Path,
    show: Callable[[Progress], None],
) -> encoders.Encoder:
    """The encoder of that name, fitted to (n, s, s, 3) images on the best device.

    checkpoint : file from which it goes on, and into which it saves now and then; of exactly
        this training; whoever has stored the encoder removes it
    """
    resume = _resume(checkpoint)
    fitting = encoders.get_trainable(name).fit(images, options, seed, best_device(), resume)
    with threads_set(threads):
        return _follow(fitting, checkpoint, show)


def _follow(
    fitting: encoders.Fitting, checkpoint: Path, show: Callable[[Progress], None]
) -> encoders.Encoder:
    """The encoder at the end of a training; shows each step, saves a checkpoint now and then."""
    saved = time.monotonic()
    while True:
        try:
            progress = next(fitting)
        except StopIteration as end:
            encoder: encoders.Encoder = end.value
            return encoder
        if training_processes.rank() > 0:
            continue
        if progress.snapshot is not None and time.monotonic() - saved >= SAVE_EVERY_S:
            _save(checkpoint, progress.snapshot())
            saved = time.monotonic()
        show(progress)


def _checkpoint(campaign: Campaign, training: PretrainRun, samples: list[Sample]) -> Path:
    """The checkpoint file of exactly this training."""
    code = json_files.read_json(campaign.code) if campaign.code.exists() else {}
    inputs = {
        "options": training.settings,
        "size": training.size,
        "seed": training.seed,
        "pool": [sample.id for sample in samples],
        "code": [__version__, torch.__version__, code.get("pretrain")],
        "device": best_device().type,
        "processes": training_processes.count(),
    }
    key = json_files.value_digest(inputs)
    return campaign.checkpoints / f"pretrain-{key}" / "state.pt"


def _save(path: Path, state: TrainingState) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    atomic_files.write_bytes(path, buffer.getvalue())


def _resume(path: Path) -> TrainingState | None:
    """The saved state, or None where there is none."""
    if not path.exists():
        return None
    try:
        state: TrainingState = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(
            f"cannot read the checkpoint {path}: {' '.join(str(error).split())[:120]};"
            " delete it to train from the start"
        ) from error
    return state
