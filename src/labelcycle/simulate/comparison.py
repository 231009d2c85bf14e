"""What the trials of a comparison have in common: the data, the pool, the budgets."""

import hashlib
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign import numpy_files
from labelcycle.core.seeding import derive
from labelcycle.stages import cluster

Features = NDArray[np.floating]
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Data:
    """Features, or images, or both, and the labels of a training set and a test set.

    train, test : (n, d) float16 or float32
    train_images, test_images : (n, s, s, 3) uint8
    pixels : digest of the images

    Arrays may be memory-mapped files; of such a one another process gets the path.
    """

    train: Features
    train_labels: NDArray[np.int64]
    test: Features
    test_labels: NDArray[np.int64]
    train_images: Images | None = None
    test_images: Images | None = None
    pixels: str = ""

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: _packed(getattr(self, item.name)) for item in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            opened = numpy_files.read_array(value) if isinstance(value, Path) else value
            object.__setattr__(self, name, opened)

    def fingerprint(self) -> str:
        """16 hex digits, of the features, labels and images."""
        digest = hashlib.sha256(self.pixels.encode())
        for array in (self.train, self.train_labels, self.test, self.test_labels):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]


def _packed(array: NDArray[Any] | str | None) -> NDArray[Any] | str | Path | None:
    """The file of an array that is a whole file."""
    if isinstance(array, np.memmap) and array.filename:
        path = Path(array.filename)
        if array.offset + array.nbytes == path.stat().st_size:
            return path
    return array


@dataclass(frozen=True)
class LabelSet:
    """Features, labels, and whether classes count alike.

    balanced : measure the mean recall of the classes, not the share of right answers
    names : of the classes, for figures; none where the set has none
    """

    name: str
    data: Data
    balanced: bool
    names: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 1 + int(max(self.data.train_labels.max(), self.data.test_labels.max()))


def pool_rows(n: int, pool: int, seed: int) -> NDArray[np.int64]:
    """`pool` of `n` rows as a seed draws them, rising; all if there are fewer."""
    if n <= pool:
        return np.arange(n)
    return np.sort(derive(seed, 0, "pool").choice(n, pool, replace=False))


@dataclass(frozen=True)
class Problem:
    """What all trials have in common.

    pool : rows of the training set that a seed draws, all if there are fewer
    budgets : labels after each round, rising
    initial : labels that are there before round 0, drawn at random
    stage : `max_clusters` and `normalise` of the stage `cluster`
    features : whose clusters and strategies read: the "encoder"'s, or the current "model"'s own
    """

    source: LabelSet
    pool: int
    budgets: tuple[int, ...]
    initial: int = 0
    stage: cluster.Options = field(default_factory=cluster.Options)
    features: str = "encoder"

    def rounds(self) -> list[tuple[int, int]]:
        """Number, and labels bought, of each round."""
        totals = pairwise((self.initial, *self.budgets))
        return list(enumerate(after - before for before, after in totals))

    @property
    def measured(self) -> tuple[int, ...]:
        """Labels at which the model is measured."""
        return (self.initial, *self.budgets) if self.initial else self.budgets

    def rows(self, seed: int) -> NDArray[np.int64]:
        """The training rows of a seed's pool, rising."""
        return pool_rows(len(self.source.data.train_labels), self.pool, seed)

    def record(self) -> dict[str, Any]:
        """All that a figure depends on, for JSON."""
        stage = self.stage.model_dump(mode="json", include={"max_clusters", "normalise"})
        return {
            "data": self.source.name,
            "fingerprint": self.source.data.fingerprint(),
            "pool": self.pool,
            "initial": self.initial,
            "budgets": list(self.budgets),
            "stage": stage,
            "features": self.features,
        }
