"""Pixels of more than 8 bits: which values become black and white.

Such files hold measurements: 12 bits of a microscope in 16, hundredths of a kelvin, millimetres,
heights with a value for "nothing measured". What is black and what is white is not in the file,
so it is found from the values, best from those of all images together (`common`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelcycle.errors import DataError
from labelcycle.imaging.fingerprints import strips

Range = tuple[float, float]
"""The values that become black and white."""

KINDS = {"I": "integer", "F": "float"}
"""Pillow's modes of deep pixels, with what such pixels are called; I;16 and the like: 16-bit.

Signed integers of 16 bits are integers of 32 to Pillow.
"""

OUTLIERS = 0.001
"""Share of the pixels at either end that may be left out: dead and hot pixels of a sensor."""

ODD_IMAGES = 0.01
"""Share of the images at either end whose values may be left out of a common range."""

LEVELS = 16
"""Different values besides one that lies apart, from which that one means "nothing measured"."""

USED = 0.25
"""Share of a range in common use that the values must span, else they get one of their own."""

_SAMPLED = 2**20
"""Pixels that are looked at; of larger images every k-th."""

_NOTHING = 42113  # the TIFF tag in which GDAL writes the value of pixels without a measurement


@dataclass(frozen=True)
class Values:
    """What is known of the deep pixels of an image.

    kind : "16-bit", "integer" or "float"
    low, high : the ends of its values, without outliers and without what means nothing
    """

    kind: str
    low: float
    high: float


def kind(mode: str) -> str | None:
    """What pixels of a mode of Pillow are called if they have more than 8 bits, else None."""
    return "16-bit" if mode.startswith("I;16") else KINDS.get(mode)


def measured(image: Image.Image) -> Values:
    """The ends of the values of a deep image. Raises DataError if no pixel has a value."""
    name = kind(image.mode)
    assert name, f"not deep: {image.mode}"
    step = max(1, image.width * image.height // _SAMPLED)
    found = [strip.reshape(-1)[::step].astype(np.float64) for strip in _strips(image)]
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    nothing = _nothing(image)
    if nothing is not None and (values != nothing).any():
        values = values[values != nothing]
    if values.size == 0:
        raise DataError("no pixels: every value is NaN or infinite")
    values.sort()
    values = -_without_apart(-_without_apart(values)[::-1])[::-1]
    return Values(name, *_ends(values, values, OUTLIERS))


def fitting(name: str, low: float, high: float) -> Range:
    """Black and white for values of the kind `name` from `low` to `high`.

    From 0 to the least whole number of bits that holds them (floats: to 1), so that brightness
    keeps its proportions and pictures of 16 bits stay as they are. Values that would fill less
    than a quarter of that, or negative ones, get the range from `low` to `high`.
    """
    if low < 0:
        return low, high
    top = 1.0 if name == "float" else float(2 ** max(8, int(high).bit_length()) - 1)
    if high <= top and (high - low >= USED * top or low == high):
        return 0.0, top
    return low, high


def common(images: Iterable[Values]) -> dict[str, Range]:
    """Black and white for each kind of pixels in `images`, the same for all of a kind."""
    each = list(images)
    ranges = {}
    for name in sorted({one.kind for one in each}):
        lows = np.sort([one.low for one in each if one.kind == name])
        highs = np.sort([one.high for one in each if one.kind == name])
        ranges[name] = fitting(name, *_ends(lows, highs, ODD_IMAGES))
    return ranges


def scaled(image: Image.Image, values: Values, ranges: Mapping[str, Range]) -> Image.Image:
    """Grey RGB of a deep image, by the range of its kind, or by its own values without one.

    NaN and what means nothing is black, a colour that is declared transparent is white.
    """
    low, high = _chosen(values, ranges)
    span = (high - low) or 1.0  # an image of one value becomes black
    paper = image.info.get("transparency")
    nothing = _nothing(image)
    grey = np.empty((image.height, image.width), np.uint8)
    top = 0
    for strip in _strips(image):
        unit = (np.nan_to_num(strip.astype(np.float64), nan=low) - low) / span
        rows = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
        if nothing is not None:
            rows[strip == nothing] = 0
        if isinstance(paper, int):
            rows[strip == paper] = 255
        grey[top : top + len(rows)] = rows
        top += len(rows)
    return Image.fromarray(grey).convert("RGB")


def note(values: Values, ranges: Mapping[str, Range]) -> str:
    """What was made of the values of an image, for people."""
    low, high = _chosen(values, ranges)
    beyond = values.low < low or values.high > high
    cut = f", its {values.low:g} to {values.high:g} cut off" if beyond else ""
    return f"{mark(values)}: {low:g} black, {high:g} white{cut}"


def mark(values: Values) -> str:
    """How every such note begins."""
    return f"{values.kind} values scaled"


def _chosen(values: Values, ranges: Mapping[str, Range]) -> Range:
    return ranges.get(values.kind) or fitting(values.kind, values.low, values.high)


def _strips(image: Image.Image) -> Iterator[NDArray[Any]]:
    return (np.asarray(strip) for strip in strips(image))


def _nothing(image: Image.Image) -> float | None:
    """The value that the file says means "nothing measured"."""
    text = getattr(image, "tag_v2", {}).get(_NOTHING)
    try:
        return float(str(text).strip("\0 "))
    except ValueError:
        return None


def _without_apart(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rising `values` without the lowest if it lies further from the rest than they span.

    So does 0, -9999 or -32768 where nothing was measured. Masks have too few values for it.
    """
    rest = values[np.searchsorted(values, values[0], "right") :]
    if rest.size and rest[0] - values[0] > rest[-1] - rest[0] and len(np.unique(rest)) >= LEVELS:
        return rest
    return values


def _ends(lows: NDArray[np.float64], highs: NDArray[np.float64], share: float) -> Range:
    """First of the rising `lows` and last of `highs`.

    At either end at most `share` of them are left out, if they lie further from the others than
    those span.
    """
    last = int(share * (len(lows) - 1))
    inner_low, inner_high = float(lows[last]), float(highs[-1 - last])
    low, high, span = float(lows[0]), float(highs[-1]), inner_high - inner_low
    if span > 0 and inner_low - low > span:
        low = inner_low
    if span > 0 and high - inner_high > span:
        high = inner_high
    return low, high
