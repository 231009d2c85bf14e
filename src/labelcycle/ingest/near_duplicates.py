"""Samples that show nearly the same picture: one written as PNG and as JPEG, for example.

A hold-out that holds a twin of an image that was trained on measures memory. Twins are found here
and stay on one side. What differs to the eye is no twin: pictures of a burst, two lesions.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelcycle.core.threads import cut, in_parallel, one_thread
from labelcycle.decoding import fingerprints

NEIGHBOURS = 4
"""Of each small picture the nearest others that are looked at."""

NEAR = 4.0
"""Grey levels between small pictures (root of the mean square) up to which the large ones are read.

JPEG at quality 75 moves those of photographs by 0.4, of 28 by 28 pixels by 4.2.
"""

FLAT = 8
"""Grey levels that a small picture must span: black frames are alike and no twins.
"""

BLOCKS = 3.0
"""Largest difference of blocks between twins. JPEG at quality 60 makes 3, a shift by a pixel 20."""

PIXELS = 12.0
"""Largest difference of all pixels between twins, for colours that are equally bright."""


def groups(
    ids: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    small: NDArray[np.uint8],
    read: Callable[[str], Image.Image],
) -> dict[str, str]:
    """Of each sample that has twins, the least id of its group.

    sizes : in pixels; twins have the same
    small : (n, d), from `fingerprints.small`
    read : from an id to its image
    """
    return {name: keys[0] for name, keys in joined(ids, sizes, small, read, {}).items()}


def joined(
    ids: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    small: NDArray[np.uint8],
    read: Callable[[str], Image.Image],
    settled: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    """Of each sample with twins that is not settled, the groups that it belongs to.

    These are the groups of its settled twins, or, if it has none, the least id of its own.

    settled : id of each sample that was compared with the others before, and its group. Two of
        them are not compared again; their group is their own id where they have no twin
    """
    of_size = defaultdict(list)
    for row, size in enumerate(sizes):
        if np.ptp(small[row]) >= FLAT:
            of_size[size].append(row)
    parent = {name: settled.get(name, name) for name in ids}
    parent |= {group: group for group in settled.values()}
    for rows in of_size.values():
        new = np.array([ids[row] not in settled for row in rows])
        for a, b in _near(small[rows], np.flatnonzero(new)):
            one, other = ids[rows[a]], ids[rows[b]]
            if _first(parent, one) != _first(parent, other) and _alike(read(one), read(other)):
                low, high = sorted((_first(parent, one), _first(parent, other)))
                parent[high] = low
    members = defaultdict(list)
    for name in ids:
        members[_first(parent, name)].append(name)
    return {
        name: tuple(sorted({settled[other] for other in twins if other in settled})) or (first,)
        for first, twins in members.items()
        if len(twins) > 1
        for name in twins
        if name not in settled
    }


def _near(small: NDArray[np.uint8], new: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of rows that may be twins, each once, of which one at least is in `new`.

    Old rows and new ones are searched apart. In one search, the copies that a new picture has among
    the new ones would be its nearest, and hide its old twin.
    """
    old = np.setdiff1d(np.arange(len(small)), new)
    pairs = {
        pair
        for rows, others in ((new, new), (new, old), (old, new))
        for pair in _nearest(small, rows, others)
    }
    return sorted(pairs)


def _nearest(
    small: NDArray[np.uint8], rows: NDArray[np.int64], others: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Pairs of each of `rows` with the nearest of `others`, if these are near."""
    if not len(rows) or not len(others):
        return []
    import faiss  # half a second, which every command would pay

    points, k = small.astype(np.float32), min(NEIGHBOURS + 1, len(others))
    among = points[others]
    with one_thread():
        parts = in_parallel(lambda part: faiss.knn(points[part], among, k), cut(rows, 4096))
    squares, places = (np.concatenate(each) for each in zip(*parts, strict=True))
    near = others[places]
    close = (squares <= NEAR**2 * points.shape[1]) & (near != rows[:, None])
    which, columns = np.nonzero(close)
    found = zip(rows[which].tolist(), near[which, columns].tolist(), strict=True)
    return [(min(a, b), max(a, b)) for a, b in found]


def _alike(one: Image.Image, other: Image.Image) -> bool:
    blocks, pixels = fingerprints.differ(one, other)
    return blocks <= BLOCKS and pixels <= PIXELS


def _first(parent: Mapping[str, str], name: str) -> str:
    while parent[name] != name:
        name = parent[name]
    return name
