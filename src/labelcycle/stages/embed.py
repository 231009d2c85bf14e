"""Stage `embed`: the features of every image, pool and hold-out, from the fitted encoder."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import store
from labelcycle.errors import DataError
from labelcycle.nn.encoders import Encoder, ReadyMade
from labelcycle.nn.progress import Progress
from labelcycle.stages import ready_made
from labelcycle.stages.sample_images import load_images


class Options(base.Options):
    """How images become features, and which features the rest reads."""

    batch: int = Field(256, ge=1, le=65536, description="images embedded at a time")
    features: Literal["encoder", "model"] = Field(
        "encoder",
        description="whose features clusters and strategy read; model: of the current model's own"
        " network, anew each round, for learners of images; the encoder's until there is one",
    )


def run(campaign: store.Campaign, options: Options, show: Callable[[Progress], None]) -> None:
    """Write work/features/pool.npy and holdout.npy: (n, d) float32, rows in order of sample id.

    Features of the backbone, not of the projection head, and not of unit length: a strategy that
    compares directions normalises them itself.
    """
    from labelcycle.campaign.encoder_files import (
        load_encoder,  # torch, which every command would load
    )

    encoder = load_encoder(campaign.encoder)
    splits = {name: store.read_samples(campaign.samples, name) for name in ("pool", "holdout")}
    if isinstance(encoder, ReadyMade):
        ready_made.write(campaign, encoder, splits)
        return
    total = sum(len(samples) for samples in splits.values())
    done = 0
    for name, samples in splits.items():
        features = np.empty((len(samples), encoder.width), dtype=np.float32)
        for start in range(0, len(samples), options.batch):
            part = samples[start : start + options.batch]
            images = load_images(campaign, part, encoder.image_size)
            features[start : start + len(part)] = checked_features(encoder, images)
            done += len(part)
            show(Progress(done, total))
        store.write_array(campaign.features / f"{name}.npy", features)


def checked_features(encoder: Encoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The features of the images. Raises DataError if one is not finite."""
    features = encoder.embed(images)
    if not np.isfinite(features).all():
        raise DataError(
            "the encoder gives features that are not finite: its training diverged;"
            " lower the learning rate among the encoder's options, then give the command again"
        )
    return features
