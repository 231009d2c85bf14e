"""Colour profiles: from the colours that a file means to those of sRGB, which screens show."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE = 4 * 2**20
"""Bytes of a profile that is read; the tables of printers take one or two million."""

SAME = 2
"""Grey levels: a profile that moves no colour further is sRGB, and pixels stay as they are."""

USUAL_GAMMA = 1 / 2.2
"""That of sRGB, nearly."""

_WITH_GAMMA = ("L", "LA", "P", "RGB", "RGBA")

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}
"""A profile's colour space -> the mode whose pixels it describes."""


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str | None]:
    """The picture in sRGB, with its transparency if it has any, and a note on what was done.

    image : 8 bits a channel; comes back as it is, with a note, if the profile does not fit it
    """
    try:
        if len(profile) > MAX_PROFILE:
            raise ValueError(f"{len(profile)} bytes, wanted at most {MAX_PROFILE}")
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        pixels = _described(image, _MODES.get(space))
        if pixels is None:
            raise ValueError(f"it is for {space}, the image has {', '.join(image.getbands())}")
        if pixels.mode.startswith("RGB") and _is_srgb(profile):
            return image, None
        converted = _transform(profile, pixels.mode).apply(pixels)
        if image.mode == "LA":
            converted.putalpha(image.getchannel("A"))
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        return image, f"colour profile left out: {' '.join(str(error).split())}"
    return converted, f"colours converted from {_name(opened)}"


def from_gamma(image: Image.Image, gamma: float) -> tuple[Image.Image, str | None]:
    """The picture in sRGB of a PNG that states a gamma and no profile, and a note.

    gamma : of the file, PNG specification 11.3.2.2; 1 for values in proportion to the light
    """
    if not gamma > 0 or abs(gamma / USUAL_GAMMA - 1) < 0.05 or image.mode not in _WITH_GAMMA:
        return image, None
    light = (np.arange(256) / 255) ** (1 / gamma)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table = np.rint(shown * 255).astype(int).tolist()
    if image.mode == "P":
        image = image.convert("RGB")
    tables = [range(256) if band == "A" else table for band in image.getbands()]
    note = f"colours converted from gamma {gamma:g}"
    return image.point([value for each in tables for value in each]), note


def _described(image: Image.Image, mode: str | None) -> Image.Image | None:
    """The pixels of the image that a profile for `mode` describes; None if it describes none."""
    if mode == "RGB" and image.mode in ("P", "L", "LA"):
        return image.convert("RGBA" if image.mode == "LA" else "RGB")
    if mode == "L" and image.mode == "LA":
        return image.getchannel("L")
    return image if image.mode in (mode, f"{mode}A") else None


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    """From a profile to sRGB. Several threads may apply one at a time."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    out = "RGBA" if mode == "RGBA" else "RGB"
    return ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, out)


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes) -> bool:
    """True if the profile leaves colours from all over the cube where they are."""
    steps = np.linspace(0, 255, 6).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    moved = np.asarray(_transform(profile, "RGB").apply(Image.fromarray(cube)), np.int16)
    return bool(np.abs(moved - cube).max() <= SAME)


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    text = (profile.profile.profile_description or "an unnamed profile").strip()
    return "".join(letter for letter in text if letter.isprintable())[:60]
