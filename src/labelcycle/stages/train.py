"""Stage `train`: the classifier from the accepted labels, and its word on the whole pool."""

from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from pydantic import Field

from labelcycle import options as base
from labelcycle import store
from labelcycle.core.registry import parse_options
from labelcycle.errors import DataError
from labelcycle.nn import learners
from labelcycle.nn.learners import Learner
from labelcycle.nn.learners._calibrated import Calibrated, rebuilt, temperature_of
from labelcycle.stages.pool_files import probabilities_file, read_pool

META = "model.json"
WEIGHTS = "model.safetensors"


class Options(base.Options):
    """Section `train` of params.yaml."""

    learner: str = Field("linear", description="the classifier on the features")
    options: dict[str, Any] = Field(
        default_factory=dict, description="the learner's own options, where not the default"
    )
    calibrate: bool = Field(
        False,
        description="bring probabilities in line with how often they are right, by labels held"
        " out: three more fits; from 10 labels on",
    )


def run(campaign: store.Campaign, options: Options, classes: tuple[str, ...], seed: int) -> None:
    """Write work/model: model.json, model.safetensors and probabilities.npy (n, c) float32.

    Trained on the accepted labels of the pool; rejected ones and the hold-out teach nothing.
    """
    module = learners.get(options.learner)
    settings = parse_options(module.Options, options.options, f"learner {options.learner}")
    _, pool = read_pool(campaign, classes)
    given = pool.features, pool.labels, len(classes), settings, seed
    learner: Learner = module.fit(*given)
    if options.calibrate:
        learner = Calibrated(learner, temperature_of(module, *given))
    meta, arrays = learner.state()
    store.write_bytes(campaign.model / WEIGHTS, safetensors.numpy.save(arrays))
    store.write_array(probabilities_file(campaign), learner.predict_proba(pool.features))
    record = {
        "learner": options.learner,
        "options": settings.model_dump(mode="json"),
        "classes": list(classes),
        "features": int(pool.features.shape[1]),
        "labels": int(np.count_nonzero(pool.labeled)),
        "state": meta,
    }
    store.write_json(campaign.model / META, record)


def load_learner(folder: Path) -> Learner:
    """The learner that `run` wrote to `folder`. Raises DataError if its files are broken."""
    record = store.read_json(folder / META)
    path = folder / WEIGHTS
    try:
        arrays = safetensors.numpy.load(path.read_bytes())
        return rebuilt(learners.get(record["learner"]), record["state"], arrays)
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise DataError(
            f"cannot read {path}: wanted the weights of a learner, got {error};"
            " run `labelcycle stage train`"
        ) from error
