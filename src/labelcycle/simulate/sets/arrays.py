"""A set in one .npz file: features, or images, or both."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.errors import DataError
from labelcycle.simulate.sets.reading import Labels, Read, Split, of_array

SPLITS = ("train", "test")
BESIDE = ("classes", "train_features", "test_features")
"""Arrays that may be there."""

FLOATS = (np.float16, np.float32)
WANTED = (
    "wanted train and test, features (n, d) float16 or float32 or images (n, h, w, 3) or (n, h, w)"
    " uint8, with train_labels and test_labels (n,), whole numbers from 0; images may have"
    " train_features and test_features beside them, and classes may name the classes"
)


def npz(path: Path, share: float) -> Read:
    """The arrays of a file; the side of its images is their shorter one."""
    del share
    arrays = _arrays(path)
    for name in SPLITS:
        _check(path, name, arrays[name], arrays[f"{name}_labels"])
    train, test = _alike(path, arrays, "")
    labels = arrays["train_labels"], arrays["test_labels"]
    names = _names(path, arrays.get("classes"), 1 + int(max(each.max() for each in labels)))
    if train.dtype != np.uint8:
        splits = _features(train, labels[0]), _features(test, labels[1])
        return Read(*splits, features=(train, test), pictured=False, names=names)
    features = _features_beside(path, arrays)
    side = min(train.shape[1:3])
    splits = of_array(train, labels[0]), of_array(test, labels[1])
    return Read(*splits, side, features, names=names)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            wanted = [f"{split}{kind}" for split in SPLITS for kind in ("", "_labels")]
            more = [key for key in BESIDE if key in archive]
            return {key: archive[key] for key in (*wanted, *more)}
    except FileNotFoundError as error:
        raise DataError(f"no file {path}: {WANTED}; mend data.path") from error
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {path}: {WANTED} (got {error})") from error


def _names(path: Path, given: NDArray[Any] | None, count: int) -> tuple[str, ...]:
    """Of the classes, if there are any. Raises DataError if these are not `count` or more texts."""
    if given is None:
        return ()
    if given.dtype.kind != "U" or given.ndim != 1 or len(given) < count:
        raise DataError(
            f"{path}: wanted classes, {count} texts or more (got {given.shape} {given.dtype}); name"
            " every class, or leave classes out"
        )
    return tuple(given.tolist())


def _alike(path: Path, arrays: dict[str, NDArray[Any]], kind: str) -> tuple[Any, Any]:
    """Both splits of one kind. Raises DataError if their rows differ in shape."""
    train, test = (arrays[f"{name}{kind}"] for name in SPLITS)
    if train.shape[1:] != test.shape[1:]:
        raise DataError(
            f"{path}: train{kind} {train.shape} and test{kind} {test.shape} differ in more than"
            " their number of rows; make both alike"
        )
    return train, test


def _features_beside(path: Path, arrays: dict[str, NDArray[Any]]) -> Any:
    """Of both splits, or None where there are none. Raises DataError if one is not."""
    there = [f"{name}_features" in arrays for name in SPLITS]
    if not any(there):
        return None
    if not all(there):
        has, lacks = SPLITS if there[0] else SPLITS[::-1]
        raise DataError(
            f"{path}: wanted features of both splits, got {has}_features alone; add"
            f" {lacks}_features, or leave both out"
        )
    for name in SPLITS:
        _check_features(path, name, arrays)
    return _alike(path, arrays, "_features")


def _check_features(path: Path, name: str, arrays: dict[str, NDArray[Any]]) -> None:
    rows, count = arrays[f"{name}_features"], len(arrays[name])
    if rows.dtype not in FLOATS or rows.ndim != 2 or len(rows) != count:
        raise DataError(
            f"{path}: wanted {name}_features ({count}, d) float16 or float32, a row for each image"
            f" (got {rows.shape} {rows.dtype})"
        )


def _check(path: Path, name: str, rows: NDArray[Any], labels: NDArray[Any]) -> None:
    images = rows.dtype == np.uint8 and (rows.ndim == 3 or rows.shape[3:] == (3,))
    features = rows.dtype in FLOATS and rows.ndim == 2
    whole = labels.dtype.kind in "iu" and labels.shape == rows.shape[:1] and len(labels) > 0
    if not ((images or features) and whole and labels.min() >= 0):
        raise DataError(
            f"{path}: {WANTED} (got {name} {rows.shape} {rows.dtype}, {name}_labels"
            f" {labels.shape} {labels.dtype})"
        )


def _features(rows: NDArray[Any], labels: NDArray[Any]) -> Split:
    """Labels alone; nobody asks for the pixels of features."""

    def pixels(row: int, side: int) -> NDArray[np.uint8]:
        raise ValueError(f"row {row} has no {side} pixels: {rows.shape} are features")

    numbers: Labels = labels.astype(np.int64)
    return Split(numbers, pixels, "")
