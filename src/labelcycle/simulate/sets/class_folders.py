"""Sets whose images are files: folders of classes, and the skin lesions with their tables."""

import csv
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import whole_groups
from labelcycle.core.counted_nouns import counted
from labelcycle.core.one_line_warnings import Advice
from labelcycle.errors import DataError
from labelcycle.ingest.group_names import GroupNames, GroupRule
from labelcycle.ingest.paths import absolute, find
from labelcycle.simulate.sets.chosen_set import Read, Rows, check_folder, drawn, drawn_whole
from labelcycle.simulate.sets.image_files import (
    alike,
    are_images,
    common_ranges,
    of_files,
    told_groups,
    told_shared,
)


def folder(path: Path, share: float, group: GroupRule | None = None) -> Read:
    """A folder with `train/CLASS/*` and `test/CLASS/*`, or with `CLASS/*`, of which a share tests.

    group : names groups as `ingest.group` does, of folders below the classes, and of paths relative
        to the folder of the set. They stay on one side of the split that is drawn

    Files are found as `labelcycle ingest` finds them, and images known by what is in them. Those
    that show nearly the same picture stay on one side of the split that is drawn; in one that is
    given they are told.
    """
    check_folder(path)
    if (path / "train").is_dir() and (path / "test").is_dir():
        splits = [_images(path / part) for part in ("train", "test")]
        names = _classes(path / "train", splits[0])
        others = sorted(set(splits[1]) - set(names))
        if others:
            where = path / "test" / others[0]
            raise DataError(f"{where}: no such class in train; wanted {', '.join(names)}")
        both = [_labelled(images, names) for images in splits]
        (learned, _), (measured, _) = both
        ranges = common_ranges([*learned, *measured])
        groups = alike([*learned, *measured], ranges)
        _tell(told_shared(path, learned, measured, groups))
        if group:
            named = _names(path / "train", learned, group), _names(path / "test", measured, group)
            _tell(_told_both(path, *named))
        train, test = (of_files(*files_and_labels, ranges) for files_and_labels in both)
        return Read(train, test, names=tuple(names))
    images = _images(path)
    names = _classes(path, images)
    files, labels = _labelled(images, names)
    ranges = common_ranges(files)
    groups = alike(files, ranges)
    _tell(told_groups(path, files, labels, groups))
    whole = of_files(files, labels, ranges)
    if group is None:
        return Read(*drawn(whole, share, groups), names=tuple(names))
    pairs = zip(groups.tolist(), _names(path, files, group), strict=True)
    together = whole_groups.connected([(near, *named) for near, named in pairs])
    return Read(*drawn_whole(whole, share, together), names=tuple(names))


def _names(path: Path, files: Sequence[Path], group: GroupRule) -> list[tuple[str, ...]]:
    """The groups of files below `path`, which holds the classes.

    Raises DataError that names the first file without one.
    """
    path = absolute(Path().resolve(), str(path))
    names = GroupNames(group, path)
    places = [file.relative_to(path).as_posix() for file in files]
    for file, place in zip(files, places, strict=True):
        below = place.count("/") - 1
        if group.folder is not None and below < group.folder:
            raise DataError(
                f"{file} has no group: data.group: {group.text}: wanted so many folders between"
                f" class and image, got {below}; lower it, or mend the folder"
            )
    try:
        return [names.at(place) for place in places]
    except DataError as error:
        raise DataError(f"{path}: {error} (data.group)") from error


def _told_both(
    path: Path, train: Sequence[tuple[str, ...]], test: Sequence[tuple[str, ...]]
) -> str:
    """How many groups are in training and in test set; empty if none."""
    both = sorted({n for names in train for n in names} & {n for names in test for n in names})
    if not both:
        return ""
    are = counted(len(both), "group is", "groups are")
    return (
        f"{path}: {are} in train and in test, such as {both[0]!r}: what is measured is partly"
        " memory; move each to one of both"
    )


def _tell(text: str) -> None:
    if text:
        warnings.warn(Advice(text), stacklevel=3)


