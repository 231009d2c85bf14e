"""HEIC, as iPhones write it: read by pillow-heif, which is an extra of labelcycle.

Its wheels hold x265 under the GPL, which is why nobody gets it who does not ask for it.
"""

import io
from functools import cache

from PIL import Image, ImageFile, UnidentifiedImageError

from labelcycle.errors import DataError

BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
"""Of the file type box, ISO/IEC 23008-12; `mif1` and `msf1` stand before AVIF as well."""


def is_heif(data: bytes) -> bool:
    """True for HEIC and HEIF, by their first bytes; False for AVIF, which Pillow reads itself."""
    if data[4:8] != b"ftyp" or data[8:12] not in BRANDS:
        return False
    listed = data[16 : int.from_bytes(data[:4], "big")]
    brands = {listed[place : place + 4] for place in range(0, min(len(listed), 256), 4)}
    return data[8:12] not in (b"mif1", b"msf1") or not brands & {b"avif", b"avis"}


def opened(data: bytes) -> ImageFile.ImageFile:
    """The picture, turned as its own boxes say; its EXIF does not say so again.

    Raises DataError that names the extra where it is missing.
    """
    _register()
    try:
        return Image.open(io.BytesIO(data), formats=["HEIF"])
    except UnidentifiedImageError as error:
        raise DataError("damaged: HEIC without a picture that can be read") from error


@cache
def _register() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise DataError(
            'HEIC, which needs an extra: pip install "labelcycle[heif]"; or export it as JPEG'
        ) from error
    # What lies beside the picture is not looked at, and threads are the caller's to start.
    beside = {"thumbnails": False, "depth_images": False, "aux_images": False}
    register_heif_opener(decode_threads=1, **beside)
