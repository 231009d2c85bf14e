"""The images, classes and settings of a tiny campaign."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("dark", "light")
SETTINGS = {
    "campaign": {"name": "tiny", "classes": list(CLASSES), "rounds": 3, "open_next": False},
    "ingest": {"holdout": 6},
    "pretrain": {"encoder": "pixels"},
    "query": {"strategy": "typiclust", "budget": 4},
    "push": {"backend": "files", "min_side": 32},
    "evaluate": {"bootstrap": 100},
}


def make_images(folder: Path, count: int = 30, seed: int = 0) -> dict[str, str]:
    """Noisy dark and light squares; the true class by file name."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    truth = {}
    for _ in range(count):
        light = int(rng.integers(2))
        pixels = rng.integers(0, 90, (16, 16, 3)) + 150 * light
        name = f"{rng.integers(10**9):09d}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
        truth[name] = CLASSES[light]
    return truth
