"""Principal components."""

import numpy as np
from numpy.typing import NDArray


def principal_components(centred: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(k, d) float64, orthonormal rows by falling variance; the largest loading is positive.

    centred : (n, d), columns of mean zero. k is `count` or the rank, if that is less, at least 1.
    """
    n, d = centred.shape
    if n < d:  # eigenvectors of the smaller of the two products; they have the same eigenvalues
        values, small = np.linalg.eigh(centred @ centred.T)
        vectors = small.T @ centred
    else:
        values, small = np.linalg.eigh(centred.T @ centred)
        vectors = small.T
    order = np.argsort(-values, kind="stable")
    real = order[values[order] > max(values.max(), 0) * d * np.finfo(np.float64).eps]
    if not len(real):  # all images are the same
        return np.eye(1, d)
    kept = vectors[real[:count]]
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    largest = np.abs(kept).argmax(axis=1)
    return np.asarray(kept * np.sign(kept[np.arange(len(kept)), largest])[:, None])
