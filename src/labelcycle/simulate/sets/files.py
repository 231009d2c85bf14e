"""Sets whose images are files: folders of classes, and the skin lesions with their tables."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from labelcycle.errors import DataError
from labelcycle.imaging import FORMATS
from labelcycle.simulate.sets.reading import Read, Rows, Split, check_folder, drawn, of_files

ENDINGS = frozenset({*FORMATS.values(), ".jpeg", ".tiff", ".pgm"})


def folder(path: Path, share: float) -> Read:
    """train/CLASS/* and test/CLASS/*, or CLASS/*, of which a share is drawn for the test set."""
    check_folder(path)
    if (path / "train").is_dir() and (path / "test").is_dir():
        names = _classes(path / "train")
        splits = _labelled(path / "train", names), _labelled(path / "test", names)
        return Read(*splits, names=tuple(names))
    names = _classes(path)
    return Read(*drawn(_labelled(path, names), share), names=tuple(names))


def _classes(path: Path) -> list[str]:
    names = sorted(each.name for each in path.iterdir() if each.is_dir() and each.name[0] != ".")
    if len(names) < 2:
        raise DataError(
            f"{path}: wanted a folder of images for each of at least two classes, or train and test"
            f" with such folders (got {names}); mend data.path"
        )
    return names


def _labelled(path: Path, names: Sequence[str]) -> Split:
    """All images; raises DataError for a class that is not among `names`, or no image at all."""
    others = sorted(set(_classes(path)) - set(names))
    if others:
        raise DataError(f"{path / others[0]}: no such class in train; wanted {', '.join(names)}")
    files = [
        (each, label)
        for label, name in enumerate(names)
        for each in sorted((path / name).glob("*"))
        if each.suffix.lower() in ENDINGS
    ]
    if not files:
        raise DataError(f"{path}: wanted images {', '.join(sorted(ENDINGS))}, got none")
    return of_files([each for each, _ in files], np.array([label for _, label in files]))


def isic2019(path: Path, share: float) -> Read:
    """The training images of the challenge, of which a share is drawn, by lesion, to measure."""
    check_folder(path)
    table = path / "ISIC_2019_Training_GroundTruth.csv"
    rows = _table(table, "image")
    names = [name for name in rows[0] if name not in ("image", "UNK")]
    labels = [int(np.argmax([float(row[name]) for name in names])) for row in rows]
    images = [row["image"] for row in rows]
    extra = path / "ISIC_2019_Training_Metadata.csv"
    lesions = {row["image"]: row["lesion_id"] for row in _table(extra, "lesion_id")}
    each = [lesions.get(image, "") for image in images]
    return replace(_by_lesion(path, images, labels, each, share), names=tuple(names))


def ham10000(path: Path, share: float) -> Read:
    """All images, of which a share is drawn, by lesion, to measure."""
    check_folder(path)
    rows = _table(path / "HAM10000_metadata.csv", "dx", "HAM10000_metadata")
    names = sorted({row["dx"] for row in rows})
    labels = [names.index(row["dx"]) for row in rows]
    images, lesions = ([row[key] for row in rows] for key in ("image_id", "lesion_id"))
    return replace(_by_lesion(path, images, labels, lesions, share), names=tuple(names))


def _table(path: Path, key: str, other: str = "") -> list[dict[str, str]]:
    """The lines of a CSV; other : a second name by which it is handed out."""
    found = next((each for each in (path, path.parent / other) if each.is_file()), None)
    if found is None:
        raise DataError(
            f"no file {path}: wanted the table as it is published, with the images in a folder"
            " beside it; nothing is downloaded: put it there or mend data.path"
        )
    with found.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or key not in rows[0]:
        raise DataError(f"{found}: wanted a table with the column {key}; get it anew")
    return rows


def _by_lesion(
    path: Path, images: list[str], labels: list[int], lesions: list[str], share: float
) -> Read:
    """Images of one lesion stay on one side; those without (ISIC has some) stand alone."""
    where = {each.stem: each for each in sorted(path.rglob("*.jpg"))}
    missing = [name for name in images if name not in where]
    if missing:
        raise DataError(
            f"{path}: wanted the images of the table below it, {len(missing)} are missing, the"
            f" first is {missing[0]}.jpg; put them there"
        )
    each = [lesion or image for image, lesion in zip(images, lesions, strict=True)]
    groups: Rows = np.unique(each, return_inverse=True)[1].astype(np.int64)
    return Read(*drawn(of_files([where[name] for name in images], np.array(labels)), share, groups))
