"""What the benchmarks share: the features they measure on, and the line that says where.

The features are one `.npz` file, named by `--data` or the environment variable LABELCYCLE_DATA:

    train, test                  (n, d) float16 or float32
    train_labels, test_labels    (n,) integers, 0 to 9

Any ten classes do. The tables of docs/results.md come from CIFAR-10 (official split, images that
went through JPEG at quality 75), embedded by a MobileNetV2 trained on ImageNet at 128 pixels and
reduced to 256 principal components of the training set. Such a file is made by running a pretrained
network without its last layer over the images and `numpy.savez(file, train=..., ...)`.
"""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from labelcycle.simulate.comparison import Data

VARIABLE = "LABELCYCLE_DATA"
ARRAYS = ("train", "test", "train_labels", "test_labels")

MEASURED = ("benchmarks", "examples", "src/labelcycle", ":(exclude)benchmarks/results")
"""Whose uncommitted changes are told: all but the figures themselves."""


def add_data(parser: argparse.ArgumentParser) -> None:
    """The option `--data FILE`."""
    default = os.environ.get(VARIABLE)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(default) if default else None,
        metavar="FILE",
        help=f".npz with {', '.join(ARRAYS)}; default: {VARIABLE}",
    )


def read(path: Path | None, rows: int | None = None) -> Data:
    """The data, the first `rows` of the training set. Ends the program if there is none."""
    if path is None or not path.is_file():
        problem = "no data named" if path is None else f"no file {path}"
        sys.exit(f"{problem}: wanted an .npz of features, by --data FILE or {VARIABLE}")
    with np.load(path) as found:
        missing = [name for name in ARRAYS if name not in found]
        if missing:
            sys.exit(f"{path} has no array {missing[0]}: wanted {', '.join(ARRAYS)}")
        return Data(
            found["train"][:rows],
            found["train_labels"][:rows].astype(np.int64),
            found["test"],
            found["test_labels"].astype(np.int64),
        )


def commit() -> str:
    """The commit measured, and whether what is measured has changes since."""
    name = _git("rev-parse", "--short", "HEAD") or "unknown"
    return name + (" with changes" if _git("status", "--porcelain", "--", *MEASURED) else "")


def where(**counts: object) -> str:
    """One line: commit, machine, and the counts that a figure depends on."""
    facts = [f"commit {commit()}", f"{os.cpu_count()} cores, {platform.machine()}"]
    facts += [f"{name} {count}" for name, count in counts.items()]
    return "; ".join(facts)


def _git(*words: str) -> str:
    folder = Path(__file__).parents[1]
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip()
