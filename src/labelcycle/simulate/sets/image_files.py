"""Images that are files of their own: which they are, and how they are read."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelcycle import decoding
from labelcycle.core.counted_nouns import counted
from labelcycle.core.digests import digest, file_digest
from labelcycle.core.one_line_warnings import Advice
from labelcycle.decoding import fingerprints, value_ranges
from labelcycle.decoding.value_ranges import Range
from labelcycle.errors import DataError
from labelcycle.ingest import near_duplicates
from labelcycle.nn.square_crop import square
from labelcycle.simulate.sets.chosen_set import Labels, Rows, Split

THREADS = 4
"""That read files."""

MANY = 5000
"""Images from which it is told that all are decoded, which takes a while."""

Answer = TypeVar("Answer")


def are_images(paths: Sequence[Path]) -> list[bool]:
    """Whether each file is an image of a format that is read, by its first bytes."""
    return _of_each(lambda path: decoding.kind_of(path) is not None, paths)


def common_ranges(paths: Sequence[Path]) -> dict[str, Range]:
    """Black and white of pixels of more than 8 bits, from all images that have such."""
    deep = [
        path
        for path, kind in zip(paths, _of_each(decoding.kind_of, paths), strict=True)
        if kind and kind != "8-bit"
    ]
    measured = _of_each(lambda path: decoding.decode(path.read_bytes()).values, deep)
    return value_ranges.common(values for values in measured if values)


@dataclass(frozen=True)
class _Look:
    """How an image file looks; pixels : digest of them, small : by `fingerprints.small`."""

    pixels: str
    size: tuple[int, int]
    small: NDArray[np.uint8]


def alike(paths: Sequence[Path], ranges: Mapping[str, Range]) -> Rows:
    """A number for each file, the same for files that show the same or nearly the same picture.

    As `ingest` finds them, so each file is decoded; what is found is told.
    """
    if len(paths) >= MANY:
        note = f"{len(paths):,} images are decoded to find those that show nearly the same picture"
        warnings.warn(Advice(note), stacklevel=2)

    def look(path: Path) -> _Look:
        image = _decoded(path, ranges)
        return _Look(fingerprints.pixels_digest(image), image.size, fingerprints.small(image))

    seen = _of_each(look, paths)
    first: dict[str, int] = {}
    for row, fingerprint in enumerate(seen):
        first.setdefault(fingerprint.pixels, row)
    rows = sorted(first.values())
    near = near_duplicates.groups(
        [_name(row) for row in rows],
        [seen[row].size for row in rows],
        np.stack([seen[row].small for row in rows]),
        lambda name: _decoded(paths[int(name)], ranges),
    )
    least = [
        near.get(_name(first[fingerprint.pixels]), _name(first[fingerprint.pixels]))
        for fingerprint in seen
    ]
    numbers: Rows = np.unique(least, return_inverse=True)[1]
    return numbers.astype(np.int64)


def _name(row: int) -> str:
    """A text for a row that sorts as numbers do."""
    return f"{row:012d}"


def told_groups(path: Path, paths: Sequence[Path], labels: Labels, groups: Rows) -> str:
    """How many files show nearly the same picture, and how many of those in another class."""
    rows = _several(groups)
    if not rows:
        return ""
    one, other, *_ = rows[0]
    text = (
        f"{path}: {sum(map(len, rows))} images in {counted(len(rows), 'group')} show the same or"
        " nearly the"
        f" same picture, such as {paths[one]} and {paths[other]}: those of a group are all in the"
        " training set or all in the test set"
    )
    mixed = [group for group in rows if len(set(labels[group].tolist())) > 1]
    if not mixed:
        return text
    one, *others = mixed[0]
    other = next(row for row in others if labels[row] != labels[one])
    return (
        f"{text}; {counted(len(mixed), 'group lies', 'groups lie')} in several classes, such as"
        f" {paths[one]} and {paths[other]}"
    )


def told_shared(path: Path, train: Sequence[Path], test: Sequence[Path], groups: Rows) -> str:
    """How many images of a test set that is given show a picture of the training set.

    groups : of the files of `train`, then of `test`
    """
    first = {int(group): row for row, group in reversed(list(enumerate(groups[: len(train)])))}
    shared = [row for row, group in enumerate(groups[len(train) :]) if int(group) in first]
    if not shared:
        return ""
    other = train[first[int(groups[len(train) + shared[0]])]]
    return (
        f"{path}: {len(shared)} of {counted(len(test), 'test image')} show the same or nearly"
        " the same picture"
        f" as a training image, such as {test[shared[0]]} and {other}: what is measured is partly"
        " memory; take them out of one of both"
    )


def _several(groups: Rows) -> list[list[int]]:
    """The rows of each group that has several, by their first."""
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(row)
    return [rows for rows in members.values() if len(rows) > 1]


def of_files(
    paths: Sequence[Path], labels: Labels, ranges: Mapping[str, Range] | None = None
) -> Split:
    """A split of image files. All are read, for their stamp is that of their bytes.

    ranges : as `decoding.decode` takes them
    """

    def pixels(row: int, side: int) -> NDArray[np.uint8]:
        return square(_decoded(paths[row], ranges), side)

    stamp = digest("".join(_of_each(_stamp, paths)).encode())
    return Split(labels, pixels, stamp if not ranges else f"{stamp} {ranges}")


def _decoded(path: Path, ranges: Mapping[str, Range] | None) -> Image.Image:
    try:
        return decoding.decode(path.read_bytes(), ranges=ranges).image
    except (DataError, OSError) as error:
        raise DataError(f"{path}: wanted an image, got {error}; remove or mend the file") from error


def _of_each(function: Callable[[Path], Answer], paths: Sequence[Path]) -> list[Answer]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(function, paths))


def _stamp(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise DataError(
            f"{path}: wanted an image, got {error.strerror}; remove or mend the file"
        ) from error
