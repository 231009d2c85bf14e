"""Colour profiles: the same scene gives the same pixels, however it was stored."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from labelcycle import decoding

FILES = Path(__file__).parent / "files"

with Image.open(FILES / "icc_p3.jpg") as _image:
    P3 = _image.info["icc_profile"]

LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decoding.decode(data).image).astype(int)


@pytest.mark.parametrize("name", ["srgb_icc", "icc_adobergb", "icc_p3"])
def test_one_scene_looks_the_same_with_every_profile(name: str) -> None:
    plain = pixels((FILES / "ref.jpg").read_bytes())
    gaps = np.abs(pixels((FILES / f"{name}.jpg").read_bytes()) - plain)
    assert np.median(gaps) <= 1
    assert gaps.mean() < 1.5  # JPEG blurs the edges of each in its own way


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG"])
def test_every_format_brings_its_profile(kind: str) -> None:
    lossless = {"lossless": True} if kind == "WEBP" else {"quality": 100}
    flat = Image.new("RGB", (16, 16), (200, 80, 60))
    decoded = decoding.decode(encoded(flat, kind, icc_profile=P3, **lossless))
    assert decoded.notes == ("colours converted from Display P3",)
    assert np.abs(np.asarray(decoded.image)[8, 8] - np.array([218, 67, 47])).max() <= 3


def test_srgb_itself_changes_no_pixel() -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    decoded = decoding.decode(encoded(Image.fromarray(noise), "PNG", icc_profile=own))
    assert decoded.notes == ()
    np.testing.assert_array_equal(np.asarray(decoded.image), noise)


def test_transparency_is_laid_on_white_that_stays_white() -> None:
    layer = Image.new("RGBA", (4, 1), (200, 80, 60, 255))
    layer.putpixel((0, 0), (200, 80, 60, 0))
    shown = pixels(encoded(layer, "PNG", icc_profile=P3))[0]
    assert shown[0].tolist() == [255, 255, 255]
    assert np.abs(shown[1] - [218, 67, 47]).max() <= 3


@pytest.mark.parametrize(
    ("image", "profile"),
    [
        pytest.param(Image.new("RGB", (4, 4), "red"), b"nonsense" * 40, id="broken"),
        pytest.param(Image.new("RGB", (4, 4), "red"), LAB, id="of another kind"),
        pytest.param(Image.new("RGB", (4, 4), "red"), P3[:300], id="cut off"),
    ],
)
def test_a_profile_that_does_not_fit_is_noted_and_left_out(
    image: Image.Image, profile: bytes
) -> None:
    decoded = decoding.decode(encoded(image, "PNG", icc_profile=profile))
    (note,) = decoded.notes
    assert note.startswith("colour profile left out: ")
    np.testing.assert_array_equal(np.asarray(decoded.image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(("gamma", "wanted"), [(100_000, 188), (45_455, 128), (0, 128)])
def test_a_png_that_states_a_gamma_is_shown_as_browsers_show_it(gamma: int, wanted: int) -> None:
    body = b"gAMA" + struct.pack(">I", gamma)
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    data = encoded(Image.new("RGB", (4, 4), (128, 128, 128)), "PNG")
    assert pixels(data[:33] + chunk + data[33:])[0, 0].tolist() == [wanted] * 3
