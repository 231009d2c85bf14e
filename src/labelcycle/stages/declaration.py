"""The pure stages, declared once; prints `dvc.yaml` from the declaration.

    python -m labelcycle.stages.declaration > dvc.yaml

No stage reads the outside world, and labels are inputs, so the graph has no cycle.
"""

from dataclasses import dataclass
from typing import Any

import yaml

SEED = "campaign.seed"
CLASSES = "campaign.classes"
SCHEMA = "schema.json"
"""What earlier class names count as: an input of every stage that reads labels."""


@dataclass(frozen=True)
class Stage:
    """One pure stage: files and settings in, files out.

    metrics : outs that are small and kept by git instead of DVC's cache
    """

    name: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


STAGES = (
    Stage(
        "pretrain",
        deps=("data/images", "data/samples.jsonl"),
        params=("pretrain", SEED),
        outs=("work/encoder",),
    ),
    Stage(
        "embed",
        deps=("data/images", "data/samples.jsonl", "work/encoder"),
        params=("embed.batch",),
        outs=("work/features",),
    ),
    Stage(
        "train",
        # images and encoder: for learners that see images, and may start from the encoder
        deps=(
            "data/images",
            "data/labels",
            "data/samples.jsonl",
            SCHEMA,
            "work/encoder",
            "work/features",
        ),
        params=("train", "embed.features", SEED, CLASSES),
        outs=("work/model", "work/own.npy"),
    ),
    Stage(
        "cluster",
        deps=("data/labels", "data/samples.jsonl", SCHEMA, "work/features", "work/own.npy"),
        params=("cluster", "query.budget", SEED, CLASSES),
        outs=("work/clusters.npz",),
    ),
    Stage(
        "query",
        deps=(
            "data/images",
            "data/labels",
            "data/samples.jsonl",
            SCHEMA,
            "work/clusters.npz",
            "work/features",
            "work/model",
            "work/own.npy",
        ),
        params=("query", SEED, CLASSES),
        outs=("work/selection.json",),
    ),
    Stage(
        "evaluate",
        deps=(
            "data/holdout.jsonl",
            "data/images",
            "data/samples.jsonl",
            SCHEMA,
            "work/features",
            "work/model",
        ),
        params=("evaluate", SEED, CLASSES),
        outs=("work/figures",),
        metrics=("work/metrics.json",),
    ),
)

NAMES = tuple(stage.name for stage in STAGES)


def print_dvc_yaml() -> str:
    """The text of `dvc.yaml`."""
    stages: dict[str, Any] = {}
    for stage in STAGES:
        entry: dict[str, Any] = {
            "cmd": f"labelcycle stage {stage.name}",
            "deps": list(stage.deps),
            "params": [*sorted(stage.params), {"code.json": [stage.name]}],
            "outs": list(stage.outs),
        }
        if stage.metrics:
            entry["metrics"] = [{path: {"cache": False}} for path in stage.metrics]
        stages[stage.name] = entry
    head = "# Printed from the declaration by: python -m labelcycle.stages.declaration > dvc.yaml\n"
    return head + yaml.safe_dump({"stages": stages}, sort_keys=False)


if __name__ == "__main__":
    import sys

    sys.stdout.write(print_dvc_yaml())
