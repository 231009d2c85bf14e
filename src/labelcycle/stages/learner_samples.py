"""The samples of a campaign as its learner sees them: features, and images for some learners."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign import json_files, layout, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import load_image_encoder
from labelcycle.nn.encoders import Encoder, Images, is_ready_made
from labelcycle.nn.learner_inputs import Pictures, Seen
from labelcycle.nn.learners import sees_images
from labelcycle.stages.sample_images import load_images


def seen(
    campaign: Campaign,
    split: str,
    features: NDArray[np.floating],
    learner: str,
    image_size: int | None,
    encoder: tuple[str, Encoder] | None = None,
) -> Seen:
    """The samples of "pool" or "holdout"; images are read only when a learner asks for some.

    features : (n, d), one row a sample of the split; image_size : for learners of images
    """
    if not sees_images(learner):
        return Seen(features)
    assert image_size is not None, "a learner of images was trained on some size"
    samples = sample_files.read_samples(campaign.samples, split)

    def read(rows: NDArray[np.int64]) -> Images:
        return load_images(campaign, [samples[row] for row in rows], image_size)

    return Seen(features, Pictures(len(samples), read, encoder))


def campaign_encoder(campaign: Campaign) -> tuple[str, Encoder] | None:
    """Name and fitted encoder of the campaign; None if it takes no images."""
    name = json_files.read_json(campaign.encoder / layout.ENCODER_JSON)["encoder"]
    return None if is_ready_made(name) else (name, load_image_encoder(campaign.encoder))
