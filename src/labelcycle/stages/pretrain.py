"""Stage `pretrain`: an encoder fitted to the images of the pool, without labels."""

import io
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, model_validator

from labelcycle import __version__, encoder_files, store
from labelcycle import options as base
from labelcycle.errors import DataError
from labelcycle.nn import encoders
from labelcycle.nn.device import best_device
from labelcycle.nn.progress import Progress, State
from labelcycle.stages.images import load_images, median_side

SAVE_EVERY_S = 20.0


class Options(base.Options):
    """Section `pretrain` of params.yaml."""

    encoder: str = Field("pixels", description="what turns images into features")
    image_size: int | None = Field(
        None,
        ge=8,
        le=1024,
        description="side in pixels of the centred square that the encoder sees; null: the"
        " median of the images' shorter sides, within what the encoder takes",
    )
    threads: int = Field(
        2,
        ge=1,
        le=256,
        description="CPU threads of the training; another number rounds sums differently",
    )
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="the encoder's own options; empty: its defaults"
    )

    @model_validator(mode="after")
    def _check_encoder(self) -> "Options":
        encoders.options_of(self.encoder, self.options)
        return self


def run(
    campaign: store.Campaign, options: Options, seed: int, show: Callable[[Progress], None]
) -> None:
    """Write work/encoder/; the hold-out is never seen.

    A run that was killed goes on from its last checkpoint when it is started again with the same
    pool, options and code, and ends with the same encoder. Raises DataError if the pool is empty.
    """
    samples = store.read_samples(campaign.samples, "pool")
    if not samples:
        raise DataError("the pool is empty: wanted one image or more; run `labelcycle ingest`")
    module = encoders.get(options.encoder)
    own = encoders.options_of(options.encoder, options.options)
    size = options.image_size or module.default_size(median_side(samples), own)
    images = load_images(campaign, samples, size)
    checkpoint = _checkpoint(campaign, options, size, samples, seed)
    torch.set_num_threads(options.threads)
    fitting = module.fit(images, own, seed, best_device(), _resume(checkpoint))
    encoder = _follow(fitting, checkpoint, show)
    encoder_files.save_encoder(campaign.encoder, options.encoder, encoder)
    shutil.rmtree(checkpoint.parent, ignore_errors=True)


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
        if progress.snapshot is not None and time.monotonic() - saved >= SAVE_EVERY_S:
            _save(checkpoint, progress.snapshot())
            saved = time.monotonic()
        show(progress)


def _checkpoint(
    campaign: store.Campaign, options: Options, size: int, samples: list[store.Sample], seed: int
) -> Path:
    """The checkpoint file of exactly this training."""
    code = store.read_json(campaign.code) if campaign.code.exists() else {}
    inputs = {
        "options": options.model_dump(mode="json"),
        "size": size,
        "seed": seed,
        "pool": [sample.id for sample in samples],
        "code": [__version__, torch.__version__, code.get("pretrain")],
        "device": str(best_device()),
    }
    key = store.digest(store.dump_json(inputs).encode())
    return campaign.checkpoints / f"pretrain-{key}" / "state.pt"


def _save(path: Path, state: State) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    store.write_bytes(path, buffer.getvalue())


def _resume(path: Path) -> State | None:
    """The saved state, or None where there is none."""
    if not path.exists():
        return None
    state: State = torch.load(path, map_location="cpu", weights_only=True)
    return state
