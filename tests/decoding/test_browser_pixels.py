"""What models see is what a browser shows: the same files, decoded by both.

Chromium draws each file on a white canvas and hands out its pixels. No network and no service.
"""

import base64
import io
from collections.abc import Iterator
from typing import Any

import chromium
import numpy as np
import pytest
from deep_files import png_of_16_bits
from four_inks import cmyk_jpeg
from PIL import Image
from selenium.webdriver import Chrome
from test_colour_profiles import P3

from labelcycle import decoding

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(chromium.missing()), reason=f"not installed: {', '.join(chromium.missing())}"
    ),
]

DRAW = """
const [address, done] = arguments;
const image = new Image();
image.src = address;
image.decode().then(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const paper = canvas.getContext('2d', {colorSpace: 'srgb'});
    paper.fillStyle = 'white';
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(image, 0, 0);
    const drawn = paper.getImageData(0, 0, canvas.width, canvas.height);
    done([canvas.width, canvas.height, Array.from(drawn.data)]);
}).catch(error => done(String(error)));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    driver = chromium.browser(400, 300)
    driver.get("about:blank")
    yield driver
    driver.quit()


def shown(driver: Chrome, data: bytes, kind: str) -> np.ndarray:
    """(height, width, 3) as Chromium draws a file."""
    address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    drawn = driver.execute_async_script(DRAW, address)
    assert isinstance(drawn, list), drawn
    width, height, values = drawn
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def scene(width: int = 48, height: int = 32) -> np.ndarray:
    """Soft colours, with a corner that tells how the picture is turned."""
    across = np.linspace(0, 255, width)[None].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    pixels = np.stack([across, down, 255 - across], -1).round().astype(np.uint8)
    pixels[:8, :8] = 255, 255, 0
    return pixels


def file(kind: str, pixels: Any = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(scene())
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(kind: str, orientation: int, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file(kind, exif=exif, **options)


def palette() -> Image.Image:
    return Image.fromarray(scene()).quantize(16)


def half_seen() -> Image.Image:
    opacity = np.linspace(0, 255, 48).round().astype(np.uint8)[None].repeat(32, 0)
    return Image.fromarray(np.dstack([scene(), opacity]))


def inks() -> np.ndarray:
    black = np.linspace(0, 120, 48).astype(np.uint8)[None].repeat(32, 0)
    return np.dstack([255 - scene(), black])


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    opacity = np.linspace(0, 65_535, 48).round().astype(np.uint16)[None].repeat(32, 0)
    return np.dstack([pixels, opacity])


HALF = bytes([255, 0, 128])
"""Opacity of the first three colours of a palette."""

WIDE = scene().astype(np.uint16) * 257

FILES: dict[str, tuple[str, bytes, int]] = {
    **{
        f"orientation {n}": ("jpeg", turned("JPEG", n, quality=100, subsampling=0), 2)
        for n in range(1, 9)
    },
    "turned PNG": ("png", turned("PNG", 6), 0),
    "CMYK of Adobe": ("jpeg", cmyk_jpeg(inks(), "Adobe"), 3),
    "CMYK without a marker": ("jpeg", cmyk_jpeg(inks(), "no marker"), 3),
    "YCCK": ("jpeg", cmyk_jpeg(inks(), "YCCK"), 3),
    "Display P3": ("png", file("PNG", icc_profile=P3), 2),
    "Display P3 in WebP": ("webp", file("WEBP", lossless=True, icc_profile=P3), 2),
    "grey": ("png", file("PNG", Image.fromarray(scene()).convert("L")), 0),
    "a palette with transparency": (
        "png",
        file("PNG", palette(), transparency=bytes([255, 0, 128])),
        1,
    ),
    "a GIF with transparency": ("gif", file("GIF", palette(), transparency=1), 0),
    "half transparent": ("png", file("PNG", half_seen()), 1),
    "16 bits of colour": ("png", png_of_16_bits(3, WIDE), 1),
    "16 bits of colour with alpha": ("png", png_of_16_bits(4, with_alpha(WIDE)), 1),
    "16 bits of grey": ("png", png_of_16_bits(1, WIDE[..., :1]), 1),
    "16 bits of grey with alpha": ("png", png_of_16_bits(2, with_alpha(WIDE[..., :1])), 1),
}
"""Of each file its kind, its bytes, and by how many grey levels a pixel may differ.

Chromium turns no WebP, so there is none here that is turned.
"""


@pytest.mark.parametrize("name", FILES)
def test_models_see_what_a_browser_shows(name: str, browser: Chrome) -> None:
    kind, data, most = FILES[name]
    seen = np.asarray(decoding.decode(data).image).astype(int)
    drawn = shown(browser, data, kind)
    assert seen.shape == drawn.shape
    assert np.abs(seen - drawn).max() <= most


def test_the_files_are_not_shown_alike(browser: Chrome) -> None:
    """A comparison of empty pictures would find no difference."""
    drawn = [shown(browser, data, kind) for kind, data, _ in FILES.values()]
    assert min(picture.std() for picture in drawn) > 20
    assert len({picture.tobytes() for picture in drawn}) > len(FILES) // 2
