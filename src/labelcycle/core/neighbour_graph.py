"""The graph of nearest neighbours of a whole pool: exact, or by inverted lists for large ones.

Memory: the points as float32, twice where inverted lists are used, and 8 k bytes a row; beside that
at most 128 MiB for earlier searches.
"""

import hashlib
from collections import OrderedDict

import numpy as np
import scipy.sparse  # type: ignore[import-untyped]
from numpy.typing import NDArray

from labelcycle.core.neighbours import unit_rows32
from labelcycle.core.threads import cut, in_parallel, one_thread

BLOCK_ROWS = 4096

PROBES = 32
"""Of the inverted lists, so many are searched; there are 4 sqrt(n)."""

LIST_ROWS = 40
"""Points for each inverted list from which its centre is learnt."""

KEPT = 4
"""Searches whose answers are kept: those of a pool and a test set are the same for every label."""

Near = tuple[NDArray[np.float32], NDArray[np.int32]]
"""Cosines (r, k), falling, and rows (r, k) of the neighbours."""

KEPT_BYTES = 16 * 2**20
"""Cosines of a search that is kept, at most; its rows take as much."""

_kept: OrderedDict[tuple[bytes, bytes, int, int], Near] = OrderedDict()


def nearest(
    points: NDArray[np.floating], queries: NDArray[np.floating], k: int, exact_up_to: int
) -> Near:
    """The k points with the largest cosine to each of `queries`, itself among them if it is one.

    points : (n, d), n >= 1; fewer than k come out where there are fewer points
    queries : (r, d)
    exact_up_to : beyond so many points the answer is of inverted lists, which miss some
    """
    key = _digest(points), _digest(queries), k, exact_up_to
    near = _kept.pop(key, None)
    if near is None:
        near = _searched(points, queries, min(k, len(points)), len(points) <= exact_up_to)
    if near[0].nbytes <= KEPT_BYTES:
        _kept[key] = near
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return near


def normalised(near: Near, sharpness: float) -> scipy.sparse.csr_matrix:
    """(n, n) float32, symmetric: weights between neighbours over the roots of both degrees.

    near : of each point among all points; the weight of a pair is its cosine to the power of
        `sharpness`, counted from both sides; a point is no neighbour of itself
    """
    cosines, rows = near
    n, k = rows.shape
    weights = weights_of(cosines, sharpness)
    weights[rows == np.arange(n)[:, None]] = 0
    starts = np.arange(0, n * k + 1, k)
    graph = scipy.sparse.csr_matrix((weights.ravel(), rows.ravel(), starts), shape=(n, n))
    graph = (graph + graph.T).tocsr()
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = np.zeros(n, dtype=np.float32)
    np.divide(1, np.sqrt(degrees), out=scale, where=degrees > 0)
    graph.data *= np.repeat(scale, np.diff(graph.indptr)) * scale[graph.indices]
    return graph


def weights_of(cosines: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """Of neighbours, from their cosines: 0 to 1."""
    weights: NDArray[np.float32] = np.clip(cosines, 0, 1) ** np.float32(sharpness)
    return weights


def _digest(array: NDArray[np.floating]) -> bytes:
    text = f"{array.dtype} {array.shape}".encode()
    return hashlib.blake2b(np.ascontiguousarray(array).data, key=text).digest()


def _searched(
    points: NDArray[np.floating], queries: NDArray[np.floating], k: int, exact: bool
) -> Near:
    import faiss  # half a second, which every command would pay

    with one_thread():
        index = _index(unit_rows32(points), exact)

        def search(rows: NDArray[np.int64]) -> Near:
            cosines, found = index.search(unit_rows32(queries[rows]), k)
            return cosines, found.astype(np.int32)

        blocks = cut(np.arange(len(queries)), BLOCK_ROWS)
        parts = in_parallel(search, blocks)
        assert faiss  # kept in use: `one_thread` finds it
    if not parts:
        return np.empty((0, k), np.float32), np.empty((0, k), np.int32)
    cosines = np.concatenate([part[0] for part in parts])
    rows = np.concatenate([part[1] for part in parts])
    missing = rows < 0  # lists with fewer points than k: no neighbour, of no weight
    return np.where(missing, np.float32(0), cosines), np.where(missing, np.int32(0), rows)


def _index(units: NDArray[np.float32], exact: bool):  # type: ignore[no-untyped-def]
    """An index of faiss by inner product."""
    import faiss

    flat = faiss.IndexFlatIP(units.shape[1])
    if exact:
        flat.add(units)
        return flat
    lists = min(int(4 * np.sqrt(len(units))), len(units))
    index = faiss.IndexIVFFlat(flat, units.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = LIST_ROWS
    index.nprobe = min(PROBES, lists)
    index.train(units)
    index.add(units)
    return index
