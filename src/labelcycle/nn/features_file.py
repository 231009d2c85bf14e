"""Features that somebody else computed, from a file; one row an image, with its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.errors import DataError
from labelcycle.nn.plain_arrays import array_of, opened, unfinite_rows

IDS = ("ids", "id", "sample")
FILES = ("files", "file")
"""What the names are called in a file: ids of samples, or paths of their images."""

FEATURES = "features"

NO_FEATURES = frozenset(
    {"label", "labels", "class", "classes", "target", "targets", "truth", "y", "split", "index"}
)
"""Names of columns that tables of features have beside these, in small letters."""


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
        `features` that holds lists, or in all other columns: none may be without a name, or called
        as in NO_FEATURES, for a truth that is taken for a feature makes every figure too good
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
            f"cannot read features from {path}: {' '.join(str(error).split())[:300]};"
            " check pretrain.options.file"
        ) from error
    _check(path, names, features)
    return FeatureTable(names, kind in IDS, features)


_Found = tuple[str, list[str], NDArray[Any]]
"""What the names are called, the names, the features."""


def _npz(path: Path) -> _Found:
    with opened(path) as arrays:
        kind = _kind(list(arrays), "arrays")
        if FEATURES not in arrays:
            raise ValueError(f"wanted an array `{FEATURES}`, got {', '.join(arrays)}")
        names = array_of(arrays, kind).astype(str)  # bytes become texts too
        return kind, [str(name) for name in names], array_of(arrays, FEATURES)


def _table(path: Path) -> _Found:
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    kind = _kind(list(frame.columns), "columns")
    names = [str(name) for name in frame[kind]]
    if FEATURES in frame:
        widths = frame[FEATURES].map(_width).to_numpy()
        wrong = np.flatnonzero(widths != widths[:1])
        if len(wrong):
            raise ValueError(
                f"{FEATURES} has {widths[0]} numbers in row 0 and {widths[wrong[0]]} in row"
                f" {wrong[0]} (counted from 0): wanted as many in all"
            )
        return kind, names, np.array(frame[FEATURES].to_list())
    rest = frame.drop(columns=kind)
    _check_columns(rest)
    return kind, names, rest.to_numpy()


def _width(value: Any) -> int:
    """How many numbers one row has in the column of lists."""
    if not isinstance(value, list | np.ndarray):
        raise ValueError(
            f"column {FEATURES} holds {value!r}: wanted a list of numbers in each row; for numbers"
            " in columns of their own give it another name"
        )
    return len(value)


def _check_columns(frame: Any) -> None:
    """Raise ValueError that names the first column that is no feature."""
    from pandas.api import types  # type: ignore[import-untyped]

    for name, column in zip(map(str, frame.columns), frame.dtypes, strict=True):
        if not name.strip() or name.startswith(("Unnamed:", "__index_level_")):
            raise ValueError(
                f"column {name!r} has no name of its own: an index? Write the table without it,"
                " in pandas with index=False"
            )
        if name.strip().lower() in NO_FEATURES:
            raise ValueError(
                f"column {name!r} is no feature by its name: leave it out; if it is one, give it"
                " another name"
            )
        if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
            raise ValueError(
                f"column {name!r} holds {column}: wanted numbers in all columns but the names;"
                " leave it out"
            )


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
    wrong = unfinite_rows(features)
    if len(wrong):
        raise DataError(
            f"{head}: wanted finite numbers, got others in row {wrong[0]} ({names[wrong[0]]!r},"
            f" counted from 0){f' and {len(wrong) - 1} more' if len(wrong) > 1 else ''}; embed"
            " these images anew"
        )
