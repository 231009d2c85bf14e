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
"""Of each picture the nearest others that are looked at."""

SHAPES = 8
"""Of a small picture so many waves in each direction are compared, without its mean."""

NEAR, NEAR_OF_ONE_SIZE = 0.3, 0.15
"""Distances between the waves of two pictures, of length 1, up to which the large ones are read.

JPEG at quality 60 makes 0.07, half the size of 28 by 28 pixels 0.3.
"""

FLAT = 8
"""Grey levels that a small picture must span: black frames are alike and no twins.
"""

PIXELS = 12.0
"""Largest difference of all pixels between twins, in grey levels."""

BLOCKS, BLOCKS_OF_SMALL, SMALL = 3.0, 5.0, 64
"""Largest difference of blocks between twins; that of pictures whose shorter side is less than so.

JPEG at quality 60 makes 2, and 5 of 28 by 28 pixels. A shift by a pixel makes 20, and two pictures
of one lesion 4.
"""

BLOCKS_OF_CLOSE, CLOSE = 8.0, 0.06
"""The same where all pixels differ by less than this share of the contrast: white was cut off."""

_AT_A_TIME = 4096
"""Pictures that are compared with others at a time."""


def groups(
    ids: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    small: NDArray[np.uint8],
    read: Callable[[str], Image.Image],
) -> dict[str, str]:
    """Of each sample that has twins, the least id of its group.

    sizes : in pixels; those of twins differ by one factor
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
    parent = {name: settled.get(name, name) for name in ids}
    parent |= {group: group for group in settled.values()}
    rows = np.flatnonzero(np.ptp(small, axis=1) >= FLAT)
    new = np.array([ids[row] not in settled for row in rows], dtype=bool)
    points = waves(small[rows])
    for a, b in _near(points, np.flatnonzero(new)):
        one, other = rows[a], rows[b]
        if not _likely(float(np.linalg.norm(points[a] - points[b])), sizes[one], sizes[other]):
            continue
        first, second = _first(parent, ids[one]), _first(parent, ids[other])
        if first != second and _alike(read(ids[one]), read(ids[other])):
            low, high = sorted((first, second))
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


def waves(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, SHAPES**2 - 1): the coarse waves of small pictures, of length 1.

    They stay if a picture is written at another size, or with another brightness and contrast.
    """
    side = fingerprints.SIDE
    place = (np.arange(side) + 0.5) * np.pi / side
    basis = np.cos(np.outer(np.arange(SHAPES), place)).astype(np.float32)  # DCT-II, not scaled
    basis[0] /= np.sqrt(2)
    found = np.empty((len(small), SHAPES * SHAPES - 1), dtype=np.float32)
    for start in range(0, len(small), _AT_A_TIME):
        part = slice(start, start + _AT_A_TIME)
        pictures = small[part].reshape(-1, side, side).astype(np.float32)
        found[part] = (basis @ pictures @ basis.T).reshape(len(pictures), -1)[:, 1:]
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
    return found


def _near(points: NDArray[np.float32], new: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of rows that may be twins, each once, of which one at least is in `new`.

    Old rows and new ones are searched apart. In one search, the copies that a new picture has among
    the new ones would be its nearest, and hide its old twin.
    """
    old = np.setdiff1d(np.arange(len(points)), new)
    pairs = {
        pair
        for rows, others in ((new, new), (new, old), (old, new))
        for pair in _nearest(points, rows, others)
    }
    return sorted(pairs)


def _nearest(
    points: NDArray[np.float32], rows: NDArray[np.int64], others: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Pairs of each of `rows` with the nearest of `others`, if these are near.

    Both in the order of their first wave: of those far away in it none is near.
    """
    if not len(rows) or not len(others):
        return []
    import faiss  # half a second, which every command would pay

    rows, others = (some[np.argsort(points[some, 0], kind="stable")] for some in (rows, others))
    heights, among = points[others, 0], np.ascontiguousarray(points[others])

    def look(part: NDArray[np.int64]) -> NDArray[np.int64]:
        ends = points[part[[0, -1]], 0] + np.array([-NEAR, NEAR], dtype=np.float32)
        low, high = np.searchsorted(heights, ends).tolist()
        k = min(NEIGHBOURS + 1, high - low)
        if not k:
            return np.empty((0, 2), dtype=np.int64)
        squares, places = faiss.knn(points[part], among[low:high], k)
        near = others[low:high][places]
        which, columns = np.nonzero((squares <= NEAR**2) & (near != part[:, None]))
        return np.sort(np.stack([part[which], near[which, columns]], axis=1), axis=1)

    with one_thread():
        found = np.concatenate(in_parallel(look, cut(rows, _AT_A_TIME)))
    return [(int(a), int(b)) for a, b in found]


def _likely(distance: float, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether large pictures are to be read: their sizes differ by one factor, but for a pixel."""
    if one == other:
        return distance <= NEAR_OF_ONE_SIZE
    (width, height), (larger_width, larger_height) = sorted((one, other))
    return abs(larger_height * width / larger_width - height) <= 1


def _alike(one: Image.Image, other: Image.Image) -> bool:
    gap = fingerprints.differ(one, other)
    if gap.pixels <= CLOSE * gap.contrast:
        return gap.blocks <= BLOCKS_OF_CLOSE
    small = min(*one.size, *other.size) < SMALL
    return gap.pixels <= PIXELS and gap.blocks <= (BLOCKS_OF_SMALL if small else BLOCKS)


def _first(parent: Mapping[str, str], name: str) -> str:
    while parent[name] != name:
        name = parent[name]
    return name
