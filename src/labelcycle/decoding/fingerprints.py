"""By what a picture is known again: the very pixels, or nearly."""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelcycle.core.digests import DIGITS

SIDE = 16
"""Of the small grey picture by which likely twins are found."""

BLOCK = 8
"""Side in pixels of the blocks whose mean brightness is compared."""

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


def differ(one: Image.Image, other: Image.Image) -> tuple[float, float]:
    """How far two RGB images of one size are apart, in grey levels.

    The largest difference between the mean brightness of blocks, and the root of the mean square
    over all pixels.
    """
    blocks = [np.asarray(image.convert("L").reduce(BLOCK), np.int16) for image in (one, other)]
    squares = 0.0
    for a, b in zip(strips(one), strips(other), strict=True):
        gaps = np.asarray(a, np.int16) - np.asarray(b, np.int16)
        squares += float(np.square(gaps, dtype=np.float32).sum(dtype=np.float64))
    pixels = one.width * one.height * len(one.getbands())
    return float(np.abs(blocks[0] - blocks[1]).max()), (squares / pixels) ** 0.5


def strips(image: Image.Image) -> Iterator[Image.Image]:
    """The image, some rows at a time: a large one is never held twice."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))
