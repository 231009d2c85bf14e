"""A set in one .npz file: features, or images, or both."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.errors import DataError
from labelcycle.nn.array_files import Arrays, array_of, opened, unfinite_rows
from labelcycle.simulate.sets.chosen_set import Labels, Read, Split, of_array

SPLITS = ("train", "test")
KINDS = {"U": "text", "S": "text", "f": "decimal numbers", "b": "true and false", "c": "complex"}
"""What people call numpy's kinds."""

WANTED = (
    "wanted train and test, features (n, d) or images (n, h, w, 3) or (n, h, w) uint8, with"
    " train_labels and test_labels (n,), whole numbers from 0; images may have train_features and"
    " test_features beside them, and classes may name the classes"
)


def npz(path: Path, share: float) -> Read:
    """A file with `train`, `train_labels`, `test` and `test_labels`: features, or images.

    The side of images is the shorter one.
    """
    del share
    arrays = _arrays(path)
    try:
        for name in SPLITS:
            _check_rows(name, arrays[name])
            _check_labels(f"{name}_labels", arrays[f"{name}_labels"], name, len(arrays[name]))
        return _read(arrays)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _read(arrays: Arrays) -> Read:
    train, test = _alike(arrays, "")
    labels, names = _classes(arrays["train_labels"], arrays["test_labels"], arrays.get("classes"))
    if train.dtype != np.uint8:
        features = _features(train, "train"), _features(test, "test")
        splits = _unseen(train, labels[0]), _unseen(test, labels[1])
        return Read(*splits, features=features, pictured=False, names=names)
    beside = None
    if "train_features" in arrays:
        for name in SPLITS:
            _check_beside(f"{name}_features", arrays[f"{name}_features"], name, len(arrays[name]))
        own = _alike(arrays, "_features")
        beside = _features(own[0], "train_features"), _features(own[1], "test_features")
    side = min(train.shape[1:3])
    splits = of_array(train, labels[0]), of_array(test, labels[1])
    return Read(*splits, side, beside, names=names)


def _arrays(path: Path) -> Arrays:
    try:
        with opened(path) as archive:
            array_names = [f"{split}{kind}" for split in SPLITS for kind in ("", "_labels")]
            array_names += _beside(set(archive))
            missing = [key for key in array_names if key not in archive]
            if missing:
                there = ", ".join(archive) or "nothing"
                raise ValueError(f"no array {', '.join(missing)} in it, but {there}")
            array_names += ["classes"] if "classes" in archive else []
            return {key: array_of(archive, key) for key in array_names}
    except FileNotFoundError as error:
        raise DataError(f"no file {path}: {WANTED}; mend data.path") from error
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}; {WANTED}") from error


def _beside(there: set[str]) -> list[str]:
    """Names of the features of images, of both splits or none."""
    names = [f"{split}_features" for split in SPLITS]
    names_there = [name for name in names if name in there]
    if len(names_there) == 1:
        (lacking,) = set(names) - set(names_there)
        raise ValueError(
            f"wanted features of both splits, got {names_there[0]} alone;"
            f" add {lacking}, or leave both out"
        )
    return names_there


def _classes(
    train: NDArray[Any], test: NDArray[Any], texts: NDArray[Any] | None
) -> tuple[tuple[Labels, Labels], tuple[str, ...]]:
    """The labels of both splits as places among the classes that occur, and the classes' names.

    So classes that are numbered from 1, or with gaps, are as many as there are.
    texts : the name of class 0, of class 1 and so on; None: gaps are named by their numbers
    Raises ValueError if the texts do not reach the last class.
    """
    numbered = train.astype(np.int64), test.astype(np.int64)
    occurring = np.unique(np.concatenate(numbered))
    last = int(occurring[-1])
    names: list[str] = []
    if texts is not None:
        if texts.dtype.kind != "U" or texts.ndim != 1 or len(texts) <= last:
            raise ValueError(
                f"wanted classes, {last + 1} texts or more, of class 0 to class {last}"
                f" (got {texts.shape} {texts.dtype}); name every class, or leave classes out"
            )
        names = texts[occurring].tolist()
    elif last >= len(occurring):
        names = [str(number) for number in occurring]
    places = (np.searchsorted(occurring, labels).astype(np.int64) for labels in numbered)
    return (next(places), next(places)), tuple(names)


def _alike(arrays: Arrays, kind: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both splits of one kind. Raises ValueError if their rows differ in shape or meaning."""
    train, test = (arrays[f"{name}{kind}"] for name in SPLITS)
    if train.shape[1:] != test.shape[1:] or (train.dtype == np.uint8) != (test.dtype == np.uint8):
        raise ValueError(
            f"train{kind} {train.shape} {train.dtype} and test{kind} {test.shape} {test.dtype}"
            " differ in more than their number of rows; make both alike"
        )
    return train, test


def _check_rows(name: str, rows: NDArray[Any]) -> None:
    if rows.dtype == np.uint8 and (rows.ndim == 3 or rows.shape[3:] == (3,)):
        return
    if rows.dtype.kind != "f" or rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(
            f"{name}: wanted features (n, d) of floats, or images (n, h, w, 3) or (n, h, w) of"
            f" uint8, got {rows.shape} {rows.dtype}"
        )


def _check_labels(name: str, labels: NDArray[Any], rows: str, count: int) -> None:
    if labels.ndim != 1 or len(labels) != count:
        got = f"{len(labels)} entries" if labels.ndim == 1 else f"the shape {labels.shape}"
        raise ValueError(f"{name} has {got}, {rows} {count} rows: wanted a label for each row")
    if labels.dtype.kind not in "iu":
        got = KINDS.get(labels.dtype.kind, str(labels.dtype))
        raise ValueError(
            f"{name}: wanted whole numbers from 0, the classes' places, got {got} ({labels.dtype});"
            " numpy.unique(labels, return_inverse=True)[1] numbers the classes, for train and test"
            " together"
        )
    if not count:
        raise ValueError(f"{name}: wanted one label or more, got none")
    if labels.min() < 0:
        row = int(np.argmax(labels < 0))
        raise ValueError(f"{name}: wanted whole numbers from 0, got {labels[row]} in row {row}")


def _check_beside(name: str, rows: NDArray[Any], images: str, count: int) -> None:
    if rows.dtype.kind != "f" or rows.ndim != 2 or len(rows) != count:
        raise ValueError(
            f"wanted {name} ({count}, d) of floats, a row for each image of {images}"
            f" (got {rows.shape} {rows.dtype})"
        )


def _features(rows: NDArray[Any], name: str) -> NDArray[np.floating]:
    """The rows, as float32 where they are wider. Raises ValueError if some are not finite."""
    wrong = unfinite_rows(rows)
    if len(wrong):
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise ValueError(
            f"wanted finite numbers below 3.4e38, which float32 holds, got others in row {wrong[0]}"
            f"{more} of {name} (counted from 0); scale all of {name}, embed these images anew, or"
            " leave the rows out"
        )
    return rows if rows.dtype == np.float16 else rows.astype(np.float32, copy=False)


def _unseen(rows: NDArray[Any], labels: Labels) -> Split:
    """Labels alone; nobody asks for the pixels of features."""

    def pixels(row: int, side: int) -> NDArray[np.uint8]:
        raise ValueError(f"row {row} has no {side} pixels: {rows.shape} are features")

    return Split(labels, pixels, "")
