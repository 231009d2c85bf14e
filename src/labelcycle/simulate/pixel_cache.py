"""The images of a set as squares of one size in files, made once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from labelcycle.campaign import json_files, numpy_files
from labelcycle.campaign.atomic_files import PART
from labelcycle.core.digests import digest
from labelcycle.errors import DataError
from labelcycle.nn.progress import Progress
from labelcycle.simulate.comparison import Images
from labelcycle.simulate.progress_callback import Showing
from labelcycle.simulate.sets.chosen_set import Read, Split

ABOUT = "about.json"
THREADS = 4
LOT = 512
"""Images read at a time."""


@dataclass(frozen=True)
class Squares:
    """Both splits (n, s, s, 3) uint8, memory-mapped, and 16 hex digits of their pixels."""

    train: Images
    test: Images
    digest: str


def squares(read: Read, side: int, folder: Path, showing: Showing) -> Squares:
    """The images of a set; read and written to `folder` if they are not there."""
    files = {name: folder / f"{name}.npy" for name in ("train", "test")}
    if not (folder / ABOUT).is_file():
        digests = [
            _written(split, side, files[name], name, showing)
            for name, split in (("train", read.train), ("test", read.test))
        ]
        whole = digest("".join(digests).encode())
        json_files.write_json(folder / ABOUT, {"digest": whole})
    train, test = (numpy_files.read_array(file) for file in files.values())
    return Squares(train, test, json_files.read_json(folder / ABOUT)["digest"])


def _written(split: Split, side: int, path: Path, name: str, showing: Showing) -> str:
    """Write the images of a split; the digest of their pixels."""
    n, digest = len(split.labels), hashlib.sha256()
    part = path.with_name(f".{path.name}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        array: Images = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
            part, "w+", np.uint8, (n, side, side, 3)
        )
        with showing(f"{name} images") as show, ThreadPoolExecutor(THREADS) as threads:
            show(Progress(0, n, note=f"{n:,} are read, once for all"))
            for start in range(0, n, LOT):
                rows = range(start, min(start + LOT, n))
                array[start : rows.stop] = list(threads.map(split.pixels, rows, [side] * len(rows)))
                digest.update(array[start : rows.stop].data)
                show(Progress(rows.stop, n))
        cast(np.memmap[Any, Any], array).flush()
        part.replace(path)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: wanted {n * side * side * 3} bytes on disk, got {error}; free"
            " some space, then run the same command again"
        ) from error
    return digest.hexdigest()
