"""Pixels of more than 8 bits as a file holds them, whatever Pillow makes of them.

Pillow keeps the upper byte where a pixel has several channels of 16 bits, and takes unsigned
integers of 32 bits for signed ones and signed bytes for unsigned ones.
"""

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from labelcycle.decoding.fingerprints import strips

KINDS = {"I": "integer", "F": "float"}
"""Pillow's modes of deep pixels, with what such pixels are called; I;16 and the like: 16-bit.

Signed integers of 16 bits are integers of 32 to Pillow.
"""

COLOUR = "16-bit colour"
"""What pixels of three channels of 16 bits are called; grey with alpha is called as grey is."""

# Tags of TIFF 6.0, and the one in which GDAL writes the value of pixels without a measurement.
_BITS, _PHOTOMETRIC, _PLANES, _FORMAT, _NOTHING = 258, 262, 284, 339, 42113

_WHITE_IS_ZERO, _SIGNED = 0, 2

_NATIVE = "L" if sys.byteorder == "little" else "B"

UPPER = "16-bit colour in planes: the upper 8 bits are seen"


@dataclass(frozen=True)
class Deep:
    """The pixels of a file, once that is loaded.

    kind : "16-bit", "16-bit colour", "integer" or "float"
    alpha : whether the last channel is the opacity, 0 where nothing is seen
    strips : some rows at a time, (h, w) or (h, w, channels)
    nothing : the value that the file says means "nothing measured"
    paper : the value, or the colour, that the file says is transparent
    note : on what could not be read
    """

    kind: str
    alpha: bool
    strips: Callable[[], Iterator[NDArray[Any]]]
    nothing: float | None = None
    paper: int | tuple[int, ...] | None = None
    note: str | None = None


def kind(opened: ImageFile.ImageFile) -> str | None:
    """What the pixels of a file that is not loaded yet are called; None for 8 bits or less."""
    if opened.mode.startswith("I;16"):
        return "16-bit"
    if opened.mode in KINDS:
        return KINDS[opened.mode]
    if opened.mode == "L" and _tag(opened, _FORMAT) == (_SIGNED,):
        return "integer"
    return {"RGB": COLOUR, "RGBA": COLOUR, "LA": "16-bit"}.get(_wide(opened))


def of(data: bytes, opened: ImageFile.ImageFile) -> Deep | None:
    """The pixels of a file of more than 8 bits; None for others.

    data : the bytes of `opened`, which is not loaded yet; what it reads may change by this
    """
    name = kind(opened)
    if name is None:
        return None
    bands = _wide(opened)
    if bands == "LA":
        pairs = _loaded(_open(_grey_as_bytes(data)))
        return Deep(name, True, lambda: (_joined(a[..., ::2], a[..., 1::2]) for a in _rows(pairs)))
    if bands:
        return _wide_pixels(name, bands, data, opened)
    meant, nothing, paper = _meaning(opened), _nothing(opened), opened.info.get("transparency")
    return Deep(
        name,
        False,
        lambda: (meant(rows) for rows in _rows(opened)),
        None if nothing is None else float(meant(np.array(nothing))),
        paper if isinstance(paper, int) else None,
    )


# --- one channel ---------------------------------------------------------------------------


def _meaning(opened: ImageFile.ImageFile) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """From the values that Pillow reads to those that the file means; brighter is more."""
    bits, form = _tag(opened, _BITS), _tag(opened, _FORMAT) or (1,)
    if opened.mode == "L":
        return lambda rows: rows.view(np.int8) if rows.dtype == np.uint8 else rows
    if opened.mode == "I" and bits == (32,) and form == (1,):
        return lambda rows: rows.view(np.uint32) if rows.dtype == np.int32 else rows
    if _tag(opened, _PHOTOMETRIC) == (_WHITE_IS_ZERO,):
        top = 0 if opened.mode == "F" else 2**16 - 1
        return lambda rows: top - rows
    return lambda rows: rows


def _nothing(opened: ImageFile.ImageFile) -> float | None:
    try:
        return float(str(getattr(opened, "tag_v2", {}).get(_NOTHING)).strip("\0 "))
    except ValueError:
        return None


# --- several channels of 16 bits -----------------------------------------------------------


