"""Image bytes to the pixels that the model and the annotators see, and back to PNG.

Everything that reads an image of a campaign reads it here, so that the model, the annotation
service and a person judge the same picture: turned, flattened, 8 bits a channel, no profile.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from labelcycle.errors import DataError

FORMATS = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "MPO": ".jpg",  # several JPEGs in one file, as phones and stereo cameras write them
    "GIF": ".gif",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "PPM": ".ppm",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
}
"""Formats that are read, with the extension a stored copy gets.

A closed list: Pillow's others run programs (EPS), have no signature (TGA), or are no photographs.
"""

READ = tuple(name for name in FORMATS if name != "MPO")
"""Names by which the formats are asked for; an MPO is found by the reader of JPEG."""

MAX_PIXELS = 89_478_485
"""Largest number of pixels that is decoded: 256 MiB of RGB, the size from which Pillow warns."""

MIN_SIDE = 384
"""Shorter side, in pixels, at which annotators see a small image."""

MAX_SIDE = 1600
"""Longer side, in pixels, at which annotators see a large image."""

_ORIENTATION = 0x0112  # the EXIF tag that says how the camera was held

_TURNS = {  # EXIF 2.32, section 4.6.4, tag Orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Decoded:
    """An image as it is seen.

    image : 8-bit RGB, without metadata
    format : name of the file's real format, a key of `FORMATS`
    notes : what was done to make it so; empty for an ordinary image
    """

    image: Image.Image
    format: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Decoded:
    """The picture in `data`, decoded to its last pixel.

    max_pixels : 1 to `MAX_PIXELS`; what claims to be larger is refused before it is decoded

    Pillow warns of much that is harmless; a caller that decodes many images mutes `warnings`
    around the lot (doing so here would change a global of all threads).

    Raises DataError with a short reason if there is no whole picture of a known format in it.
    """
    if not data:
        raise DataError("empty file")
    try:
        with Image.open(io.BytesIO(data), formats=READ) as opened:
            return _decode(opened, max_pixels)
    except (DataError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        reason = f"not an image that can be read; wanted one of {', '.join(READ)}"
        raise DataError(reason) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"too large: wanted at most {max_pixels} pixels") from error
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise DataError(f"damaged: {_one_line(error)}") from error


def enlarge(image: Image.Image, min_side: int = MIN_SIDE, max_side: int = MAX_SIDE) -> Image.Image:
    """`image` at a size people can judge: shorter side at least `min_side` pixels.

    The longer side is at most `max_side`, which wins where both cannot be had. The proportions
    stay, and an image that is already within both limits comes back as it is.
    """
    factor = max(1.0, min_side / min(image.size))
    factor = min(factor, max_side / max(image.size))
    if factor == 1.0:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    # Blocks of single pixels hide shapes from people; a smooth filter lets them see the thing.
    smooth = Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.LANCZOS
    return image.resize(size, smooth)


COMPRESSION = 1
"""Of PNG, 0 to 9. An image of Fashion-MNIST at 384 pixels takes 11 ms and 40 kB; with 6, 22 and 29.
"""


def png_bytes(image: Image.Image) -> bytes:
    """`image` as PNG without metadata: the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(buffer, format="PNG", compress_level=COMPRESSION)
    return buffer.getvalue()


def _decode(opened: Image.Image, max_pixels: int) -> Decoded:
    """What `decode` answers, for a file whose header was read."""
    _check_size(opened.size, max_pixels)
    frames = getattr(opened, "n_frames", 1)
    several = f"first of {frames} frames" if frames > 1 else None
    opened.load()  # verify() accepts files that end in the middle of the picture
    _check_size(opened.size, max_pixels)  # some formats learn their real size only now
    turn, turned = _orientation(opened)  # of TIFF there is none left: its reader turns by itself
    flat, flattened = _flatten(opened)
    if turn is not None:
        flat = flat.transpose(turn)
    notes = tuple(note for note in (several, turned, flattened) if note)
    return Decoded(Image.fromarray(np.array(flat)), str(opened.format), notes)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise DataError(f"no pixels: {width} x {height}")
    if width * height > max_pixels:
        raise DataError(f"too large: {width} x {height}, wanted at most {max_pixels} pixels")


def _orientation(image: Image.Image) -> tuple[Image.Transpose | None, str | None]:
    """How the image must be turned to stand as the camera was held, and the note of it."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception as error:  # EXIF is written by thousands of programs, and many err
        return None, f"EXIF unreadable, not turned: {_one_line(error)}"
    if orientation not in _TURNS:
        return None, None
    return _TURNS[orientation], f"turned by EXIF orientation {orientation}"


def _flatten(image: Image.Image) -> tuple[Image.Image, str | None]:
    """The image in 8-bit RGB, and a note on what was lost."""
    if image.mode.startswith("I;16"):
        return _scaled(image, 0, 65535), "16-bit scaled"
    if image.mode in ("I", "F"):
        return _scaled(image, *_value_range(image)), "32-bit scaled"
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB"), "transparency laid on white"
    if image.mode == "CMYK":
        return image.convert("RGB"), "CMYK converted"
    return image.convert("RGB"), None


def _value_range(image: Image.Image) -> tuple[float, float]:
    """The values that become black and white in an image of 32-bit integers or floats.

    A range in common use if the pixels lie in it, so that brightness stays comparable between
    images: 0..1 for floats, 0..255 or 0..65535 for integers. Else the image's own.
    """
    values = np.asarray(image)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise DataError("no pixels: every value is NaN or infinite")
    low, high = float(finite.min()), float(finite.max())
    for top in (1.0,) if image.mode == "F" else (255.0, 65535.0):
        if low >= 0 and high <= top:
            return 0.0, top
    return low, high


def _scaled(image: Image.Image, low: float, high: float) -> Image.Image:
    """Grey RGB in which `low` is black and `high` is white.

    Pillow's own conversion cuts off at 255, which turns most such images white.
    """
    values = np.asarray(image)
    span = (high - low) or 1.0  # an image of one value becomes black
    unit = (np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low) - low) / span
    grey: NDArray[Any] = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    if isinstance(image.info.get("transparency"), int):
        grey = np.where(values == image.info["transparency"], np.uint8(255), grey)
    return Image.fromarray(grey).convert("RGB")


def _one_line(error: Exception) -> str:
    """The text of an error, without line breaks, never empty."""
    return " ".join(str(error).split()) or type(error).__name__
