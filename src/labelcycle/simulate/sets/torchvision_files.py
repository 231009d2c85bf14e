"""CIFAR-10, CIFAR-100 and Fashion-MNIST, as torchvision keeps them."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelcycle.errors import DataError
from labelcycle.simulate.sets.chosen_set import Read, Split, check_folder, of_array

FOLDERS = {"CIFAR10": "cifar-10-batches-py", "CIFAR100": "cifar-100-python"}

FASHION = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
"""Xiao, Rasul and Vollgraf 2017 (arXiv 1708.07747), table 2, in the order of the labels."""


def cifar10(path: Path, share: float) -> Read:
    """torchvision's root, with `cifar-10-batches-py`. The official split, 32 pixels."""
    del share
    return _cifar("CIFAR10", path)


def cifar100(path: Path, share: float) -> Read:
    """torchvision's root, with `cifar-100-python`. The official split, 32 pixels."""
    del share
    return _cifar("CIFAR100", path)


def _cifar(name: str, path: Path) -> Read:
    check_folder(path)
    from torchvision import datasets  # type: ignore[import-untyped] # seconds to import

    try:
        parts = [getattr(datasets, name)(path, train=train) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"no {name} in {path}: wanted the folder {FOLDERS[name]} with the files of the Python"
            " version, unchanged, as its authors publish them; nothing is downloaded: put it there"
            " or mend data.path"
        ) from error
    splits = [of_array(part.data, np.array(part.targets)) for part in parts]
    return Read(splits[0], splits[1], side=32, names=tuple(parts[0].classes))


def fashion_mnist(path: Path, share: float) -> Read:
    """The folder with the idx files, packed with gzip or not. The official split, 28 pixels.

    torchvision compares the packed files with its own copies, which another packer's are not. So
    they are read here.
    """
    del share
    check_folder(path)
    splits = [_idx_split(path, split) for split in ("train", "t10k")]
    return Read(splits[0], splits[1], side=28, names=FASHION)


def _idx_split(path: Path, split: str) -> Split:
    images = _idx(_found(path, f"{split}-images-idx3-ubyte"))
    return of_array(images, _idx(_found(path, f"{split}-labels-idx1-ubyte")))


def _found(path: Path, name: str) -> Path:
    for folder in (path, path / "FashionMNIST" / "raw"):
        for file in (folder / name, folder / f"{name}.gz"):
            if file.is_file():
                return file
    raise DataError(
        f"no Fashion-MNIST in {path}: wanted {name} or {name}.gz there or in FashionMNIST/raw;"
        " nothing is downloaded: put it there or mend data.path"
    )


def _idx(path: Path) -> NDArray[np.uint8]:
    """The array of an idx file of bytes: 0, 0, 8, dimensions, their lengths, the values."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if data[:3] != b"\0\0\x08":
            raise ValueError(f"it begins with {data[:4].hex()}")
        lengths = np.frombuffer(data, ">u4", count=data[3], offset=4)
        values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
        return values.reshape(lengths)
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise DataError(f"{path}: wanted an idx file of bytes, got {error}") from error
