"""Stage `embed`: the features of every image, pool and hold-out, from the fitted encoder."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import numpy_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import load_encoder
from labelcycle.campaign.sample_files import Sample, read_samples
from labelcycle.errors import DataError
from labelcycle.nn.encoders import Encoder, ReadyMade
from labelcycle.nn.progress import Progress
from labelcycle.stages import ready_made_features
from labelcycle.stages.sample_images import load_images


class Options(base.Options):
    """How images become features, and which features the rest reads."""

    batch: int = Field(256, ge=1, le=65536, description="images embedded at a time")
    features: Literal["encoder", "model"] = Field(
        "encoder",
        description="whose features clusters and strategy read; model: of the current model's own"
        " network, anew each round, for learners of images; the encoder's until there is one",
    )


def run(campaign: Campaign, batch: int, show: Callable[[Progress], None]) -> None:
    """Write work/features/pool.npy and holdout.npy: (n, d) float32, rows in order of sample id.

    batch : images embedded at a time

    Features of the backbone, not of the projection head, and not of unit length: a strategy that
    compares directions normalises them itself.
    """
    encoder = load_encoder(campaign.encoder)
    splits = {name: read_samples(campaign.samples, name) for name in ("pool", "holdout")}
    if isinstance(encoder, ReadyMade):
        ready_made_features.write(campaign, encoder, splits)
        return
    total = sum(len(samples) for samples in splits.values())

    def read(samples: Sequence[Sample], part: slice) -> NDArray[np.uint8]:
        return load_images(campaign, samples[part], encoder.image_size)

    def show_done(before: int, done: int) -> None:
        show(Progress(before + done, total))

    before = 0
    for name, samples in splits.items():
        features = features_of(
            encoder, len(samples), partial(read, samples), batch, partial(show_done, before)
        )
        before += len(samples)
        numpy_files.write_array(campaign.split_features(name), features)


def features_of(
    encoder: Encoder,
    count: int,
    read: Callable[[slice], NDArray[np.uint8]],
    batch: int,
    show: Callable[[int], None],
) -> NDArray[np.float32]:
    """(count, width) float32: the features of `count` images, `batch` of them read at a time.

    read : the images at these positions, (k, s, s, 3) uint8
    show : is called with the number of images done, after each batch

    Raises DataError if a feature is not finite.
    """
    features = np.empty((count, encoder.width), dtype=np.float32)
    for start in range(0, count, batch):
        part = slice(start, min(start + batch, count))
        features[part] = encoder.embed(read(part))
        if not np.isfinite(features[part]).all():
            raise DataError(
                "the encoder gives features that are not finite: its training diverged;"
                " lower the learning rate among the encoder's options, then give the command again"
            )
        show(part.stop)
    return features
