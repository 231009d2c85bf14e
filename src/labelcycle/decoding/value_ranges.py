"""Pixels of more than 8 bits: which values become black and white.

Such files hold measurements: 12 bits of a microscope in 16, hundredths of a kelvin, millimetres,
heights with a value for "nothing measured". What is black and what is white is not in the file,
so it is found from the values, best from those of all images together (`common`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelcycle.decoding.high_bit_depth import Deep
from labelcycle.errors import DataError

Range = tuple[float, float]
"""The values that become black and white."""

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

FAINT = 1 / 8
"""Share of a range below which an image uses so little of it that it may look like one grey."""

_OPAQUE = 2**16 - 1


@dataclass(frozen=True)
class Values:
    """What is known of the deep pixels of an image.

    kind : as `Deep.kind`
    low, high : the ends of its values, without outliers and without what means nothing
    """

    kind: str
    low: float
    high: float


def measured(deep: Deep, pixels: int) -> Values | None:
    """The ends of the values of a deep image, of all channels together; None if none is seen.

    pixels : how many there are
    Raises DataError if no pixel has a value.
    """
    step = max(1, pixels // _SAMPLED)
    strips = [_seen(deep, strip, step).astype(np.float64) for strip in deep.strips()]
    values = np.concatenate(strips)
    if values.size == 0:  # all are transparent
        return None
    values = values[np.isfinite(values)]
    if deep.nothing is not None and (values != deep.nothing).any():
        values = values[values != deep.nothing]
    if values.size == 0:
        raise DataError("no pixels: every value is NaN or infinite")
    values.sort()
    values = -_without_apart(-_without_apart(values)[::-1])[::-1]
    return Values(deep.kind, *_ends(values, values, OUTLIERS))


def _seen(deep: Deep, strip: NDArray[Any], step: int) -> NDArray[Any]:
    """The values of every `step`-th pixel that is not transparent, in one row."""
    rows = strip.reshape(-1, 1 if strip.ndim == 2 else strip.shape[2])[::step]
    if deep.alpha:
        rows = rows[rows[:, -1] > 0, :-1]
    if deep.paper is not None:
        rows = rows[(rows != np.array(deep.paper)).any(axis=1)]
    return rows.reshape(-1)


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
    measured_images = list(images)
    ranges = {}
    for name in sorted({one.kind for one in measured_images}):
        lows = np.sort([one.low for one in measured_images if one.kind == name])
        highs = np.sort([one.high for one in measured_images if one.kind == name])
        ranges[name] = fitting(name, *_ends(lows, highs, ODD_IMAGES))
    return ranges


def scaled(
    deep: Deep, size: tuple[int, int], values: Values, ranges: Mapping[str, Range]
) -> Image.Image:
    """A deep image in 8 bits a channel, by the range of its kind, or by its own values.

    NaN and what means nothing is black, a colour that is declared transparent is white. The
    opacity keeps its proportions: see `_opaque`.
    """
    low, high = _chosen(values, ranges)
    span = (high - low) or 1.0  # an image of one value becomes black
    opaque = _opaque(deep, high) if deep.alpha else _OPAQUE
    shown, top = None, 0
    for strip in deep.strips():
        unit = (np.nan_to_num(strip.astype(np.float64), nan=low) - low) / span
        if deep.alpha:
            unit[..., -1] = strip[..., -1] / opaque
        rows = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
        if deep.nothing is not None:
            rows[strip == deep.nothing] = 0
        if deep.paper is not None:
            same = strip == np.array(deep.paper)
            rows[same if strip.ndim == 2 else same.all(axis=-1)] = 255
        if shown is None:
            shown = np.empty((size[1], size[0], *rows.shape[2:]), np.uint8)
        shown[top : top + len(rows)] = rows
        top += len(rows)
    assert shown is not None, f"no rows of {size}"
    return Image.fromarray(shown)


def _opaque(deep: Deep, high: float) -> float:
    """The opacity of what nothing shines through.

    It is that of 16 bits, unless colours use fewer bits and so does the opacity.
    """
    most = max(float(strip[..., -1].max()) for strip in deep.strips())
    return high if 0 < most <= high else _OPAQUE


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


def faint(values: Values, chosen: Range) -> bool:
    """Whether an image of more than one value uses little of a range."""
    low, high = chosen
    used = min(values.high, high) - max(values.low, low)
    return values.high > values.low and used < FAINT * (high - low)


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