def _wide(opened: ImageFile.ImageFile) -> str:
    """The channels of a file that has several of 16 bits; "" for all others."""
    if not opened.tile or opened.mode not in ("RGB", "RGBA"):
        return ""
    codec, args = opened.tile[0].codec_name, opened.tile[0].args
    if opened.format == "PNG":
        bands, _, form = str(args).partition(";")
        return bands if form == "16B" else ""
    if opened.format == "TIFF":
        return opened.mode if set(_tag(opened, _BITS)) == {16} else ""
    return "RGB" if (codec, args) == ("ppm", ("RGB", 2**16 - 1)) else ""


def _grey_as_bytes(data: bytes) -> bytes:
    """A PNG of grey and alpha of 16 bits as one of four channels, the bytes of those two."""
    start = data.index(b"IHDR")
    head = data[start : start + 12] + bytes([8, 6]) + data[start + 14 : start + 17]
    return data[:start] + head + struct.pack(">I", zlib.crc32(head)) + data[start + 21 :]


def _wide_pixels(name: str, bands: str, data: bytes, opened: ImageFile.ImageFile) -> Deep:
    """Those of a file whose tiles can be read as the upper bytes, and again as the lower ones."""
    raw = [str(_first(tile)) for tile in opened.tile]
    packed_planes = _tag(opened, _PLANES) == (2,) and opened.tile[0].codec_name != "raw"
    if packed_planes:  # libtiff's reader of planes takes the upper bytes whatever it is asked for
        lower: Image.Image = opened
    else:
        order = "L" if data[:1] == b"I" else "B"  # of planes and of PPM, whose mode says none
        orders = [form.replace("N", _NATIVE)[-1] if ";" in form else order for form in raw]
        other = _open(data)
        for place, (form, order) in enumerate(zip(raw, orders, strict=True)):
            channels = form.partition(";")[0].upper()  # not RGBa, which is divided and rounded
            opened.tile[place] = _read_as(opened.tile[place], f"{channels};16{order}")
            swapped = "B" if order == "L" else "L"
            other.tile[place] = _read_as(other.tile[place], f"{channels};16{swapped}")
        lower = _loaded(other)

    def rows() -> Iterator[NDArray[Any]]:
        for pair in zip(_rows(opened), _rows(lower), strict=True):
            joined = _joined(*pair)
            yield _divided(joined) if raw[0].startswith("RGBa") else joined

    paper = opened.info.get("transparency")
    return Deep(
        name,
        bands == "RGBA",
        rows,
        paper=paper if isinstance(paper, tuple) else None,
        note=UPPER if packed_planes else None,
    )


def _first(tile: ImageFile._Tile) -> object:
    """The first argument of a tile's decoder: how its bytes lie."""
    return tile.args[0] if isinstance(tile.args, tuple) else tile.args


def _read_as(tile: ImageFile._Tile, raw: str) -> ImageFile._Tile:
    """The tile, its bytes read in another way."""
    if tile.codec_name == "ppm":  # it would divide by the largest value that may occur
        return tile._replace(codec_name="raw", args=(raw, 0, 1))
    return tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)


def _divided(rows: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Colours as they were before they were multiplied by the opacity."""
    opacity = rows[..., 3:].astype(np.float64)
    colours = rows[..., :3].astype(np.float64) * (2**16 - 1) / np.maximum(opacity, 1)
    whole = np.rint(np.clip(colours, 0, 2**16 - 1)).astype(np.uint16)
    return np.concatenate([whole, rows[..., 3:]], -1)


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return np.asarray(high.astype(np.uint16) << 8 | low, np.uint16)


# --- help ----------------------------------------------------------------------------------


def _tag(opened: ImageFile.ImageFile, number: int) -> tuple[int, ...]:
    """A tag of a TIFF; empty where there is none."""
    numbers = getattr(opened, "tag_v2", {}).get(number, ())
    return tuple(numbers) if isinstance(numbers, tuple) else (numbers,)


def _rows(image: Image.Image) -> Iterator[NDArray[Any]]:
    return (np.asarray(strip) for strip in strips(image))


def _open(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data), formats=["PNG", "TIFF", "PPM"])


def _loaded(image: ImageFile.ImageFile) -> Image.Image:
    image.load()
    return image
