"""Files with more than 8 bits a channel, which Pillow can read and not write."""

import struct
import zlib
from typing import Any

import numpy as np

FORMATS = {"u": 1, "i": 2, "f": 3}


def tiff_of(
    pixels: np.ndarray,
    *,
    order: str = "<",
    planes: bool = False,
    packed: bool = False,
    photometric: int | None = None,
    extra: int | None = None,
) -> bytes:
    """(h, w) or (h, w, channels) of any numbers in one strip, or in one a plane.

    order : "<" or ">"; packed : deflated; extra : what the fourth channel is, tag ExtraSamples
    """
    height, width = pixels.shape[:2]
    bands = pixels.shape[2] if pixels.ndim == 3 else 1
    data = pixels.astype(pixels.dtype.newbyteorder(order))
    parts = [data[..., band] for band in range(bands)] if planes else [data]
    strips = [part.tobytes() for part in parts]
    if packed:
        strips = [zlib.compress(strip) for strip in strips]
    starts = [8 + sum(map(len, strips[:place])) for place in range(len(strips))]
    if photometric is None:
        photometric = 2 if bands > 2 else 1
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [pixels.dtype.itemsize * 8] * bands),
        259: ("H", [8 if packed else 1]),
        262: ("H", [photometric]),
        273: ("I", starts),
        277: ("H", [bands]),
        278: ("I", [height]),
        279: ("I", [len(strip) for strip in strips]),
        284: ("H", [2 if planes else 1]),
        339: ("H", [FORMATS[pixels.dtype.kind]] * bands),
    }
    if extra is not None:
        tags[338] = ("H", [extra])
    return _file(order, b"".join(strips), tags)


def _file(order: str, body: bytes, tags: dict[int, tuple[str, list[int]]]) -> bytes:
    start = 8 + len(body)
    entries, long = b"", b""
    behind = start + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        packed: Any = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(packed) > 4:
            place = struct.pack(f"{order}I", behind + len(long))
            long, packed = long + packed, place
        entries += struct.pack(f"{order}HHI", tag, 3 if kind == "H" else 4, len(values))
        entries += packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return head + body + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + long


def png_of_16_bits(channels: int, values: np.ndarray, *chunks: bytes) -> bytes:
    """A PNG with 16 bits a channel."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    height, width = values.shape[:2]
    rows = values.astype(">u2").reshape(height, -1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def trns(*colour: int) -> bytes:
    """The chunk that declares a value, or a colour, transparent."""
    body = b"tRNS" + struct.pack(f">{len(colour)}H", *colour)
    return struct.pack(">I", 2 * len(colour)) + body + struct.pack(">I", zlib.crc32(body))
