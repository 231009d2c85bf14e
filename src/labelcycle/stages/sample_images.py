"""The images of samples, as the squares that an encoder takes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from labelcycle import decoding
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError
from labelcycle.nn.square_crop import square

THREADS = 4


def load_images(campaign: Campaign, samples: Sequence[Sample], size: int) -> NDArray[np.uint8]:
    """(n, size, size, 3) uint8, in the order of `samples`; 3 n size^2 bytes of memory.

    Raises DataError if the file of a sample is missing.
    """
    images = np.empty((len(samples), size, size, 3), dtype=np.uint8)

    def load(row: int) -> None:
        path = campaign.images / samples[row].file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(
                f"cannot read {path}: {error.strerror}; restore it with `dvc checkout`"
            ) from error
        images[row] = square(decoding.decode(data, ranges=samples[row].ranges).image, size)

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(load, range(len(samples))):
            pass
    return images


def median_side(samples: Sequence[Sample]) -> int:
    """Median of the images' shorter sides in pixels, of two the lower."""
    return median_low(min(sample.width, sample.height) for sample in samples)


def common_ranges(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Black and white of each kind of deep pixels, where all images of the kind share them."""
    found: dict[str, set[tuple[float, float]]] = {}
    for sample in samples:
        for kind, one in sample.ranges.items():
            found.setdefault(kind, set()).add(one)
    return {kind: next(iter(each)) for kind, each in sorted(found.items()) if len(each) == 1}
