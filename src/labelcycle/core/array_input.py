"""Arrays as people have them, of numpy, torch, pandas, polars or lists, checked and made plain."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import UNLABELED
from labelcycle.errors import DataError, SettingsError

MOST_CLASSES = 100_000
"""Of class numbers: a row of probabilities has a place for each."""

BLOCK_ROWS = 16_384

LARGEST, SMALLEST = 1e18, 1e-18
"""Numbers beyond, whose squares float32 does not hold, are divided by the largest of their row."""

NUMBERS = "numpy.unique(labels, return_inverse=True)[1] numbers classes"


def whole_number(value: Any, name: str, least: int, most: int | None = None) -> int:
    """Raises SettingsError if this is no whole number from `least` to `most`."""
    good = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least
    if not good or (most is not None and value > most):
        range_ = f"at least {least}" + ("" if most is None else f", at most {most}")
        raise SettingsError(f"{name} must be a whole number, {range_} (got {value!r})")
    return int(value)


def plain(value: Any, name: str) -> NDArray[Any]:
    """A numpy array of what may be a tensor, a data frame or a list; numbers as they are.

    Raises DataError for what is sparse, ragged or masked.
    """
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if "sparse" in str(getattr(value, "layout", "")) or hasattr(value, "tocsr"):
        raise DataError(
            f"{name} must be dense, got a sparse {kind}; reduce it first, as with"
            " sklearn.decomposition.TruncatedSVD, or make it dense if it fits into memory"
        )
    if isinstance(value, np.ma.MaskedArray) and np.any(value.mask):
        raise DataError(f"{name} must not have masked entries; fill them, or leave their rows out")
    if hasattr(value, "detach"):  # a tensor of torch, whatever remembers it and wherever it lies
        value = value.detach().cpu()
        wide = str(value.dtype) in ("torch.float16", "torch.float32", "torch.float64")
        value = value.float() if value.is_floating_point() and not wide else value
    try:
        array = np.asarray(value)
        if array.dtype == object:  # of pandas, or with None
            array = np.array(array.tolist())
    except (TypeError, ValueError, RuntimeError) as error:
        short = " ".join(str(error).split())
        raise DataError(f"{name} must be an array of numbers, got {kind}: {short}") from error
    return array


def feature_rows(value: Any, normalise: bool) -> NDArray[np.floating]:
    """Features (n, d) as float32 or float16, in rows; only what is neither is copied.

    Numbers that float32 does not hold are scaled: their rows where directions are compared, else
    all alike. Raises DataError for what is not finite, naming the row.
    """
    array = plain(value, "features")
    if array.ndim != 2 or not array.shape[1] or array.dtype.kind not in "fiub":
        what = "drop columns that are not numbers" if array.dtype.kind in "OUSM" else ""
        what = what or "reshape one column to (n, 1), flatten images or embed them first"
        raise DataError(
            f"features must be numbers of shape (n, d >= 1), one row a sample"
            f" (got {array.shape} {array.dtype}); {what}"
        )
    if array.dtype in (np.float32, np.float16):
        # torch hands out whole rows, slices and transposes may not
        return array if isinstance(array, np.memmap) else np.ascontiguousarray(array)
    largest = np.zeros(len(array))
    for start in range(0, len(array), BLOCK_ROWS):
        block = array[start : start + BLOCK_ROWS].astype(np.float64)
        largest[start : start + BLOCK_ROWS] = np.abs(block).max(axis=1)
    check_finite(largest[:, None], "features")
    if not normalise:
        largest[:] = largest.max(initial=0)
    scale = np.where((largest > LARGEST) | ((largest < SMALLEST) & (largest > 0)), largest, 1)
    rows = np.empty(array.shape, dtype=np.float32)
    for start in range(0, len(array), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        rows[part] = array[part].astype(np.float64) / scale[part, None]
    return rows


def class_indices(value: Any, n: int) -> NDArray[np.int64]:
    """(n,) class of each sample, `UNLABELED` where the label is -1, NaN or None."""
    if value is None:
        return np.full(n, UNLABELED, dtype=np.int64)
    expected = f"labels must be ({n},) class indices, {UNLABELED} or NaN where there is none"
    if not hasattr(value, "dtype"):  # a list, which may hold None
        try:
            value = [UNLABELED if label is None else label for label in value]
        except TypeError as error:
            raise DataError(f"{expected} (got {value!r})") from error
    array = plain(value, "labels")
    if array.dtype == object:
        array = np.array([UNLABELED if str(e) in ("None", "nan", "<NA>") else e for e in array])
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), UNLABELED, array)
    if array.shape != (n,) or not is_whole(array):
        raise DataError(f"{expected} (got {array.shape} {array.dtype}); {NUMBERS}")
    if array.dtype.kind == "u" and len(array) and array.max() == np.iinfo(array.dtype).max:
        raise DataError(
            f"labels are {array.dtype}, in which {UNLABELED} becomes {array.max()}, as row"
            f" {np.argmax(array)} has; give them as int64, with {UNLABELED} where there is none"
        )
    wrong = np.flatnonzero((array < UNLABELED) | (array >= MOST_CLASSES))
    if len(wrong):
        raise DataError(
            f"{expected}, below {MOST_CLASSES:,}; row {wrong[0]} has {array[wrong[0]]}; {NUMBERS},"
            f" {UNLABELED} stands for no label"
        )
    return array.astype(np.int64)


def cluster_numbers(value: Any, n: int) -> NDArray[np.int32]:
    """(n,) the number of each sample's cluster, -1 for noise; numbers may have gaps."""
    array = plain(value, "clusters")
    if array.shape != (n,) or not is_whole(array):
        raise DataError(
            f"clusters must be ({n},) whole numbers, the cluster of each sample, -1 for noise"
            f" (got {array.shape} {array.dtype});"
            " numpy.unique(clusters, return_inverse=True)[1] numbers names"
        )
    wrong = np.flatnonzero((array < -1) | (array > np.iinfo(np.int32).max))
    if len(wrong):
        raise DataError(
            f"clusters must be numbers from 0 to {np.iinfo(np.int32).max}, or -1 for noise"
            f" (row {wrong[0]} has {array[wrong[0]]});"
            " numpy.unique(clusters, return_inverse=True)[1] numbers them anew"
        )
    return array.astype(np.int32)


