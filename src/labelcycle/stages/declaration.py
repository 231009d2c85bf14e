"""The pure stages, declared once; prints `dvc.yaml` from the declaration.

    python -m labelcycle.stages.declaration > dvc.yaml

A stage is one entry of `STAGES` and one function. `dvc.yaml`, the choices of `labelcycle stage`,
the order within a round and what `run_stage` calls all follow from the entry. No stage reads the
outside world, and labels are inputs, so the graph has no cycle.

Nothing heavy is imported here: every command reads the names of the stages.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from labelcycle.campaign import layout

SEED = "campaign.seed"
CLASSES = "campaign.classes"

PRETRAIN = "pretrain"
TRAIN = "train"

ENCODER = "pretrain.encoder"
CLUSTERER = "cluster.method"
STRATEGY = "query.strategy"
LEARNER = "train.learner"
"""Keys of params.yaml that name the module of a plug-in."""

Phase = Literal["opening", "closing"]
"""The part of a round: before people are asked, or after they answered."""

OPENING: Phase = "opening"
CLOSING: Phase = "closing"


@dataclass(frozen=True)
class Stage:
    """One pure stage: files and settings in, files out.

    The function is called with the campaign and the arguments of `settings`, by name.

    name : of the stage; the function is `run` of the module `labelcycle.stages.NAME`, unless
        `function` says otherwise
    doing : what it does, for whoever waits; no part of `repr`, of which the code's digest is made
    phases : the parts of a round in which it is brought up to date, in the order of `STAGES`
    deps, outs : paths below the campaign's folder
    settings : argument of the function -> key in params.yaml, a section or a value. An argument
        `rng` gets a generator derived from the seed, the number of the round and the name
    plug_ins : keys in params.yaml that name modules whose code the stage runs
    metrics : outs that are small and kept by git instead of DVC's cache
    shows : whether the function takes `show`, which it calls with each step of its progress
    processes : key in params.yaml of how many processes share the work, where several may
    pool : keys of data/pool.json that say which samples the stage reads. They hold the digests of
        manifests, and these the ids of images, so neither is a dependency
    persistent : outs that DVC leaves in place for the stage, which takes from them what stays
    named_files : whether the file that the encoder's options name counts like code of the stage
    function : module and function, as in `labelcycle.stages.train:run`
    """

    name: str
    doing: str = field(repr=False)
    phases: tuple[Phase, ...]
    deps: tuple[str, ...]
    settings: Mapping[str, str]
    plug_ins: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    shows: bool = False
    processes: str = ""
    pool: tuple[str, ...] = ()
    persistent: tuple[str, ...] = ()
    named_files: bool = False
    function: str = ""

    @property
    def module(self) -> str:
        """Name of the module that holds the function."""
        return self.function.partition(":")[0] or f"labelcycle.stages.{self.name}"

    def load(self) -> Callable[..., None]:
        """The function, imported now."""
        name = self.function.partition(":")[2] or "run"
        function: Callable[..., None] = getattr(importlib.import_module(self.module), name)
        return function


STAGES = (
    Stage(
        PRETRAIN,
        "making the encoder",
        phases=(OPENING,),
        deps=(),
        settings={"options": "pretrain", "seed": SEED},
        pool=("encoder",),
        plug_ins=(ENCODER,),
        outs=(layout.ENCODER,),
        shows=True,
        processes="pretrain.processes",
        named_files=True,
    ),
    Stage(
        "embed",
        "computing features of the images",
        phases=(OPENING,),
        deps=(layout.ENCODER,),
        settings={"batch": "embed.batch"},
        plug_ins=(ENCODER,),
        pool=("cohorts",),
        outs=(layout.FEATURES,),
        persistent=(layout.FEATURES,),
        shows=True,
    ),
    Stage(
        TRAIN,
        "training the model on the labels",
        phases=(OPENING, CLOSING),
        # the encoder: for learners that see images, and may start from it
        deps=(
            layout.LABELS,
            layout.SCHEMA,  # what earlier class names count as, wherever labels are read
            layout.ENCODER,
            layout.FEATURES,
        ),
        settings={
            "options": "train",
            "features": "embed.features",
            "seed": SEED,
            "classes": CLASSES,
        },
        plug_ins=(LEARNER,),
        pool=("cohorts",),
        outs=(layout.MODEL, layout.OWN_FEATURES),
    ),
    Stage(
        "cluster",
        "grouping the images by their features",
        phases=(OPENING,),
        deps=(layout.LABELS, layout.SCHEMA, layout.FEATURES, layout.OWN_FEATURES),
        settings={
            "options": "cluster",
            "budget": "query.budget",
            "rng": SEED,
            "classes": CLASSES,
        },
        plug_ins=(CLUSTERER,),
        pool=("cohorts",),
        outs=(layout.CLUSTERS,),
    ),
    Stage(
        "query",
        "picking the images that people are asked about",
        phases=(OPENING,),
        deps=(
            layout.LABELS,
            layout.SCHEMA,
            layout.CLUSTERS,
            layout.FEATURES,
            layout.MODEL,
            layout.OWN_FEATURES,
        ),
        settings={"options": "query", "rng": SEED, "classes": CLASSES},
        plug_ins=(STRATEGY, LEARNER),
        pool=("cohorts",),
        outs=(layout.SELECTION,),
    ),
    Stage(
        "evaluate",
        "measuring the model on the hold-out",
        phases=(CLOSING,),
        deps=(
            layout.HOLDOUT,
            layout.SCHEMA,
            layout.FEATURES,
            layout.MODEL,
        ),
        settings={"options": "evaluate", "seed": SEED, "classes": CLASSES},
        plug_ins=(LEARNER,),
        pool=("cohorts",),
        outs=(layout.FIGURES,),
        metrics=(layout.METRICS,),
    ),
)
"""Each after those whose outs it reads."""


def names(phase: Phase | None = None) -> tuple[str, ...]:
    """The stages of a part of the round, or all, in the order in which they run.

    >>> names("closing")
    ('train', 'evaluate')
    """
    return tuple(stage.name for stage in STAGES if phase is None or phase in stage.phases)


def find(name: str) -> Stage:
    """The stage of that name."""
    return next(stage for stage in STAGES if stage.name == name)


def after(out: str, phase: Phase) -> tuple[str, ...]:
    """The stages of a part of the round that come after the one that writes `out`.

    >>> after(layout.FEATURES, OPENING)
    ('train', 'cluster', 'query')
    """
    writer = next(number for number, stage in enumerate(STAGES) if out in stage.outs)
    return tuple(stage.name for stage in STAGES[writer + 1 :] if phase in stage.phases)


def sections_behind(phase: Phase) -> tuple[str, ...]:
    """Sections of params.yaml that decide what the stages of a part of the round write.

    Those of stages whose outs they read count too.

    >>> sections_behind("closing")
    ('campaign', 'embed', 'evaluate', 'pretrain', 'train')
    """
    read: set[str] = set()
    sections: set[str] = set()
    for stage in reversed(STAGES):  # each after those that read its outs
        if phase in stage.phases or read.intersection(stage.outs):
            read.update(stage.deps)
            keys = (*stage.settings.values(), *stage.plug_ins)
            sections.update(key.partition(".")[0] for key in keys)
    return tuple(sorted(sections))


@cache
def print_dvc_yaml() -> str:
    """The text of `dvc.yaml`."""
    import yaml

    stages: dict[str, Any] = {}
    for stage in STAGES:
        read = [{layout.POOL: list(stage.pool)}] if stage.pool else []
        entry: dict[str, Any] = {
            "cmd": f"labelcycle stage {stage.name}",
            **({"deps": list(stage.deps)} if stage.deps else {}),
            "params": [*sorted(stage.settings.values()), {layout.CODE: [stage.name]}, *read],
            "outs": [
                {path: {"persist": True}} if path in stage.persistent else path
                for path in stage.outs
            ],
        }
        if stage.metrics:
            entry["metrics"] = [{path: {"cache": False}} for path in stage.metrics]
        stages[stage.name] = entry
    head = "# Printed from the declaration by: python -m labelcycle.stages.declaration > dvc.yaml\n"
    return head + yaml.safe_dump({"stages": stages}, sort_keys=False)


if __name__ == "__main__":
    import sys

    sys.stdout.write(print_dvc_yaml())
