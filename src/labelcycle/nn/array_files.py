"""Arrays of somebody else's files: read without pickles, and whether all numbers are finite."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
"""Arrays with their names, as in an .npz file or among the weights of a model."""

BLOCK_ROWS = 16_384


@contextmanager
def opened(path: Path) -> Iterator[NpzFile]:
    """An .npz file for `array_of`. Raises OSError; ValueError if it is none, or damaged.

    What is no zip is not shown to numpy, which may advise to let such a file run its code.
    """
    expected = "wanted an .npz file as numpy.savez writes it, got "
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{expected}another kind of file, or one that was cut off")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                yield archive
        except (EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{expected}a damaged one: {error}") from error


def array_of(archive: NpzFile, key: str) -> NDArray[Any]:
    """An array of an open .npz file. Raises ValueError where it holds Python objects."""
    try:
        array: NDArray[Any] = archive[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise ValueError(
            f"array {key} holds Python objects, which are not read; write texts with .astype(str),"
            " numbers with .astype('float32') or .astype('int64')"
        ) from error
    return array


def unfinite_rows(features: NDArray[Any]) -> NDArray[np.int64]:
    """Rows of (n, d) numbers, rising, that are not all finite as float32; a block at a time."""
    wrong = []
    for start in range(0, len(features), BLOCK_ROWS):
        with np.errstate(over="ignore"):  # what float32 does not hold becomes infinite
            block = features[start : start + BLOCK_ROWS].astype(np.float32, copy=False)
        wrong.append(start + np.flatnonzero(~np.isfinite(block).all(axis=1)))
    return np.concatenate(wrong) if wrong else np.empty(0, dtype=np.int64)
