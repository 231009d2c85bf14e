"""Features that somebody else computed, from a file; one row an image, with its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import csv_tables
from labelcycle.errors import DataError
from labelcycle.nn.array_files import BLOCK_ROWS, array_of, opened, unfinite_rows

IDS = ("ids", "id", "sample")
FILES = ("files", "file")
"""What the names are called in a file: ids of samples, or paths of their images."""

FEATURES = "features"

TRUTHS = frozenset(
    {"label", "labels", "class", "classes", "cls", "target", "targets", "truth", "gt", "category"}
    | {"categories", "annotation", "species", "diagnosis", "dx", "gold", "groundtruth", "outcome"}
    | {"labelled", "labeled", "labelling", "labeling", "annotated", "lbl", "ytrue", "ypred"}
    | {"prediction", "predictions", "predicted"}
)
"""A column whose name begins or ends with one of these words is no feature, as in `Label_id`."""

OF_Y = frozenset({"y", "true", "pred", "hat", "train", "test", "val", "valid", "int", "enc"})
"""A name of these words with `y` first or last is a truth's: `y_true`, `train_y`; not `pos_y`."""

BESIDE = frozenset({"y", "split", "fold", "index", "row", "ids", "id", "sample", "files", "file"})
"""Nor is one that is called so, whole, in small letters."""

NOTHING = ("", "nan", "NaN", "NA", "null", "None")
"""How a table writes that a number is missing."""

FEW = 200
"""Different whole numbers up to which a column may number classes."""

SHOWN = 3
"""Columns that a remark names."""

OF_TRANSFORMERS = frozenset({"cls", "cls token", "class token"})
"""These words with a number are features: of the token that stands for the whole image."""


@dataclass(frozen=True)
class FeatureTable:
    """n images.

    names : n distinct texts; by_id : whether they are ids of samples, else paths of images
    features : (n, d) floats, finite as float32, d >= 1; may be memory-mapped
    remark : what people should know of the columns, or ""
    """

    names: Sequence[str]
    by_id: bool
    features: NDArray[np.floating]
    remark: str = ""


def read(path: Path) -> FeatureTable:
    """The features in a file. Raises DataError that says what is wrong, with numbers of rows.

    .npz : arrays `features` (n, d) and `ids` or `files` (n,)
    .csv, .parquet : a column `sample` (or `id`) or `file`, and the features either in one column
        `features` that holds lists, or in all other columns: none may be without a name, or called
        as truths are, for a truth that is taken for a feature makes every figure too good
    """
    readers = {".npz": _npz, ".csv": _table, ".parquet": _table}
    if path.suffix not in readers:
        raise DataError(
            f"cannot read features from {path}: wanted a file {', '.join(readers)}; write one, and"
            " name it in pretrain.options.file"
        )
    try:
        kind, names, features, columns = readers[path.suffix](path)
    except (OSError, ValueError, ImportError) as error:  # ValueError: numpy's, pandas', Arrow's
        raise DataError(
            f"cannot read features from {path}: {' '.join(str(error).split())[:300]};"
            " check pretrain.options.file"
        ) from error
    _check(path, names, features)
    return FeatureTable(names, kind in IDS, features, _remark(features, columns))


_Found = tuple[str, list[str], NDArray[Any], Sequence[str]]
"""What the names are called, the names, the features, and what their columns are called, if so."""


def _npz(path: Path) -> _Found:
    with opened(path) as arrays:
        kind, array = _naming(list(arrays), "arrays")
        if FEATURES not in arrays:
            raise ValueError(f"wanted an array `{FEATURES}`, got {', '.join(arrays)}")
        names = array_of(arrays, array).astype(str)  # bytes become texts too
        return kind, [str(name) for name in names], array_of(arrays, FEATURES), ()


def _table(path: Path) -> _Found:
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    kind, column = _naming(list(frame.columns), "columns")
    names = [str(name) for name in frame[column]]
    if FEATURES in frame:
        widths = frame[FEATURES].map(_width).to_numpy()
        wrong = np.flatnonzero(widths != widths[:1])
        if len(wrong):
            raise ValueError(
                f"{FEATURES} has {widths[0]} numbers in row 0 and {widths[wrong[0]]} in row"
                f" {wrong[0]} (counted from 0): wanted as many in all"
            )
        return kind, names, np.array(frame[FEATURES].to_list()), ()
    rest = frame.drop(columns=column)
    _check_columns(rest)
    return kind, names, rest.to_numpy(), list(map(str, rest.columns))


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
        if not may_be_feature(name):
            raise ValueError(
                f"column {name!r} is no feature by its name: leave it out; if it is one, give it"
                " another name"
            )
        if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
            raise ValueError(
                f"column {name!r} holds {column}: wanted numbers in all columns but the names;"
                " leave it out"
            )


