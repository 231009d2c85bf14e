"""Files that every browser shows, and what their bytes lack."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelcycle import decoding
from labelcycle.errors import DataError

FILES = Path(__file__).parent / "files"

PLAIN = (FILES / "ref.jpg").read_bytes()


def png(*chunks: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(PLAIN)).save(file, "PNG")
    data = file.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]  # behind the header


def chunk(name: bytes, body: bytes, wrong: bool = False) -> bytes:
    check = zlib.crc32(name + body) ^ wrong
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decoding.decode(data).image)


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        (chunk(b"tEXt", b"a\0" + b"x" * 3_000_000), None),
        (chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 3_000_000)), None),
        (chunk(b"tEXt", b"a\0b", wrong=True), None),
        (chunk(b"gAMA", b"\0\0\xb1\x8f", wrong=True), "damaged side chunk left out: gAMA"),
        (
            chunk(b"iCCP", b"p\0\0" + zlib.compress(b"x" * 3_000_000)),
            "colour profile left out: cannot open profile from string",
        ),
    ],
    ids=["long text", "packed text", "text with a wrong sum", "gamma with one", "huge profile"],
)
def test_what_stands_beside_a_whole_png_does_not_cost_it(extra: bytes, note: str | None) -> None:
    decoded = decoding.decode(png(extra))
    assert decoded.notes == ((note,) if note else ())
    np.testing.assert_array_equal(np.asarray(decoded.image), pixels(png()))


def test_a_png_with_a_wrong_sum_in_its_picture_is_refused() -> None:
    with pytest.raises(DataError, match="damaged: "):
        decoding.decode(png()[:-20] + b"\1\2\3\4" + png()[-16:])


def test_a_jpeg_without_its_end_mark_is_taken_with_a_note() -> None:
    decoded = decoding.decode(PLAIN[:-2])
    assert decoded.notes == ("its end mark is missing",)
    np.testing.assert_array_equal(np.asarray(decoded.image), pixels(PLAIN))


@pytest.mark.parametrize("lost", [20, 200, 1000])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_more_is_refused(lost: int, progressive: bool) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(PLAIN)).save(file, "JPEG", quality=90, progressive=progressive)
    with pytest.raises(DataError, match=r"damaged: .*truncated"):
        decoding.decode(file.getvalue()[:-lost])


def test_an_arithmetic_coded_jpeg_is_read() -> None:
    gaps = np.abs(pixels((FILES / "arithmetic.jpg").read_bytes()).astype(int) - pixels(PLAIN))
    assert gaps.max() == 0


def test_kinds_of_tiff_that_are_not_read_are_named() -> None:
    def tiff(bits: int, bands: int, form: int) -> bytes:
        tags = {256: 1, 257: 1, 258: bits, 259: 1, 262: 1, 273: 8, 277: bands, 279: 8, 339: form}
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(100)

    with pytest.raises(DataError, match=r"a TIFF of 1 band of 64 bits float \(compression 1\)"):
        decoding.decode(tiff(64, 1, 3))
    with pytest.raises(DataError, match="a TIFF of 5 bands of 8 bits"):
        decoding.decode(tiff(8, 5, 1))


def test_a_raw_file_is_not_taken_for_its_preview() -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 12)).save(file, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(DataError, match="a camera's raw file, whose first picture is a small pre"):
        decoding.decode(file.getvalue())


def test_a_very_long_picture_is_noted() -> None:
    file = io.BytesIO()
    Image.new("RGB", (3000, 2)).save(file, "PNG")
    assert decoding.decode(file.getvalue()).notes == (
        "1500 times as long as wide: models see its middle",
    )
