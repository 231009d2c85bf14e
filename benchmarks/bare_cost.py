"""What nobody can leave out of a step: images read, hashed and decoded; features looked at once.

    python benchmarks/bare_cost.py images FOLDER
    python benchmarks/bare_cost.py features FILE.npz

benchmarks/scale.py runs this in a process of its own and measures that.
"""

import hashlib
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

AT_A_TIME = 256
"""Files that a process is given at a time."""


def images(folder: Path) -> int:
    """Read, hash and decode all files of a folder on all cores; how many there are."""
    files = sorted(folder.iterdir())
    with ProcessPoolExecutor() as processes:
        return sum(processes.map(_decoded, files, chunksize=AT_A_TIME))


def _decoded(path: Path) -> int:
    from PIL import Image

    with path.open("rb") as file:
        hashlib.sha256(file.read())
        file.seek(0)
        with Image.open(file) as image:
            image.convert("RGB")
    return 1


def features(path: Path) -> float:
    """The sum of all features in a file."""
    import numpy as np

    with np.load(path) as arrays:
        return float(arrays["features"].sum(dtype=np.float64))


if __name__ == "__main__":
    {"images": images, "features": features}[sys.argv[1]](Path(sys.argv[2]))
