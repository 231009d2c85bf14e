"""A dictionary of small patches, and how an image is described by it.

Coates, Lee and Ng 2011, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning",
sections 3.1 and 3.2; the two constants are section 3.1.1's, for values 0 to 255.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from labelcycle.core.clustering import kmeans
from labelcycle.core.threads import one_thread

CONTRAST = 10.0
"""Added to the variance of a patch before it is divided by it: flat patches stay flat."""

WHITENING = 0.1
"""Added to the eigenvalues of the patches' covariance: directions of mere noise stay small."""

Images = NDArray[np.uint8]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Dictionary:
    """k whitened patches that are typical of many images; d = side * side * channels.

    mean : (d,) float32; whitening : (d, d) float32; centres : (k, d) float32
    """

    mean: Rows
    whitening: Rows
    centres: Rows

    def pooled(self, image: Images, side: int, grid: int) -> Rows:
        """(grid * grid * k,) float32: how strongly each cell of the image shows each centre.

        image : (s, s, c) uint8. Each patch, one at every pixel, is active for the centres that
        are nearer to it than the mean of all centres, by how much they are ("triangle", section
        3.2.1); a cell sums its patches.
        """
        windows = sliding_window_view(image, (side, side), axis=(0, 1))  # type: ignore[call-overload]
        count = windows.shape[0]
        rows = normalised(windows.reshape(count * count, -1).astype(np.float32))
        points = (rows - self.mean) @ self.whitening
        squares = points @ self.centres.T
        squares *= -2
        squares += np.einsum("nd,nd->n", points, points)[:, None]
        squares += np.einsum("kd,kd->k", self.centres, self.centres)
        distances = np.sqrt(np.maximum(squares, 0, out=squares), out=squares)
        active = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0, out=distances)
        return np.asarray(cells(count, grid) @ active).ravel()


def cells(count: int, grid: int) -> Rows:
    """(grid * grid, count * count) float32: 1 where a cell holds a place, else 0."""
    of = np.arange(count) * grid // count
    both = (of[:, None] * grid + of).ravel()
    return np.asarray(both == np.arange(grid * grid)[:, None], dtype=np.float32)


def normalised(rows: Rows) -> Rows:
    """Each patch less its mean, over its deviation."""
    centred: Rows = rows - rows.mean(axis=1, keepdims=True)
    variance = np.einsum("nd,nd->n", centred, centred) / np.float32(rows.shape[1])
    return np.asarray(centred / np.sqrt(variance + np.float32(CONTRAST))[:, None])


def learn(
    images: Images, side: int, centres: int, patches: int, rng: np.random.Generator
) -> Dictionary:
    """The dictionary of patches drawn at random from images (n, s, s, c) uint8.

    At most `centres` of them: fewer where there are fewer distinct patches.
    Memory: 4 * patches * d bytes, some times. The same on any number of threads.
    """
    rows = normalised(drawn(images, side, patches, rng).astype(np.float32))
    with one_thread():
        mean = rows.mean(axis=0, dtype=np.float64)
        centred = rows - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(rows))
        whitening = vectors / np.sqrt(np.maximum(values, 0) + WHITENING) @ vectors.T
        points = (centred @ whitening).astype(np.float32)
    dictionary = kmeans(points, centres, rng, normalise=False).centres
    return Dictionary(mean.astype(np.float32), whitening.astype(np.float32), dictionary)


def drawn(images: Images, side: int, count: int, rng: np.random.Generator) -> Images:
    """(count, side * side * c) uint8: patches, each place of each image as likely as any other."""
    places = images.shape[1] - side + 1
    image = rng.integers(len(images), size=count)
    top, left = rng.integers(places, size=(2, count))
    windows = sliding_window_view(images, (side, side), axis=(1, 2))  # type: ignore[call-overload]
    return np.asarray(windows[image, top, left].reshape(count, -1))