def may_be_feature(name: str) -> bool:
    """Whether a column may hold a feature, by its name: none that is called as a truth is."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", name.strip())
    spoken = [word.lower() for word in words if not word.isdigit()]
    if " ".join(spoken) in OF_TRANSFORMERS and words[-1].isdigit():
        return True
    ends = (*spoken[:1], *spoken[-1:])
    if "y" in ends and len(spoken) > 1 and OF_Y.issuperset(spoken):
        return False
    return name.strip().lower() not in BESIDE and TRUTHS.isdisjoint(ends)


def _remark(features: NDArray[Any], columns: Sequence[str]) -> str:
    """Which columns hold few whole numbers while most hold others, as a truth's would.

    A closed list of names misses some truths. Flags and counts look like this too, so it is told
    and no error.
    """
    with np.errstate(invalid="ignore"):
        block = features[:BLOCK_ROWS]
        likely = np.flatnonzero((block == np.floor(block)).all(axis=0))
    if 2 * len(likely) >= features.shape[1]:
        return ""
    like_classes = [int(column) for column in likely if _numbers_classes(features[:, column])]
    if not like_classes:
        return ""
    named = ", ".join(repr(columns[c]) if columns else str(c) for c in like_classes[:SHOWN])
    more = f" and {len(like_classes) - SHOWN} more" if len(like_classes) > SHOWN else ""
    one = len(like_classes) == 1
    return (
        f"column{'' if one else 's'} {named}{more}{'' if columns else ' (counted from 0)'}"
        f" {'holds' if one else 'hold'} few whole numbers, most hold decimals: leave out what is a"
        " truth, which makes every figure too good"
    )


def _numbers_classes(column: NDArray[Any]) -> bool:
    """Whether these are whole numbers, few, and each in several rows."""
    values = np.unique(column)
    several = 2 <= len(values) <= min(FEW, len(column) // 2)
    return several and bool((values == np.floor(values)).all())


def _read_csv(path: Path) -> Any:
    import pandas as pd

    written = csv_tables.dialect(path, ((*IDS, *FILES),))
    how = {"encoding": written.encoding, "sep": written.separator}
    columns = pd.read_csv(path, nrows=0, **how).columns
    # names such as 0012 and None stay texts
    texts = {name: str for name in columns if csv_tables.column_name(name) in (*IDS, *FILES)}
    lacking = {name: NOTHING for name in columns if name not in texts}
    frame = pd.read_csv(path, dtype=texts, na_values=lacking, keep_default_na=False, **how)
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes the first cells for an index
        raise ValueError(
            f"the rows have more cells than the header, which has {len(columns)}: wanted as many"
        )
    return frame


def _naming(columns: Sequence[Any], what: str) -> tuple[str, Any]:
    """What the names are called, one of `IDS` or `FILES`, and how the file writes that."""
    known = [(csv_tables.column_name(str(column)), column) for column in columns]
    naming = [(name, column) for name, column in known if name in (*IDS, *FILES)]
    if len(naming) != 1:
        raise ValueError(
            f"wanted one of {', '.join((*IDS, *FILES))} among its {what},"
            f" got {', '.join(map(str, columns[:8])) or 'none'}"
        )
    return naming[0]


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
        row = features[wrong[0]]
        fits = np.abs(row) <= np.finfo(np.float32).max
        value = row[~fits][0]
        todo = "scale all features" if np.isfinite(value) else "embed these images anew"
        raise DataError(
            f"{head}: wanted finite numbers below 3.4e38, which float32 holds, got {value:g} in row"
            f" {wrong[0]} ({names[wrong[0]]!r}, counted from 0)"
            f"{f' and others in {len(wrong) - 1} more' if len(wrong) > 1 else ''}; {todo}, or leave"
            " the rows out"
        )