def _images(path: Path) -> dict[str, list[Path]]:
    """The image files in each folder of `path` that has any. Tells what else lies there."""
    images: dict[str, list[Path]] = {}
    left: list[Path] = []
    for class_folder in sorted(path.iterdir()):
        if not class_folder.is_dir() or class_folder.name.startswith("."):
            continue
        try:
            files = [Path(file) for file in find([str(class_folder)], Path())]
        except DataError:  # not a single file
            files = []
        pictures = [file for file, good in zip(files, are_images(files), strict=True) if good]
        left += sorted(set(files) - set(pictures))
        if pictures:
            images[class_folder.name] = pictures
    if left:
        warnings.warn(
            Advice(
                f"{path}: {counted(len(left), 'file is no image', 'files are no images')} and"
                f" left out, such as {left[0]}"
            ),
            stacklevel=2,
        )
    return images


def _classes(path: Path, images: Mapping[str, list[Path]]) -> list[str]:
    names = sorted(images)
    if len(names) < 2:
        raise DataError(
            f"{path}: wanted a folder of images for each of at least two classes, or train and test"
            f" with such folders (got {names}); mend data.path"
        )
    return names


def _labelled(
    images: Mapping[str, list[Path]], names: Sequence[str]
) -> tuple[list[Path], NDArray[np.int64]]:
    """All images with the places of their classes in `names`."""
    pairs = [(file, names.index(name)) for name in sorted(images) for file in images[name]]
    return [file for file, _ in pairs], np.array([label for _, label in pairs], dtype=np.int64)


def isic2019(path: Path, share: float) -> Read:
    """The folder with the two tables of the challenge and the images. A share tests, by lesion.

    The tables are `ISIC_2019_Training_GroundTruth.csv` and `ISIC_2019_Training_Metadata.csv`.
    """
    check_folder(path)
    table = path / "ISIC_2019_Training_GroundTruth.csv"
    rows = _table(table, "image")
    names = [name for name in rows[0] if name not in ("image", "UNK")]
    labels = [int(np.argmax([float(row[name]) for name in names])) for row in rows]
    images = [row["image"] for row in rows]
    extra = path / "ISIC_2019_Training_Metadata.csv"
    lesions = {row["image"]: row["lesion_id"] for row in _table(extra, "lesion_id")}
    lesion_of_image = [lesions.get(image, "") for image in images]
    return replace(_by_lesion(path, images, labels, lesion_of_image, share), names=tuple(names))


def ham10000(path: Path, share: float) -> Read:
    """The folder with `HAM10000_metadata.csv` and the images. A share tests, drawn by lesion."""
    check_folder(path)
    rows = _table(path / "HAM10000_metadata.csv", "dx", "HAM10000_metadata")
    names = sorted({row["dx"] for row in rows})
    labels = [names.index(row["dx"]) for row in rows]
    images, lesions = ([row[key] for row in rows] for key in ("image_id", "lesion_id"))
    return replace(_by_lesion(path, images, labels, lesions, share), names=tuple(names))


def _table(path: Path, key: str, other: str = "") -> list[dict[str, str]]:
    """The lines of a CSV; other : a second name by which it is handed out."""
    table = next(
        (candidate for candidate in (path, path.parent / other) if candidate.is_file()), None
    )
    if table is None:
        raise DataError(
            f"no file {path}: wanted the table as it is published, with the images in a folder"
            " beside it; nothing is downloaded: put it there or mend data.path"
        )
    with table.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or key not in rows[0]:
        raise DataError(f"{table}: wanted a table with the column {key}; get it anew")
    return rows


def _by_lesion(
    path: Path, images: list[str], labels: list[int], lesions: list[str], share: float
) -> Read:
    """Images of one lesion stay on one side; those without (ISIC has some) stand alone."""
    where = {file.stem: file for file in sorted(path.rglob("*.jpg"))}
    missing = [name for name in images if name not in where]
    if missing:
        raise DataError(
            f"{path}: wanted the images of the table below it, {len(missing)} are missing, the"
            f" first is {missing[0]}.jpg; put them there"
        )
    lesion_or_image = [lesion or image for image, lesion in zip(images, lesions, strict=True)]
    groups: Rows = np.unique(lesion_or_image, return_inverse=True)[1].astype(np.int64)
    return Read(*drawn(of_files([where[name] for name in images], np.array(labels)), share, groups))
