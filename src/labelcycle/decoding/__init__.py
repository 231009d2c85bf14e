"""Image bytes to the pixels that the model and the annotators see, and back to PNG.

Everything that reads an image of a campaign reads it here, so that the model, the annotation
service and a person judge the same picture: turned, flattened, sRGB, 8 bits a channel.

Where images come from is in `ingest`, and the squares that a network sees are in `nn`.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from labelcycle.decoding import (
    colour_profiles,
    damaged_files,
    heif,
    high_bit_depth,
    memory_limit,
    unsupported_formats,
    value_ranges,
)
from labelcycle.decoding.display_copies import MAX_SIDE as MAX_SIDE
from labelcycle.decoding.display_copies import MIN_SIDE as MIN_SIDE
from labelcycle.decoding.display_copies import enlarge as enlarge
from labelcycle.decoding.display_copies import png_bytes as png_bytes
from labelcycle.decoding.high_bit_depth import Deep
from labelcycle.decoding.value_ranges import Range, Values
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
    "HEIF": ".heic",  # with the extra `heif`
}
"""Formats that are read, with the extension a stored copy gets.

A closed list: Pillow's others run programs (EPS), have no signature (TGA), or are no photographs.
"""

READ = tuple(name for name in FORMATS if name != "MPO")
"""Names by which the formats are asked for; an MPO is found by the reader of JPEG."""

MAX_PIXELS = 89_478_485
"""Largest number of pixels that is decoded: 256 MiB of RGB, the size from which Pillow warns."""

_ORIENTATION = 0x0112  # the EXIF tag that says how the camera was held

_GAMMA = ("gamma", "srgb")
"""What Pillow tells of the colours of a PNG without a profile."""

_TURNS = {  # EXIF 2.32, section 4.6.4, tag Orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

KNOWN = tuple(name for name in READ if name != "HEIF")
"""Those that Pillow reads without an extra."""

LONG = 8
"""How often the shorter side goes into the longer one where a picture is noted as long."""


@dataclass(frozen=True)
class Decoded:
    """An image as it is seen.

    image : 8-bit RGB, without metadata
    format : name of the file's real format, a key of `FORMATS`
    notes : what was done to make it so; empty for an ordinary image
    values : of pixels of more than 8 bits, what their values are
    """

    image: Image.Image
    format: str
    notes: tuple[str, ...] = ()
    values: Values | None = None


def decode(
    data: bytes, max_pixels: int = MAX_PIXELS, ranges: Mapping[str, Range] | None = None
) -> Decoded:
    """The picture in `data`, decoded to its last pixel.

    max_pixels : 1 to `MAX_PIXELS`; what claims to be larger is refused before it is decoded
    ranges : which values become black and white in pixels of more than 8 bits, by their kind;
        without one an image's own values tell

    Pillow warns of much that is harmless; a caller that decodes many images mutes `warnings`
    around the lot (doing so here would change a global of all threads).

    Raises DataError with a short reason if there is no whole picture of a known format in it.
    """
    if not data:
        raise DataError("empty file")
    try:
        return _decode(data, max_pixels, ranges or {})
    except (DataError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        reason = unsupported_formats.named(data) or f"wanted one of {', '.join(READ)}"
        raise DataError(f"not an image that can be read: {reason}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"too large: wanted at most {max_pixels} pixels") from error
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise DataError(f"damaged: {_one_line(error)}") from error


def kind_of(path: Path) -> str | None:
    """What the pixels of an image file are called, by its first bytes; None if it is no image.

    "8-bit", or as `Deep.kind`. A file that cannot be read, or is damaged, has the kind "".
    """
    try:
        with path.open("rb") as stream:
            if heif.is_heif(stream.read(64)):
                return "8-bit"
            stream.seek(0)
            with Image.open(stream, formats=KNOWN) as opened:
                return high_bit_depth.kind(opened) or "8-bit"
    except UnidentifiedImageError:
        return None
    except Exception:  # decoding it tells why
        return ""


def _decode(data: bytes, max_pixels: int, ranges: Mapping[str, Range]) -> Decoded:
    """What `decode` answers; raises whatever Pillow raises."""
    notes: list[str | None] = []
    profile: bytes | None = None
    if data.startswith(damaged_files.PNG):
        data, profile, note = damaged_files.png(data)
        notes.append(note)
    elif data.startswith(damaged_files.JPEG):
        damaged_files.check_scans(data)
    elif unsupported_formats.is_raw(data):
        raise DataError(f"not an image that can be read: {unsupported_formats.RAW}")
    with _opened(data) as opened:
        _check_size(opened.size, max_pixels)
        with memory_limit.MEMORY.taken(opened.width * opened.height * memory_limit.BYTES_A_PIXEL):
            pixels = high_bit_depth.of(data, opened)
            try:
                opened.load()  # verify() accepts files that end in the middle of the picture
            except OSError:
                whole = damaged_files.ended(data) if opened.format == "JPEG" else None
                if whole is None:
                    raise
                with _opened(whole) as mended:
                    mended.load()
                    notes.append("its end mark is missing")
                    return _seen(mended, pixels, profile, ranges, notes)
            _check_size(opened.size, max_pixels)  # some formats learn their real size only now
            return _seen(opened, pixels, profile, ranges, notes)


def _opened(data: bytes) -> ImageFile.ImageFile:
    """The file, its header read."""
    return heif.opened(data) if heif.is_heif(data) else Image.open(io.BytesIO(data), formats=KNOWN)


def _seen(
    opened: Image.Image,
    pixels: Deep | None,
    profile: bytes | None,
    ranges: Mapping[str, Range],
    notes: list[str | None],
) -> Decoded:
    """The picture of a loaded file as it is seen."""
    # not n_frames, for which a TIFF is read to its end, slower with each of its frames
    notes.append("first of several frames" if getattr(opened, "is_animated", False) else None)
    turn, turned = _orientation(opened)  # of TIFF there is none left: its reader turns by itself
    values = value_ranges.measured(pixels, opened.width * opened.height) if pixels else None
    picture, told = opened, [pixels.note if pixels else None]
    profile = profile or opened.info.get("icc_profile")
    if pixels and values:
        told.append(value_ranges.note(values, ranges))
        picture = value_ranges.scaled(pixels, opened.size, values, ranges)
        picture.info = {key: opened.info[key] for key in _GAMMA if key in opened.info}
        if picture.mode == "L":  # measurements, which are not colours of a profile
            profile, picture.info = None, {}
    flat, done = _flat(picture, profile)
    if turn is not None:
        flat = flat.transpose(turn)
    flat.info = {}
    kept = tuple(note for note in (*notes, turned, *told, *done, _long(flat.size)) if note)
    return Decoded(flat, str(opened.format), kept, values)


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


def _flat(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[str | None]]:
    """The image in 8-bit RGB of sRGB, and notes on what was done."""
    notes: list[str | None] = []
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    if profile:
        image, note = colour_profiles.to_srgb(image, profile)
        notes.append(note)
    elif "gamma" in image.info and "srgb" not in image.info:
        image, note = colour_profiles.from_gamma(image, image.info["gamma"])
        notes.append(note)
    if image.mode == "CMYK":
        notes.append("CMYK converted")
    if image.mode not in ("LA", "RGBA"):  # the A of LAB is a colour
        return image.convert("RGB"), notes
    paper = Image.new("RGB", image.size, "white")
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    paper.paste(layer, mask=layer)
    return paper, [*notes, "transparency laid on white"]


def _long(size: tuple[int, int]) -> str | None:
    """A note on a picture of which an encoder, which sees the middle, sees little."""
    times = max(size) / min(size)
    return f"{times:.0f} times as long as wide: models see its middle" if times >= LONG else None


def _one_line(error: Exception) -> str:
    """The text of an error, without line breaks, never empty."""
    return " ".join(str(error).split()) or type(error).__name__
