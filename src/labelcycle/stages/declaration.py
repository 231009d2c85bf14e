"""The pure stages, declared once; prints `dvc.yaml` and `code.json` from the declaration.

    python -m labelcycle.stages.declaration > dvc.yaml

No stage reads the outside world, and labels are inputs, so the graph has no cycle.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from labelcycle.campaign.store import Campaign, dump_json, file_digest, write_bytes
from labelcycle.config import Config
from labelcycle.errors import SettingsError
from labelcycle.nn import encoders, learners

SEED = "campaign.seed"
CLASSES = "campaign.classes"
SCHEMA = "schema.json"
"""What earlier class names count as: an input of every stage that reads labels."""
NUMERIC = {
    "PIL": "pillow",
    "faiss": "faiss-gpu",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "torch",
    "torchvision": "torchvision",
}
"""Import name -> distribution of the libraries whose version can change a stage's numbers."""

NO_FILE = "no such file"


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


# --- the code of a stage is one of its inputs ----------------------------------------------


def code_digests(config: Config) -> dict[str, dict[str, str]]:
    """Per stage: the digest of the modules it is made of, and the versions of its libraries.

    The modules are those that the stage's module imports, followed through labelcycle, and the
    ones that the settings choose by name (encoder, strategy, learner).
    """
    encoder = f"labelcycle.nn.encoders.{config.pretrain.encoder}"
    strategy = f"labelcycle.core.strategies.{config.query.strategy}"
    learner = [f"labelcycle.nn.learners.{config.train.learner}"]
    if learners.sees_images(config.train.learner):  # it may start from the encoder
        learner.append(encoder)
    chosen = {
        "pretrain": [encoder],
        "embed": [encoder],
        "cluster": [f"labelcycle.core.clusterers.{config.cluster.method}"],
        "query": [strategy, *learner],
        "train": learner,
        "evaluate": learner,
    }
    digests = {}
    for name in NAMES:
        roots = [f"labelcycle.stages.{name}", "labelcycle.core.seeding"]
        # running.py hands each stage its arguments, and imports them all
        digests[name] = code_of(
            *roots, *chosen.get(name, []), alone=("labelcycle.cycle.run_stage",)
        )
    return digests


def code_of(*roots: str, alone: tuple[str, ...] = ()) -> dict[str, str]:
    """Digest of the modules that `roots` import, followed through labelcycle, and the versions.

    alone : modules that count without what they import
    """
    own, numeric = _closure(roots)
    code = hashlib.sha256()
    for module in sorted({*own, *alone}):
        code.update(module.encode() + b"\0" + _source(module) + b"\0")
    versions = {NUMERIC[package]: _version(NUMERIC[package]) for package in sorted(numeric)}
    return {"modules": code.hexdigest()[:16], **versions}


def named_files(home: Path, encoder: str, options: Mapping[str, Any]) -> dict[str, str]:
    """The file that an encoder's option `file` names, as it stands there, with its digest.

    Empty where the option names none; `NO_FILE` instead of a digest where there is no such file.

    home : the folder to which the name is relative
    """
    name: str | None = getattr(encoders.options_of(encoder, options), "file", None)
    if not name:
        return {}
    path = home / name
    return {name: file_digest(path) if path.is_file() else NO_FILE}


def refresh_code(campaign: Campaign, config: Config) -> None:
    """Bring the campaign's `code.json` up to date; untouched if nothing changed.

    The content of a file that the encoder's options name counts like code of `pretrain`.
    """
    digests = code_digests(config)
    chosen = config.pretrain
    digests["pretrain"] |= named_files(campaign.root, chosen.encoder, chosen.options)
    text = dump_json(digests).encode()
    if not campaign.code.exists() or campaign.code.read_bytes() != text:
        write_bytes(campaign.code, text)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        # faiss-cpu stands in for faiss-gpu where that has no wheel
        try:
            return importlib.metadata.version(distribution.replace("-gpu", "-cpu"))
        except importlib.metadata.PackageNotFoundError as error:
            raise SettingsError(
                f"the settings need the package {distribution}, which is not installed: run"
                f' pip install "labelcycle[{distribution}]"'
            ) from error


def _closure(roots: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """(modules of labelcycle, numeric packages) that `roots` import, directly or through others."""
    own: set[str] = set()
    numeric: set[str] = set()
    waiting = [root for root in roots if _file(root)]
    while waiting:
        module = waiting.pop()
        if module in own:
            continue
        own.add(module)
        for name in _imports(module):
            top = name.partition(".")[0]
            if top in NUMERIC:
                numeric.add(top)
            elif top == "labelcycle":
                waiting.extend(part for part in _candidates(name) if _file(part))
    return own, numeric


def _candidates(name: str) -> tuple[str, ...]:
    """`from a.b import c` may mean the module a.b.c or a name in a.b; importing runs a and a.b."""
    parts = name.split(".")
    return tuple(".".join(parts[: i + 1]) for i in range(1, len(parts)))


@cache
def _imports(module: str) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@cache
def _file(module: str) -> Path | None:
    """Source file of a module of labelcycle, without importing it."""
    root = Path(__file__).parent.joinpath(*module.split(".")[1:])
    for path in (root.with_suffix(".py"), root / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _source(module: str) -> bytes:
    path = _file(module)
    return path.read_bytes() if path else b""


if __name__ == "__main__":
    import sys

    sys.stdout.write(print_dvc_yaml())
