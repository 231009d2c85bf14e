"""Closed rounds as trackers are told of them, made of values and two small real models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from made_records import metrics, plan

from labelcycle.adapters.ports import ClosedRound, DataSet, RoundFolders
from labelcycle.campaign import (
    atomic_files,
    encoder_files,
    json_files,
    layout,
    learner_files,
    numpy_files,
)
from labelcycle.campaign.records.metrics_record import ClassFigures
from labelcycle.campaign.records.plan_record import PlanDigests
from labelcycle.core.metrics import Estimate
from labelcycle.nn import learners
from labelcycle.nn.encoders.pixels import Pixels

CLASSES = ("dark", "light")
KEY = "0123456789ab"


def models(folder: Path, classes: tuple[str, ...] = CLASSES, size: int = 8) -> dict[str, Path]:
    """Folders of an encoder of pixels and of a classifier of its features."""
    rng = np.random.default_rng(0)
    light = np.arange(40) % 2
    images = (rng.integers(0, 90, (40, size, size, 3)) + 150 * light[:, None, None, None]).astype(
        "u1"
    )
    mean = images.reshape(40, -1).mean(axis=0, dtype="f4") / 255
    encoder = Pixels(size, mean, np.eye(2, len(mean), dtype="f4"))
    learner_module = learners.get("linear")
    options = learner_module.Options()
    learner = learner_module.fit(encoder.embed(images), light, len(classes), options, 0)
    found = {name: folder / name for name in ("encoder", "model", "record", "figures")}
    for each in found.values():
        each.mkdir(parents=True)
    encoder_files.save_encoder(found["encoder"], "pixels", encoder)
    meta, arrays = learner.state()
    atomic_files.write_bytes(found["model"] / learner_files.WEIGHTS, safetensors.numpy.save(arrays))
    description = {
        "learner": "linear",
        "classes": list(classes),
        "image_size": None,
        "values": {},
        "state": meta,
    }
    json_files.write_json(found["model"] / layout.MODEL_JSON, description)
    numpy_files.write_array(found["model"] / "probabilities.npy", np.zeros((24, 2), "f4"))
    plan().write(found["record"] / "plan.json")
    (found["figures"] / "confusion.png").write_bytes(b"picture")
    return found


def closed(number: int, files: dict[str, Path], **changes: Any) -> ClosedRound:
    """What is told of a round; `changes` to it."""
    share = Estimate(0.6 + number / 10, 0.5, 0.9)
    made = ClosedRound(
        campaign="birds",
        key=KEY,
        tag=f"round/{number:03d}",
        commit=f"{number:040x}",
        params={"query": {"budget": 4, "options": {}}, "campaign": {"classes": list(CLASSES)}},
        data={
            "pool": DataSet("data/samples", "a" * 32, 24),
            "labels": DataSet("data/labels", f"{number:032x}.dir", 4),
            "hold-out": DataSet("data/holdout.jsonl", "c" * 32, 6),
        },
        plan=plan(digests=PlanDigests("o", "p", "q", "s")),
        metrics=metrics(
            round=number,
            strategy="typiclust",
            accuracy=share,
            macro_f1=share,
            labels=4 * (number + 1),
            closed=f"2026-11-0{number + 1}T12:00:00+00:00",
            digests={"metrics": "m"},
            per_class={"dark": ClassFigures(None, 1.0, None, 4)},
        ),
        folders=RoundFolders(**files),
    )
    return replace(made, **changes)
