"""The image sets of benchmarks/encoders.py: a pool, and images that measure.

    fashion        examples/fashion: 1,600 images of 28 by 28 in the pool, 400 measure
    fashion-mnist  28 by 28, grey
    cifar10        32 by 32
    ham10000       skin lesions, 200 by 150, 7 unequal classes: measured by the mean recall

All but the first lie in the folder of benchmarks/label_sets.py. Of the training rows and of the
test rows so many are drawn at random as are asked for, always the same.
"""

import csv
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from label_sets import Folders, loader, open_set
from numpy.typing import NDArray
from PIL import Image

from labelcycle import decoding
from labelcycle.nn.square_crop import square

EXAMPLE = Path(__file__).parents[1] / "examples" / "fashion"
HELD_OUT = 400

READY_MADE = {"cifar10": "cifar10-features", "ham10000": "ham10000"}
"""Sets of which benchmarks/label_sets.py has features of a MobileNetV2 trained on ImageNet."""


@dataclass(frozen=True)
class ImageSet:
    """n images of the pool, then those that measure.

    image : row to the RGB image; labels : of all rows; side : shorter side of the images
    ready_made : (rows, 256) features of a pretrained network, or None
    """

    name: str
    image: Callable[[int], Image.Image]
    labels: NDArray[np.int64]
    pool: int
    side: int
    balanced: bool = False
    ready_made: NDArray[np.floating] | None = None

    def squares(self, size: int) -> NDArray[np.uint8]:
        """(rows, size, size, 3): what an encoder sees."""
        return np.stack([square(self.image(row), size) for row in range(len(self.labels))])


def open_images(name: str, folders: Folders, pool: int, tested: int) -> ImageSet:
    """The set of that name. Ends the program if there is none."""
    if name not in SETS:
        sys.exit(f"unknown images {name!r}: wanted {', '.join(SETS)}")
    return SETS[name](folders, pool, tested)


def _fashion(*_: object) -> ImageSet:
    """The demo's images, all of them."""
    with (EXAMPLE / "truth.csv").open(newline="") as stream:
        truth = {row["file"]: row["label"] for row in csv.DictReader(stream)}
    classes = sorted(set(truth.values()))
    with tarfile.open(EXAMPLE / "images.tar.xz") as archive:
        files = {m.name: archive.extractfile(m) for m in archive if m.isfile()}
        data = {name: stream.read() for name, stream in files.items() if stream is not None}
    images = [decoding.decode(data[name]).image for name in sorted(truth)]
    labels = np.array([classes.index(truth[name]) for name in sorted(truth)])
    order = np.random.default_rng(0).permutation(len(images))
    rows = [*order[HELD_OUT:], *order[:HELD_OUT]]
    return ImageSet(
        "fashion", lambda row: images[rows[row]], labels[rows], len(rows) - HELD_OUT, side=28
    )


def _fashion_mnist(folders: Folders, pool: int, tested: int) -> ImageSet:
    parts = [loader(folders).fashion_mnist(split) for split in ("train", "t10k")]
    rows = [
        _drawn(np.arange(len(part[1])), n) for part, n in zip(parts, (pool, tested), strict=True)
    ]
    pixels = np.concatenate([part[0][chosen] for part, chosen in zip(parts, rows, strict=True)])
    labels = np.concatenate([part[1][chosen] for part, chosen in zip(parts, rows, strict=True)])
    return ImageSet(
        "fashion-mnist",
        lambda row: Image.fromarray(pixels[row]).convert("RGB"),
        labels.astype(np.int64),
        len(rows[0]),
        side=28,
    )


def _cifar10(folders: Folders, pool: int, tested: int) -> ImageSet:
    parts = [loader(folders).cifar10(split) for split in ("train", "test")]
    rows = [_drawn(np.arange(len(part)), n) for part, n in zip(parts, (pool, tested), strict=True)]
    return _packed("cifar10", folders, parts, rows, rows, side=32)


def _ham10000(folders: Folders, pool: int, tested: int) -> ImageSet:
    images, is_test, _ = loader(folders).ham10000()
    both = [np.flatnonzero(~is_test), np.flatnonzero(is_test)]
    places = [_drawn(np.arange(len(part)), n) for part, n in zip(both, (pool, tested), strict=True)]
    rows = [part[chosen] for part, chosen in zip(both, places, strict=True)]
    return _packed("ham10000", folders, [images, images], rows, places, side=150)


def _packed(
    name: str,
    folders: Folders,
    parts: Sequence,
    rows: Sequence[NDArray],
    places: Sequence[NDArray],
    side: int,
) -> ImageSet:
    """A set of encoded images; places : rows in the ready-made features of each part."""
    ready = open_set(READY_MADE[name], folders).data
    features = [ready.train[places[0]], ready.test[places[1]]]
    both = [(part, row) for part, chosen in zip(parts, rows, strict=True) for row in chosen]
    return ImageSet(
        name,
        lambda row: both[row][0][both[row][1]][0],
        np.array([part.labels[row] for part, row in both]),
        len(rows[0]),
        side,
        balanced=name == "ham10000",
        ready_made=np.concatenate(features).astype(np.float32),
    )


def _drawn(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).permutation(rows)[:count]


SETS = {
    "fashion": _fashion,
    "fashion-mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "ham10000": _ham10000,
}
