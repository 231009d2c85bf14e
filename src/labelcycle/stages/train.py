"""Stage `train`: the classifier from the accepted labels, and its word on the whole pool."""

from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import atomic_files, json_files, layout, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.learner_files import WEIGHTS, load_learner
from labelcycle.core.pool import Head
from labelcycle.core.registry import parse_options
from labelcycle.errors import SettingsError
from labelcycle.nn import learners
from labelcycle.nn.encoders import Encoder
from labelcycle.nn.learner_inputs import Seen, fitted, head, own_features, probabilities
from labelcycle.nn.learners import Learner
from labelcycle.nn.temperature_scaling import Calibrated, temperature_of
from labelcycle.stages.learner_samples import campaign_encoder, seen
from labelcycle.stages.pool_files import read_pool
from labelcycle.stages.sample_images import common_ranges, median_side


class Options(base.Options):
    """What learns from the labels."""

    learner: str = Field("linear", description="the classifier")
    options: dict[str, Any] = Field(
        default_factory=dict, description="the learner's own options, where not the default"
    )
    image_size: int | None = Field(
        None,
        ge=8,
        le=1024,
        description="side in pixels of the squares that a learner of images sees; null: the median"
        " of the images' shorter sides, within what the learner takes",
    )
    calibrate: bool = Field(
        False,
        description="bring probabilities in line with how often they are right, by labels held"
        " out: three more fits; from 10 labels on",
    )


def run(
    campaign: Campaign,
    options: Options,
    classes: tuple[str, ...],
    seed: int,
    features: str = "encoder",
) -> None:
    """Write work/model: model.json, model.safetensors and probabilities.npy (n, c) float32.

    Trained on the accepted labels of the pool; rejected ones and the hold-out teach nothing.
    features : "model": work/own.npy gets (n, width) float32, what the network of a learner of
        images makes of the pool; no rows otherwise, and while there is nothing to learn
    """
    name = options.learner
    settings = parse_options(learners.get(name).Options, options.options, f"learner {name}")
    _, pool = read_pool(campaign, classes)
    encoder = campaign_encoder(campaign) if getattr(settings, "start", "") == "encoder" else None
    size = _image_size(campaign, options, settings, encoder)
    samples = seen(campaign, "pool", pool.features, name, size, encoder)
    given = pool.labels, len(classes), settings, seed
    learner: Learner = fitted(name, samples, *given)
    own = own_features(name, learner, samples) if features == "model" else None
    numpy_files.write_array(campaign.own_features, np.empty((0, 0), "f4") if own is None else own)
    if options.calibrate:
        learner = Calibrated(learner, temperature_of(name, samples, *given))
    meta, arrays = learner.state()
    atomic_files.write_bytes(campaign.model / WEIGHTS, safetensors.numpy.save(arrays))
    numpy_files.write_array(campaign.probabilities, probabilities(name, learner, samples))
    record = {
        "learner": name,
        "options": settings.model_dump(mode="json"),
        "classes": list(classes),
        "features": int(pool.features.shape[1]),
        "image_size": size,
        "labels": int(np.count_nonzero(pool.labeled)),
        "state": meta,
        "values": common_ranges(sample_files.read_samples(campaign.samples, "pool")),
    }
    json_files.write_json(campaign.model / layout.MODEL_JSON, record)


def _image_size(
    campaign: Campaign,
    options: Options,
    settings: base.Options,
    encoder: tuple[str, Encoder] | None,
) -> int | None:
    """Side of the squares that the learner sees; None for a learner of features."""
    if not learners.sees_images(options.learner):
        if options.image_size:
            raise SettingsError(
                f"train.image_size is {options.image_size}, and learner {options.learner} sees"
                " features, no images: write train.image_size: null"
            )
        return None
    if options.image_size:
        return options.image_size
    if encoder:  # its network was trained at this size
        return encoder[1].image_size
    module = learners.get_for_images(options.learner)
    side = median_side(sample_files.read_samples(campaign.samples, "pool"))
    return module.default_size(side, settings)


def model_seen(campaign: Campaign, split: str, features: NDArray[np.floating]) -> Seen:
    """The samples of a split as the model in work/model sees them."""
    record = json_files.read_json(campaign.model / layout.MODEL_JSON)
    return seen(campaign, split, features, record["learner"], record["image_size"])


def model_probabilities(campaign: Campaign, samples: Seen) -> NDArray[np.float32]:
    """(n, c): the probabilities that the model in work/model gives."""
    name = json_files.read_json(campaign.model / layout.MODEL_JSON)["learner"]
    return probabilities(name, load_learner(campaign.model), samples)


def last_layer(campaign: Campaign, samples: Seen) -> Head:
    """Of the model in work/model, and what it sees of the samples."""
    name = json_files.read_json(campaign.model / layout.MODEL_JSON)["learner"]
    return head(name, load_learner(campaign.model), samples)
