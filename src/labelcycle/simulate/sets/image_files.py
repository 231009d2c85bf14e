"""Images that are files of their own: which they are, and how they are read."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from labelcycle import imaging
from labelcycle.digests import digest, file_digest
from labelcycle.errors import DataError
from labelcycle.imaging import values
from labelcycle.imaging.values import Range
from labelcycle.nn.images import square
from labelcycle.simulate.sets.reading import Labels, Rows, Split
from labelcycle.warned import Notice

THREADS = 4
"""That read files."""

Answer = TypeVar("Answer")


def are_images(paths: Sequence[Path]) -> list[bool]:
    """Whether each file is an image of a format that is read, by its first bytes."""
    return _of_each(lambda path: imaging.kind_of(path) is not None, paths)


def common_ranges(paths: Sequence[Path]) -> dict[str, Range]:
    """Black and white of pixels of more than 8 bits, from all images that have such."""
    deep = [
        path
        for path, kind in zip(paths, _of_each(imaging.kind_of, paths), strict=True)
        if kind and kind != "8-bit"
    ]
    found = _of_each(lambda path: imaging.decode(path.read_bytes()).values, deep)
    return values.common(each for each in found if each)


def same_bytes(paths: Sequence[Path], labels: Labels) -> Rows:
    """A number for each file, the same for files with the same bytes; tells contradictions."""
    stamps = _of_each(_stamp, paths)
    first: dict[str, int] = {}
    for row, stamp in enumerate(stamps):
        first.setdefault(stamp, row)
    other = [row for row, stamp in enumerate(stamps) if labels[row] != labels[first[stamp]]]
    if other:
        warnings.warn(
            Notice(
                f"{len(other)} files have the bytes of a file of another class, such as"
                f" {paths[other[0]]} those of {paths[first[stamps[other[0]]]]}"
            ),
            stacklevel=2,
        )
    numbers: Rows = np.unique([first[stamp] for stamp in stamps], return_inverse=True)[1]
    return numbers.astype(np.int64)


def of_files(
    paths: Sequence[Path], labels: Labels, ranges: Mapping[str, Range] | None = None
) -> Split:
    """A split of image files. All are read, for their stamp is that of their bytes.

    ranges : as `imaging.decode` takes them
    """

    def pixels(row: int, side: int) -> NDArray[np.uint8]:
        try:
            data = paths[row].read_bytes()
            return square(imaging.decode(data, ranges=ranges).image, side)
        except (DataError, OSError) as error:
            raise DataError(
                f"{paths[row]}: wanted an image, got {error}; remove or mend the file"
            ) from error

    stamp = digest("".join(_of_each(_stamp, paths)).encode())
    return Split(labels, pixels, stamp if not ranges else f"{stamp} {ranges}")


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
