"""Groups of samples that stay whole: who belongs together, and a random part of the groups."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def connected(keys: Sequence[Iterable[Hashable]]) -> Numbers:
    """(n,) number of each row's component: rows that share a key are in one, and so on from them.

    keys : of each row; a row without any is a component by itself

    >>> connected([["a"], ["b"], ["a", "c"], [], ["c"]]).tolist()
    [0, 1, 0, 2, 0]
    """
    from scipy.sparse import coo_array  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    columns: dict[Hashable, int] = {}
    pairs = [
        (row, columns.setdefault(key, len(columns)))
        for row, each in enumerate(keys)
        for key in each
    ]
    n, size = len(keys), len(keys) + len(columns)
    rows, keys_of_rows = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (rows, n + keys_of_rows)), shape=(size, size))
    found = connected_components(graph, directed=False)[1][:n]
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def drawn(sizes: Sequence[int], wanted: float, rng: np.random.Generator) -> Numbers:
    """Places of groups with about `wanted` samples in all; each is as likely, whatever its size.

    Systematic sampling in random order from a random start (Madow and Madow, Annals of Mathematical
    Statistics 15 (1944) 1-24): the groups lie around a circle, each as long as it has samples.
    Those whose middle is in an arc of the length `wanted` are drawn. So the number of samples is
    `wanted` on average, and misses it by no more than half of the two groups at the arc's ends.

    sizes : samples of each group, 1 or more
    wanted : 0 to their sum

    >>> len(drawn([1] * 10, 3, np.random.default_rng(0)))
    3
    """
    order, behind = around(sizes, rng)
    return order[behind < wanted]


def around(sizes: Sequence[int], rng: np.random.Generator) -> tuple[Numbers, NDArray[np.float64]]:
    """Places of the groups from the start of the arc on, and how far from it their middles are."""
    order = rng.permutation(len(sizes))
    lengths = np.array(sizes, dtype=np.float64)[order]
    total = lengths.sum()
    behind = (lengths.cumsum() - lengths / 2 - total * rng.random()) % max(total, 1)
    along = np.argsort(behind, kind="stable")
    return order[along].astype(np.int64), behind[along]
