"""Reads and writes arrays: .npy for one, .npz for several by name."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.errors import DataError


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one array as .npy, C-contiguous."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def read_array(path: Path) -> NDArray[Any]:
    """An array from .npy, memory-mapped and read-only."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"cannot read {path}: wanted an array, got {error}; run `labelcycle run`"
        ) from error
    return array


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write named arrays as one .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The named arrays of a .npz."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot read {path}: wanted arrays, got {error}; run `labelcycle run`"
        ) from error
