"""Files that are whole where it counts: what every browser shows, and Pillow refuses."""

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from labelcycle.decoding.colour_profiles import MAX_PROFILE
from labelcycle.decoding.fingerprints import pixels_digest
from labelcycle.errors import DataError

PNG = b"\x89PNG\r\n\x1a\n"

JPEG = b"\xff\xd8\xff"

MAX_SCANS = 500
"""Of a JPEG. Cameras write one, programs about ten; each costs a pass over all of its pixels."""

_KEPT = frozenset({b"tRNS", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"cHRM", b"sRGB"})
"""Side chunks of a PNG that change what is seen. Text, times and the like do not."""

_END = b"\xff\xd9"

_FILLS = (b"\0" * 64, b"\x55" * 64)
"""Two ways to go on after the end of a JPEG: they change whatever was still to come."""


def png(data: bytes) -> tuple[bytes, bytes | None, str | None]:
    """A PNG without the side chunks that change nothing, its colour profile, and a note.

    Pillow refuses a whole picture for a wrong checksum in a remark, or for a long text.
    """
    parts, broken, read = [data[: len(PNG)]], [], len(PNG)
    profile: bytes | None = None
    for name, start, end in _chunks(data):
        side = bool(name[0] & 0x20)  # a small first letter: the picture is whole without it
        if side and name in _KEPT and zlib.crc32(data[start + 4 : end - 4]) != _checksum(data, end):
            broken.append(name.decode("ascii", "replace"))
        elif name == b"iCCP":
            profile = _inflated(data[start + 8 : end - 4])
        elif not side or name in _KEPT:
            parts.append(data[start:end])
        read = end
    note = f"damaged side chunk left out: {', '.join(broken)}" if broken else None
    return b"".join([*parts, data[read:]]), profile, note


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each whole chunk up to the last."""
    place = len(PNG)
    while place + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if place + 12 + length > len(data):
            return
        yield name, place, place + 12 + length
        place += 12 + length
        if name == b"IEND":
            return


def _checksum(data: bytes, end: int) -> int:
    return int.from_bytes(data[end - 4 : end], "big")


def _inflated(body: bytes) -> bytes | None:
    """The profile of a chunk iCCP: a name, a zero, the method 0, and what was deflated."""
    packed = body.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(packed, MAX_PROFILE + 1) or None
    except zlib.error:
        return b""  # no profile that can be read


def check_scans(data: bytes) -> None:
    """Raise DataError for a JPEG whose scans would take hours."""
    scans = data.count(b"\xff\xda")
    if scans > MAX_SCANS:
        raise DataError(f"a JPEG of {scans} scans, wanted at most {MAX_SCANS}")


def ended(data: bytes) -> bytes | None:
    """A JPEG with the end that it lacks, if its picture is whole; else None.

    It is whole if nothing that follows could change it.
    """
    try:
        bare, *filled = (_pixels(data + fill + _END) for fill in (b"", *_FILLS))
    except Exception:  # a damaged file makes Pillow raise nearly anything
        return None
    whole = all(other == bare for other in filled)
    return data + _END if whole else None


def _pixels(data: bytes) -> str:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
        opened.load()
        return pixels_digest(opened)
