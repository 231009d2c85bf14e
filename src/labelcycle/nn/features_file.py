"""Features that somebody else computed, from a file; one row an image, with its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.errors import DataError

IDS = ("ids", "id", "sample")
FILES = ("files", "file")
"""What the names are called in a file: ids of samples, or paths of their images."""

FEATURES = "features"

BLOCK_ROWS = 16_384


@dataclass(frozen=True)
class FeatureTable:
    """n images.

    names : n distinct texts; by_id : whether they are ids of samples, else paths of images
    features : (n, d) floats, finite as float32, d >= 1; may be memory-mapped
    """

    names: Sequence[str]
    by_id: bool
    features: NDArray[np.floating]


def read(path: Path) -> FeatureTable:
    """The features in a file. Raises DataError that says what is wrong, with numbers of rows.

    .npz : arrays `features` (n, d) and `ids` or `files` (n,)
    .csv, .parquet : a column `sample` (or `id`) or `file`, and the features either in one column
        `features` that holds lists, or in all other columns
    """
    readers = {".npz": _npz, ".csv": _table, ".parquet": _table}
    if path.suffix not in readers:
        raise DataError(
            f"cannot read features from {path}: wanted a file {', '.join(readers)}; write one, and"
            " name it in pretrain.options.file"
        )
    try:
        kind, names, features = readers[path.suffix](path)
    except (OSError, ValueError, ImportError) as error:  # ValueError: numpy's, pandas', Arrow's
        raise DataError(
            f"cannot read features from {path}: {' '.join(str(error).split())[:200]};"
            " check pretrain.options.file"
        ) from error
    _check(path, names, features)
    return FeatureTable(names, kind in IDS, features)


_Found = tuple[str, list[str], NDArray[Any]]
"""What the names are called, the names, the features."""


def _npz(path: Path) -> _Found:
    with np.load(path, allow_pickle=False) as arrays:
        kind = _kind(list(arrays), "arrays")
        if FEATURES not in arrays:
            raise ValueError(f"wanted an array `{FEATURES}`, got {', '.join(arrays)}")
        return kind, [str(name) for name in arrays[kind]], arrays[FEATURES]


def _table(path: Path) -> _Found:
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    kind = _kind(list(frame.columns), "columns")
    names = [str(name) for name in frame[kind]]
    if FEATURES in frame:
        widths = frame[FEATURES].map(len).to_numpy()
        wrong = np.flatnonzero(widths != widths[:1])
        if len(wrong):
            raise ValueError(
                f"{FEATURES} has {widths[0]} numbers in row 0 and {widths[wrong[0]]} in row"
                f" {wrong[0]} (counted from 0)"
            )
        return kind, names, np.array(frame[FEATURES].to_list())
    return kind, names, frame.drop(columns=kind).to_numpy()


def _read_csv(path: Path) -> Any:
    import pandas as pd

    # names such as 0012 stay texts
    return pd.read_csv(path, dtype={name: str for name in (*IDS, *FILES)}, encoding="utf-8-sig")


def _kind(found: Sequence[str], what: str) -> str:
    """What the names are called in a file."""
    known = [name for name in (*IDS, *FILES) if name in found]
    if len(known) != 1:
        raise ValueError(
            f"wanted one of {', '.join((*IDS, *FILES))} among its {what},"
            f" got {', '.join(map(str, found[:8])) or 'none'}"
        )
    return known[0]


def _check(path: Path, names: Sequence[str], features: NDArray[Any]) -> None:
    """Raise DataError that names the first rows that are wrong."""
    head = f"features in {path}"
    if features.ndim != 2 or not features.shape[1] or not len(features):
        raise DataError(f"{head}: wanted rows by columns (n, d), got the shape {features.shape}")
    if not np.issubdtype(features.dtype, np.number) or np.iscomplexobj(features):
        raise DataError(
            f"{head}: wanted numbers in all columns but the names, got {features.dtype}"
        )
    if len(names) != len(features):
        raise DataError(f"{head}: wanted a name a row, got {len(names)} for {len(features)} rows")
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            raise DataError(
                f"{head}: {name!r} stands in rows {first[name]} and {row} (counted from 0):"
                " wanted one row an image; leave one out"
            )
    for start in range(0, len(features), BLOCK_ROWS):
        with np.errstate(over="ignore"):  # what float32 does not hold becomes infinite
            block = features[start : start + BLOCK_ROWS].astype(np.float32)
        wrong = start + np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(wrong):
            raise DataError(
                f"{head}: wanted finite numbers, got others in row {wrong[0]} ({names[wrong[0]]!r},"
                f" counted from 0){' and more' if len(wrong) > 1 else ''}; embed these images anew"
            )
