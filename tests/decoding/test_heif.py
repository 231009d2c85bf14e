"""HEIC, AVIF: read, and turned once."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from labelcycle import decoding
from labelcycle.decoding import heif
from labelcycle.errors import DataError


def turned(kind: str, orientation: int) -> bytes:
    """A bright corner at the top left; the file's own boxes and its EXIF both turn it."""
    image = Image.new("RGB", (128, 64), "black")
    image.paste("white", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, kind, exif=exif.tobytes(), quality=90)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, "tl"), (2, "tr"), (3, "br"), (6, "tr"), (8, "bl")]
)
def test_what_is_turned_twice_over_is_turned_once(kind: str, orientation: int, corner: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    decoded = decoding.decode(turned(kind, orientation))
    assert decoded.format == kind
    assert decoded.image.size == ((128, 64) if orientation < 5 else (64, 128))
    shown = np.asarray(decoded.image)[..., 0]
    bright = {
        name: shown[8 if name[0] == "t" else -8, 8 if name[1] == "l" else -8] > 128
        for name in ("tl", "tr", "bl", "br")
    }
    assert [name for name, white in bright.items() if white] == [corner]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heif._register.cache_clear()
    with pytest.raises(DataError, match=r'HEIC, which needs an extra: pip install "labelcycle\[he'):
        decoding.decode(HEIC)
    heif._register.cache_clear()


def test_a_damaged_heic_is_refused() -> None:
    pytest.importorskip("pillow_heif")
    with pytest.raises(DataError, match="damaged: HEIC without a picture"):
        decoding.decode(HEIC)


def test_avif_is_not_taken_for_heif() -> None:
    assert not heif.is_heif(b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf")
    assert heif.is_heif(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic")
