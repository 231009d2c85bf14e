"""How the samples of a cohort look, kept beside its manifest: nobody decodes an old image again.

All of it follows from the images. What is missing here is found anew.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from labelcycle.campaign.numpy_files import read_arrays, write_arrays
from labelcycle.decoding.value_ranges import Values
from labelcycle.errors import DataError
from labelcycle.ingest.one_file import Look


def path_of(folder: Path, number: int) -> Path:
    """File of the looks of a cohort. folder : data/samples"""
    return folder / f"{number:03d}.npz"


def write(path: Path, looks: Mapping[str, Look]) -> None:
    """Write the looks of samples, by id."""
    ids = sorted(looks)
    values = [looks[name].values for name in ids]
    write_arrays(
        path,
        ids=np.array(ids, dtype="S"),
        pixels=np.array([looks[name].pixels for name in ids], dtype="S"),
        small=np.array([looks[name].small for name in ids], dtype=np.uint8),
        kinds=np.array([each.kind if each else "" for each in values], dtype="S"),
        ends=np.array([(each.low, each.high) if each else (0, 0) for each in values], dtype="f8"),
    )


def read(path: Path) -> dict[str, Look]:
    """The looks of samples, by id; none where the file is missing or cannot be read."""
    if not path.exists():
        return {}
    try:
        found = read_arrays(path)
        columns = (found[name] for name in ("ids", "pixels", "small", "kinds", "ends"))
        return {
            name.decode(): Look(
                pixels.decode(), small, Values(kind.decode(), *map(float, ends)) if kind else None
            )
            for name, pixels, small, kind, ends in zip(*columns, strict=True)
        }
    except (DataError, KeyError, ValueError):
        return {}
