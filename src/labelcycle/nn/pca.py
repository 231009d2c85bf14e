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


def standardised_components(
    rows: NDArray[np.floating], count: int, weights: NDArray[np.floating] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(mean, components): `(row - mean) @ components.T` are the components of standardised rows.

    rows : (n, d); mean : (d,) float64; components : (k, d) float64, k as in `principal_components`
    weights : (d,) above 0, by which standardised columns count; None: all alike

    Columns are brought to deviation 1 first; one that is constant gives nothing. One scale for
    all components makes their mean square over `rows` 1, their proportions stay.
    """
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    spread = np.sqrt(np.square(centred).mean(axis=0))
    deviation = np.where(spread < 1e-6, np.inf, spread)
    if weights is not None:
        deviation = deviation / weights
    centred /= deviation
    components = principal_components(centred, count)
    scale = np.sqrt(np.square(centred @ components.T).mean())
    return mean, components / (scale if scale > 0 else 1) / deviation
