"""The shared images of CIFAR-10 or HAM10000 as an .npz that `labelcycle simulate` reads.

    python benchmarks/shared_images.py cifar10 --into FILE.npz
    python benchmarks/shared_images.py ham10000 --size 64 --into FILE.npz

Train and test as the shared folder splits them: CIFAR-10 officially, HAM10000 by lesion. Images
went through JPEG at quality 75 there. HAM10000 becomes centred squares. benchmarks/label_sets.py
says where the shared folder is.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from label_sets import Folders, add_folders, loader
from numpy.typing import NDArray

from labelcycle.nn.images import square

Arrays = dict[str, NDArray]


def cifar10(folders: Folders, size: int) -> Arrays:
    found: Arrays = {}
    for split in ("train", "test"):
        images = loader(folders).cifar10(split)
        found |= {split: squares(images, range(len(images)), size)}
        found |= {f"{split}_labels": images.labels}
    return found


def ham10000(folders: Folders, size: int) -> Arrays:
    images, is_test, _ = loader(folders).ham10000()
    found: Arrays = {}
    for split, rows in (("train", np.flatnonzero(~is_test)), ("test", np.flatnonzero(is_test))):
        found |= {split: squares(images, rows, size), f"{split}_labels": images.labels[rows]}
    return found


def squares(images: object, rows: range | NDArray, size: int) -> NDArray[np.uint8]:
    return np.stack([square(images[int(row)][0], size) for row in rows])


SETS = {"cifar10": (cifar10, 32), "ham10000": (ham10000, 64)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=SETS)
    parser.add_argument("--size", type=int, help="side in pixels; default: 32, HAM10000 64")
    parser.add_argument("--into", type=Path, required=True, metavar="FILE.npz")
    add_folders(parser)
    given = parser.parse_args()
    if not (given.shared / "load.py").is_file():
        sys.exit(f"no load.py in {given.shared}: wanted the sets, by --shared")
    read, side = SETS[given.name]
    arrays = read(Folders(given.shared, given.cache), given.size or side)
    given.into.parent.mkdir(parents=True, exist_ok=True)
    np.savez(given.into, **arrays)
    print(f"{given.into}: " + ", ".join(f"{name} {a.shape}" for name, a in arrays.items()))


if __name__ == "__main__":
    main()
