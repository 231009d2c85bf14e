"""By what a picture is known again: the very pixels, or nearly."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat

from labelcycle.core.digests import DIGITS

SIDE = 16
"""Of the small grey picture by which likely twins are found."""

BLOCK = 8
"""Side in pixels of the blocks whose mean brightness is compared."""

BRIGHTER = 1.4
"""Most by which the contrast of the same picture may differ."""

SEEN = 12
"""Most pixels of a side by which two pictures are brought to one brightness: of more, those of a
sharper one would seem to have more contrast."""

CUT = 4
"""Grey levels from black and from white where values may be cut off."""

_STRIP = 2**20
"""Pixels that are looked at at a time."""


def pixels_digest(image: Image.Image) -> str:
    """The same for images of the same mode, size and pixels."""
    sha256 = hashlib.sha256(f"{image.mode} {image.size}".encode())
    for strip in strips(image):
        sha256.update(strip.tobytes())
    return sha256.hexdigest()[:DIGITS]


def small(image: Image.Image) -> NDArray[np.uint8]:
    """(SIDE * SIDE,): the brightness of an image, each value the mean of a part of it."""
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX).convert("L")).ravel()


class Gap(NamedTuple):
    """How far two images are apart, in grey levels.

    blocks : largest difference between the mean brightness of blocks
    pixels : root of the mean square over all pixels
    contrast : standard deviation of the brightness of one of them
    """

    blocks: float
    pixels: float
    contrast: float


def differ(one: Image.Image, other: Image.Image) -> Gap:
    """How far two RGB images of nearly the same shape are apart.

    They are compared at the size of the smaller one, once the first is given the brightness and
    contrast of the second, as far as `BRIGHTER` allows; beyond that the gap is infinite.
    """
    size = min(one.size, other.size, key=lambda size: size[0] * size[1])
    one, other = (_at_size(image, size) for image in (one, other))
    gain, offset = _brightness(one, other)
    if not 1 / BRIGHTER <= gain <= BRIGHTER:
        return Gap(np.inf, np.inf, 0.0)
    one = one.point([round(min(max(gain * level + offset, 0), 255)) for level in range(256)] * 3)
    grey = [image.convert("L") for image in (one, other)]
    blocks = [np.asarray(image.reduce(BLOCK), np.int16) for image in grey]
    squares = 0.0
    for a, b in zip(strips(one), strips(other), strict=True):
        gaps = np.asarray(a, np.int16) - np.asarray(b, np.int16)
        squares += float(np.square(gaps, dtype=np.float32).sum(dtype=np.float64))
    pixels = one.width * one.height * len(one.getbands())
    largest = float(np.abs(blocks[0] - blocks[1]).max())
    return Gap(largest, (squares / pixels) ** 0.5, float(ImageStat.Stat(grey[1]).stddev[0]))


def _at_size(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)


def _brightness(one: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Gain and offset that bring the first nearest to the second, where neither is cut off."""
    shape = (min(one.width, SEEN), min(one.height, SEEN))
    both = np.stack([np.asarray(_at_size(image, shape), float).ravel() for image in (one, other)])
    inside = ((both > CUT) & (both < 255 - CUT)).all(axis=0)
    a, b = both[:, inside] if inside.mean() > 0.1 else both
    spread = float(a.var())
    if not spread:
        return 1.0, float(b.mean() - a.mean())
    gain = float(((a - a.mean()) * (b - b.mean())).mean() / spread)
    return gain, float(b.mean() - gain * a.mean())


def strips(image: Image.Image) -> Iterator[Image.Image]:
    """The image, some rows at a time: a large one is never held twice."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))
