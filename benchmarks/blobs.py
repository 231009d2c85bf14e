"""Features to time strategies on: blobs of unequal sizes that overlap, as those of images do.

Row i of the n rows belongs to blob b(i) and is

    unit(centre_b + 0.7 noise),   centre_b = unit(sqrt(0.4) u + sqrt(0.2) v_class + sqrt(0.4) w_b)

u is common to all, v to the blobs of a class, w to one blob; the class of blob b is b mod 10. u, v,
w (of length 1) and the noise are normal with a standard deviation of (j + 1)^-0.7 in dimension j,
scaled so that the noise has a mean squared length of 1: few directions carry most of it, the same
for centres and noise, which is why the blobs overlap.

Sizes: blob b of G has floor(n * s_b) rows, s_b = (b + 1)^-0.5 / sum of these, and what rounding
leaves goes to blob 0. With n = 20,000 and G = 60 that is 1,449, 1,003, 819, ..., 183; with
n = 1,000,000 and G = 300: 30,259, 21,292, 17,385, ..., 1,738. The rows are shuffled.

`python benchmarks/blobs.py` prints what comes out, here of 20,000 rows: the mean cosine within a
blob and between any two rows, how many rows lie nearest to the mean of their own blob, and of
their own class's blobs:

      d    blobs  within  between  own blob  own class
    128       60    0.69     0.27      0.88       0.94
    512      300    0.68     0.30      0.81       0.91
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
COMMON, OF_CLASS = 0.4, 0.2
"""Shares of a centre's squared length; the blob's own is what is left of 1."""

NOISE = 0.7
DECAY = 0.7
BLOCK_ROWS = 65_536
VERSION = 1
"""Part of the files' names: to be raised when other rows come out."""


@dataclass(frozen=True)
class Blobs:
    """What to make: n rows, d dimensions, so many blobs, "float32" or "float16"."""

    n: int
    d: int
    blobs: int
    dtype: str = "float32"
    seed: int = 0

    def sizes(self) -> NDArray[np.int64]:
        """(blobs,) int64, rows of each blob, falling."""
        shares = np.arange(1, self.blobs + 1) ** -0.5
        sizes = np.floor(self.n * shares / shares.sum()).astype(np.int64)
        sizes[0] += self.n - sizes.sum()
        return sizes

    def belonging(self) -> NDArray[np.int64]:
        """(n,) int64, the blob of each row."""
        rng = np.random.default_rng([self.seed, 1])
        return rng.permutation(np.repeat(np.arange(self.blobs), self.sizes()))

    def classes(self) -> NDArray[np.int64]:
        """(n,) int64, the class of each row, 0 to 9."""
        return self.belonging() % CLASSES

    def write(self, folder: Path) -> Path:
        """The `.npy` of the rows, made in blocks unless it is there already."""
        name = f"blobs-{VERSION}-{self.n}-{self.d}-{self.blobs}-{self.seed}-{self.dtype}.npy"
        path = folder / name
        if path.exists():
            return path
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{name}.part")
        shape = (self.n, self.d)
        rows = np.lib.format.open_memmap(part, "w+", np.dtype(self.dtype), shape)
        belonging, centres = self.belonging(), self._centres()
        for start in range(0, self.n, BLOCK_ROWS):
            block = slice(start, min(start + BLOCK_ROWS, self.n))
            rng = np.random.default_rng([self.seed, 2, start])
            noise = rng.standard_normal((block.stop - start, self.d), dtype=np.float32)
            rows[block] = _unit(centres[belonging[block]] + noise * (NOISE * self._spread()))
        rows.flush()
        part.replace(path)
        return path

    def _spread(self) -> NDArray[np.float32]:
        """(d,) standard deviations whose squares sum to 1."""
        return _unit(np.arange(1, self.d + 1) ** -DECAY).astype(np.float32)

    def _centres(self) -> NDArray[np.float32]:
        rng = np.random.default_rng([self.seed, 0])
        drawn = rng.standard_normal((1 + CLASSES + self.blobs, self.d)) * self._spread()
        parts = _unit(drawn)
        of_class = parts[1 + np.arange(self.blobs) % CLASSES]
        own = parts[1 + CLASSES :]
        mixed = COMMON**0.5 * parts[0] + OF_CLASS**0.5 * of_class
        return _unit(mixed + (1 - COMMON - OF_CLASS) ** 0.5 * own).astype(np.float32)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def described(blobs: Blobs, folder: Path) -> str:
    """The line of the table above."""
    rows = np.load(blobs.write(folder)).astype(np.float64)
    belonging, sizes = blobs.belonging(), blobs.sizes()
    sums = np.zeros((blobs.blobs, blobs.d))
    np.add.at(sums, belonging, rows)
    pairs = (sums**2).sum(axis=1) - sizes
    within = np.mean(pairs / (sizes * (sizes - 1)))
    between = ((sums.sum(axis=0) ** 2).sum() - blobs.n) / (blobs.n * (blobs.n - 1))
    means = sums / sizes[:, None]
    nearest = ((means**2).sum(axis=1) - 2 * rows @ means.T).argmin(axis=1)
    own = np.mean(nearest == belonging)
    right = np.mean(nearest % CLASSES == belonging % CLASSES)
    return (
        f"{blobs.d:>7}{blobs.blobs:>9}{within:>8.2f}{between:>9.2f}{own:>10.2f}{right:>11.2f}"
        f"   sizes {', '.join(str(size) for size in sizes[:3])}, ..., {sizes[-1]}"
    )


if __name__ == "__main__":
    print(f"{'d':>7}{'blobs':>9}{'within':>8}{'between':>9}{'own blob':>10}{'own class':>11}")
    with tempfile.TemporaryDirectory() as scratch:
        for d, count in ((128, 60), (512, 300)):
            print(described(Blobs(20_000, d, count), Path(scratch)))
    large = Blobs(1_000_000, 512, 300).sizes()
    print("1,000,000 rows, 300 blobs:", *large[:3], "...", large[-1])
