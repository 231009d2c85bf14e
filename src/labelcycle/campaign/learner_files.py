"""The files of a trained learner: `model.json` (which one, its JSON state), and its weights."""

from pathlib import Path

import safetensors
import safetensors.numpy

from labelcycle.campaign import layout
from labelcycle.campaign.json_files import read_json
from labelcycle.errors import DataError
from labelcycle.nn import learners
from labelcycle.nn.learners import Learner
from labelcycle.nn.temperature_scaling import rebuilt

WEIGHTS = "model.safetensors"


def load_learner(folder: Path) -> Learner:
    """The learner that stage `train` wrote. Raises DataError if its files are broken."""
    record = read_json(folder / layout.MODEL_JSON)
    path = folder / WEIGHTS
    try:
        arrays = safetensors.numpy.load(path.read_bytes())
        return rebuilt(learners.get(record["learner"]), record["state"], arrays)
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise DataError(
            f"cannot read {path}: wanted the weights of a learner, got {error};"
            " run `labelcycle stage train`"
        ) from error
