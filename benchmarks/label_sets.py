"""The image sets of benchmarks/label_cost.py, as features.

    cifar10-features   CIFAR-10, the features of benchmarks/measured.py
    cifar10-lt         the same, classes from 5,000 down to 100 training rows (Cao et al. 2019)
    ham10000           skin lesions, 7 classes: MobileNetV2 at 160 by 128, 256 components
    fashion-mnist      pixels divided by 255, 128 components

Components are of the training rows, without labels. The sets lie in the folder that `--shared` or
the environment variable LABELCYCLE_SHARED names, whose `load.py` reads them; what takes minutes to
compute is kept in `--cache`, by default build/benchmarks, which git ignores. Anything else is an
.npz file as benchmarks/measured.py describes it.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
from measured import ARRAYS, read
from numpy.typing import NDArray

from labelcycle.simulate.comparison import Data, LabelSet

VARIABLE = "LABELCYCLE_SHARED"
REPOSITORY = Path(__file__).parents[1]
TESTED = 10_000
"""Most test rows."""

LONG_TAIL = 50
"""Training rows of the largest class over those of the smallest, CIFAR-10-LT."""

SIDES = (160, 128)
"""Pixels that MobileNetV2 sees of a lesion."""

Features = NDArray[np.floating]


@dataclass(frozen=True)
class Folders:
    """Where the sets lie, and what was computed of them."""

    shared: Path
    cache: Path


def add_folders(parser: argparse.ArgumentParser) -> None:
    """The options `--shared` and `--cache`."""
    shared = Path(os.environ.get(VARIABLE) or REPOSITORY.parent / "shared" / "data")
    cache = REPOSITORY / "build" / "benchmarks"
    parser.add_argument("--shared", type=Path, default=shared, help=f"sets; default: {VARIABLE}")
    parser.add_argument("--cache", type=Path, default=cache, help="features computed once")


def open_set(name: str, folders: Folders) -> LabelSet:
    """The set of that name, or the file. Ends the program if there is none."""
    if name in SETS:
        if not (folders.shared / "load.py").is_file():
            sys.exit(f"no load.py in {folders.shared}: wanted the sets, by --shared or {VARIABLE}")
        data = SETS[name](folders)
    elif name.endswith(".npz"):
        data = read(Path(name))
    else:
        sys.exit(f"unknown data {name!r}: wanted {', '.join(SETS)} or a file .npz")
    return LabelSet(Path(name).name, _ready(data), balanced=name == "ham10000")


def _ready(data: Data) -> Data:
    def features(array: Features) -> Features:
        return np.ascontiguousarray(array if array.dtype == np.float16 else array.astype("f4"))

    return Data(
        features(data.train),
        data.train_labels.astype(np.int64),
        features(data.test[:TESTED]),
        data.test_labels[:TESTED].astype(np.int64),
    )


def _cifar10(folders: Folders) -> Data:
    return read(folders.shared / "features" / "cifar10_mobilenetv2_128px_pca256_fp16.npz")


def _cifar10_lt(folders: Folders) -> Data:
    data, rows = _cifar10(folders), loader(folders).cifar10_lt(factor=LONG_TAIL)
    return replace(data, train=data.train[rows], train_labels=data.train_labels[rows])


def _ham10000(folders: Folders) -> Data:
    def compute() -> Data:
        images, is_test, _ = loader(folders).ham10000()
        encoder = module(folders.shared / "encoder" / "mobilenetv2_torch.py").load(
            folders.shared / "encoder" / "mobilenetv2_fp16.safetensors"
        )
        features = _embedded(images, encoder)
        parts = features[~is_test], images.labels[~is_test], features[is_test]
        return _reduced(*parts, images.labels[is_test], 256)

    file = f"ham10000-mobilenetv2-{SIDES[0]}x{SIDES[1]}-pca256.npz"
    return _once(folders.cache / file, compute)


def _fashion_mnist(folders: Folders) -> Data:
    def compute() -> Data:
        parts = []
        for split in ("train", "t10k"):
            images, labels = loader(folders).fashion_mnist(split)
            parts += [images.reshape(len(images), -1) / np.float32(255), labels]
        return _reduced(*parts, 128)

    return _once(folders.cache / "fashion-mnist-pixels-pca128.npz", compute)


SETS: dict[str, Callable[[Folders], Data]] = {
    "cifar10-features": _cifar10,
    "cifar10-lt": _cifar10_lt,
    "ham10000": _ham10000,
    "fashion-mnist": _fashion_mnist,
}


def _embedded(images: object, encoder: Callable) -> Features:
    """(n, 1280) float32: what the network says of RGB images that are resized to `SIDES`."""
    import torch

    found = []
    for start in range(0, len(images), 64):
        rows = range(start, min(start + 64, len(images)))
        pixels = np.stack([np.asarray(images[row][0].resize(SIDES)) for row in rows])
        batch = torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
        with torch.inference_mode():
            found.append(encoder(batch).numpy())
        print(f"\rembedded {rows.stop} of {len(images)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return np.concatenate(found)


def _reduced(
    train: Features, train_labels: NDArray, test: Features, test_labels: NDArray, count: int
) -> Data:
    """The first principal components of the training rows, float32."""
    from labelcycle.nn.pca import principal_components

    mean = train.mean(axis=0, dtype=np.float64)
    axes = principal_components(train - mean, count)
    low = [((rows - mean) @ axes.T).astype(np.float32) for rows in (train, test)]
    return Data(low[0], train_labels, low[1], test_labels)


def _once(path: Path, compute: Callable[[], Data]) -> Data:
    """What the file holds; it is computed and written if it is not there."""
    if not path.is_file():
        data = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, **{name: getattr(data, name) for name in ARRAYS})
        part.replace(path)
    return read(path)


def loader(folders: Folders) -> ModuleType:
    """The `load.py` of the shared sets."""
    return module(folders.shared / "load.py")


def module(path: Path) -> ModuleType:
    """The module in a file outside any package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} is no Python file")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