def group_numbers(value: Any, n: int) -> NDArray[np.int64]:
    """(n,) the number of each sample's group; one that is in none is a group by itself."""
    array = plain(value, "groups")
    if array.shape != (n,):
        raise DataError(
            f"groups must be ({n},), the group of each sample, a number or a text"
            f" (got {array.shape} {array.dtype})"
        )
    numbers: dict[Any, int] = {}
    none = ("-1", "-1.0", "", "nan", "None", "<NA>")
    keys = (("row", row) if str(key) in none else key for row, key in enumerate(array.tolist()))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def probability_rows(value: Any, n: int, least: int, exactly: bool) -> NDArray[np.float32]:
    """(n, c) with `least` columns, or more where not `exactly` so many are wanted."""
    array = plain(value, "probabilities")
    fits = array.ndim == 2 and len(array) == n and array.dtype.kind in "fiu"
    columns = array.shape[1] if fits else 0
    if not fits or columns < least or (exactly and columns != least):
        raise DataError(
            f"probabilities must be ({n}, c) numbers, a row a sample and a column for each of"
            f" {'' if exactly else 'at least '}{least} classes (got {array.shape} {array.dtype})"
        )
    check_finite(array, "probabilities")
    with np.errstate(over="ignore"):  # what float32 does not hold does not sum to 1
        return array.astype(np.float32)


def is_whole(array: NDArray[Any]) -> bool:
    """Whether these are whole numbers, of whatever type."""
    if array.dtype.kind != "f":
        return array.dtype.kind in "iu"
    return bool((np.isfinite(array) & (array == np.floor(array))).all())


def check_finite(array: NDArray[Any], name: str) -> None:
    """Raise DataError that names the first row which is not all finite."""
    for start in range(0, len(array), BLOCK_ROWS):
        block = array[start : start + BLOCK_ROWS]
        good = np.isfinite(block).all(axis=1)
        if not good.all():
            place = int(np.argmin(good))
            what = "NaN" if np.isnan(block[place]).any() else "infinity"
            raise DataError(
                f"{name} must be finite numbers, row {start + place} holds {what}; leave that"
                " sample out, or compute its row anew"
            )
