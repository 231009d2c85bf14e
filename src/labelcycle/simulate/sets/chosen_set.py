"""What a set of images is once it is found, before its pixels are read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelcycle.core import whole_groups
from labelcycle.core.digests import digest
from labelcycle.core.seeding import derive
from labelcycle.errors import DataError
from labelcycle.nn.square_crop import square

Labels = NDArray[np.int64]
Rows = NDArray[np.int64]

FILES_SIDE = 64
"""Side in pixels of images from files of their own, where none is told."""


@dataclass(frozen=True)
class Split:
    """Images with labels.

    labels : (n,) int64
    pixels : row and side in pixels -> (side, side, 3) uint8
    stamp : changes if the images do
    """

    labels: Labels
    pixels: Callable[[int, int], NDArray[np.uint8]]
    stamp: str

    def part(self, rows: Rows) -> "Split":
        """Some of the images, in the order of `rows`."""
        stamp = digest(self.stamp.encode() + rows.tobytes())
        return Split(self.labels[rows], lambda row, side: self.pixels(int(rows[row]), side), stamp)


@dataclass(frozen=True)
class Read:
    """A set: images to be read, or features, or both.

    side : of the images in pixels, where nothing else is told
    features : of both splits, ready-made
    pictured : there are images
    names : of the classes, where they have any
    """

    train: Split
    test: Split
    side: int = FILES_SIDE
    features: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None
    pictured: bool = True
    names: tuple[str, ...] = ()

    def thinned(self, factor: float) -> "Read":
        """Class c of the training set keeps n * factor ** (-c / (classes - 1)) rows at random.

        n : rows of the largest class. Cao et al. 2019 (arXiv 1906.07413), appendix C.
        """
        rows = long_tail(self.train.labels, factor)
        features = self.features and (self.features[0][rows], self.features[1])
        return replace(self, train=self.train.part(rows), features=features)


ReadSet = Callable[[Path, float], Read]
"""From a file or folder, and the share that measures where the set has no test set of its own.

Raises DataError that says what was wanted where.
"""


def check_folder(path: Path) -> None:
    """Raise DataError if there is no such folder."""
    if not path.is_dir():
        what = "wanted a folder, got a file" if path.exists() else "no such folder"
        raise DataError(f"{path}: {what}; nothing is downloaded: mend data.path, or --data")


def long_tail(labels: Labels, factor: float) -> Rows:
    """The rows that are left, rising; see `Read.thinned`."""
    rng, counts = derive(0, 0, "long tail"), np.bincount(labels)
    last = max(1, len(counts) - 1)
    kept = []
    for c, count in enumerate(counts):
        kept_count = min(int(counts.max() * factor ** (-c / last)), int(count))
        kept.append(rng.permutation(np.flatnonzero(labels == c))[:kept_count])
    return np.sort(np.concatenate(kept))


def of_array(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Split:
    """A split of images (n, h, w, 3) or grey ones (n, h, w)."""

    def pixels(row: int, side: int) -> NDArray[np.uint8]:
        image: NDArray[np.uint8] = images[row]
        if image.shape == (side, side, 3):
            return image
        return square(Image.fromarray(image).convert("RGB"), side)

    stamp = digest(np.ascontiguousarray(images).tobytes())
    return Split(labels.astype(np.int64), pixels, stamp)


def drawn(whole: Split, share: float, groups: Rows | None = None) -> tuple[Split, Split]:
    """Training and test split, drawn at random; samples of one group stay together.

    share : of the samples that measure
    """
    n = len(whole.labels)
    groups = np.arange(n) if groups is None else groups
    order = derive(0, 0, "split").permutation(int(groups.max()) + 1)
    ends = np.cumsum(np.bincount(groups)[order])
    tested = np.isin(groups, order[: max(1, int(np.searchsorted(ends, share * n, "right")))])
    return whole.part(np.flatnonzero(~tested)), whole.part(np.flatnonzero(tested))


def drawn_whole(whole: Split, share: float, groups: Rows) -> tuple[Split, Split]:
    """Training and test split as a campaign draws its hold-out where it has named groups.

    groups : (n,) 0 to g - 1. Each is as likely in the test set, whatever its size
    Raises DataError if there are fewer than two.
    """
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        raise DataError(
            "data.group: all images are of one group, or joined by near copies; wanted two groups"
            " at least, one to train and one to test"
        )
    order, behind = whole_groups.around(sizes.tolist(), derive(0, 0, "split"))
    due = min(max(1, int(np.sum(behind < share * len(groups)))), len(sizes) - 1)
    tested = np.isin(groups, order[:due])
    return whole.part(np.flatnonzero(~tested)), whole.part(np.flatnonzero(tested))
