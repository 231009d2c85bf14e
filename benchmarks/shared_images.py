"""The shared images of CIFAR-10 or HAM10000 as an .npz that `labelcycle simulate` reads.

    python benchmarks/shared_images.py cifar10 --into FILE.npz
    python benchmarks/shared_images.py cifar10 --features --into FILE.npz
    python benchmarks/shared_images.py ham10000 --size 64 --into FILE.npz

With --features, those of benchmarks/measured.py stand beside the images of CIFAR-10.
Train and test as the shared folder splits them: CIFAR-10 officially, HAM10000 by lesion. Images
went through JPEG at quality 75 there. HAM10000 becomes centred squares. benchmarks/label_sets.py
says where the shared folder is.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from label_sets import Folders, add_folders, loader, open_set
from numpy.typing import NDArray

from labelcycle.nn.square_crop import square

Arrays = dict[str, NDArray]


def cifar10(folders: Folders, size: int) -> Arrays:
    found: Arrays = {}
    for split in ("train", "test"):
        images = loader(folders).cifar10(split)
        found |= {split: squares(images, range(len(images)), size)}
        found |= {f"{split}_labels": images.labels, "classes": np.array(images.classes)}
    return found


def ham10000(folders: Folders, size: int) -> Arrays:
    images, is_test, _ = loader(folders).ham10000()
    found: Arrays = {}
    for split, rows in (("train", np.flatnonzero(~is_test)), ("test", np.flatnonzero(is_test))):
        found |= {split: squares(images, rows, size), f"{split}_labels": images.labels[rows]}
    return found | {"classes": np.array(images.classes)}


def squares(images: object, rows: range | NDArray, size: int) -> NDArray[np.uint8]:
    return np.stack([square(images[int(row)][0], size) for row in rows])


def beside(folders: Folders, arrays: Arrays) -> Arrays:
    """The ready-made features of CIFAR-10, whose rows must be those of the images."""
    data = open_set("cifar10-features", folders).data
    for split in ("train", "test"):
        if not np.array_equal(getattr(data, f"{split}_labels"), arrays[f"{split}_labels"]):
            sys.exit(f"the {split} features have other labels than the images")
    return {"train_features": data.train, "test_features": data.test}


SETS = {"cifar10": (cifar10, 32), "ham10000": (ham10000, 64)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=SETS)
    parser.add_argument("--size", type=int, help="side in pixels; default: 32, HAM10000 64")
    parser.add_argument("--features", action="store_true", help="ready-made ones, of CIFAR-10")
    parser.add_argument("--into", type=Path, required=True, metavar="FILE.npz")
    add_folders(parser)
    arguments = parser.parse_args()
    if arguments.features and arguments.name != "cifar10":
        parser.error("--features goes with cifar10 alone")
    if not (arguments.shared / "load.py").is_file():
        sys.exit(f"no load.py in {arguments.shared}: wanted the sets, by --shared")
    read, side = SETS[arguments.name]
    folders = Folders(arguments.shared, arguments.cache)
    arrays = read(folders, arguments.size or side)
    if arguments.features:
        arrays |= beside(folders, arrays)
    arguments.into.parent.mkdir(parents=True, exist_ok=True)
    np.savez(arguments.into, **arrays)
    print(f"{arguments.into}: " + ", ".join(f"{name} {a.shape}" for name, a in arrays.items()))


if __name__ == "__main__":
    main()
