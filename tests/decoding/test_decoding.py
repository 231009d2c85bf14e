import io
import struct
import threading
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from deep_files import png_of_16_bits, trns
from example_counts import tries
from four_inks import cmyk_jpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labelcycle import decoding
from labelcycle.errors import DataError


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(decoded: decoding.Decoded) -> np.ndarray:
    return np.asarray(decoded.image)


def photo(width: int = 40, height: int = 30) -> Image.Image:
    across = np.linspace(0, 255, width)[None, :].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([across, down, 255 - across], 2).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "GIF"])
def test_an_ordinary_lossless_image_comes_back_as_it_was(kind: str) -> None:
    picture = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5)
    decoded = decoding.decode(encoded(picture, kind))
    assert decoded.image.mode == "RGB"
    assert decoded.format == kind
    assert decoded.notes == ()
    np.testing.assert_array_equal(pixels(decoded), np.asarray(picture))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_an_ordinary_lossy_image_is_close_to_what_it_was(kind: str) -> None:
    decoded = decoding.decode(encoded(photo(), kind, quality=95))
    assert (decoded.image.size, decoded.notes) == ((40, 30), ())
    assert np.abs(pixels(decoded).astype(int) - np.asarray(photo())).mean() < 4


def test_every_format_has_the_extension_of_a_stored_copy() -> None:
    assert all(extension.startswith(".") for extension in decoding.FORMATS.values())


def test_grey_becomes_three_equal_channels() -> None:
    decoded = decoding.decode(encoded(photo().convert("L")))
    assert decoded.notes == ()
    np.testing.assert_array_equal(pixels(decoded)[..., 0], np.asarray(photo().convert("L")))
    np.testing.assert_array_equal(pixels(decoded)[..., 0], pixels(decoded)[..., 2])


def test_black_and_white_becomes_0_and_255() -> None:
    decoded = decoding.decode(encoded(photo().convert("1")))
    assert set(np.unique(pixels(decoded))) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_and_not_cut_off(kind: str) -> None:
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    decoded = decoding.decode(encoded(Image.fromarray(values), kind))
    assert pixels(decoded)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert decoded.notes == ("16-bit values scaled: 0 black, 65535 white",)


def test_16_bit_big_endian_tiff_is_read_in_the_right_order() -> None:
    values = np.array([[0, 257, 65535]], ">u2")
    picture = Image.frombytes("I;16B", (3, 1), values.tobytes())
    decoded = decoding.decode(encoded(picture, "TIFF"))
    assert pixels(decoded)[0, :, 1].tolist() == [0, 1, 255]


def test_16_bit_colour_keeps_its_colours() -> None:
    values = np.array([[[0, 32896, 65535], [65535, 0, 257]]], np.uint16)
    decoded = decoding.decode(png_of_16_bits(3, values))
    assert pixels(decoded).tolist() == [[[0, 128, 255], [255, 0, 1]]]


def test_16_bit_transparency_lies_on_white() -> None:
    values = np.array([[[0, 0], [0, 65535]]], np.uint16)
    decoded = decoding.decode(png_of_16_bits(2, values))
    assert pixels(decoded)[0, :, 0].tolist() == [255, 0]
    keyed = png_of_16_bits(1, np.array([[[700], [0]]]), trns(700))
    assert pixels(decoding.decode(keyed))[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        pytest.param(np.int32([0, 128, 255]), [0, 128, 255], id="integers of 8 bits"),
        pytest.param(np.int32([0, 257, 65535]), [0, 1, 255], id="integers of 16 bits"),
        pytest.param(np.int32([-1000, 0, 1000]), [0, 128, 255], id="any integers"),
        pytest.param(np.int32([7, 7, 7]), [7, 7, 7], id="one value"),
        pytest.param(np.int32([70000, 70000, 70000]), [136, 136, 136], id="one large value"),
        pytest.param(np.float32([0, 0.5, 1]), [0, 128, 255], id="floats from 0 to 1"),
        pytest.param(np.float32([10, 20, 30]), [0, 128, 255], id="any floats"),
        pytest.param(np.float32([0, np.nan, 1]), [0, 0, 255], id="not a number is black"),
        pytest.param(np.float32([0, np.inf, 2]), [0, 255, 255], id="infinite is white"),
        pytest.param(np.float32([-3e38, 0, 3e38]), [0, 128, 255], id="the widest floats"),
    ],
)
def test_32_bits_are_scaled_to_a_range(values: np.ndarray, wanted: list[int]) -> None:
    decoded = decoding.decode(encoded(Image.fromarray(values[None]), "TIFF"))
    assert pixels(decoded)[0, :, 0].tolist() == wanted
    (note,) = decoded.notes
    assert " values scaled: " in note


def test_floats_without_any_number_are_refused() -> None:
    picture = Image.fromarray(np.full((2, 2), np.nan, np.float32))
    with pytest.raises(DataError, match="every value is NaN or infinite"):
        decoding.decode(encoded(picture, "TIFF"))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_lies_on_white(mode: str) -> None:
    red = Image.new("RGBA", (2, 1), (200, 0, 0, 255))
    red.putpixel((0, 0), (200, 0, 0, 0))
    decoded = decoding.decode(encoded(red.convert(mode) if mode != "PA" else red.quantize()))
    assert pixels(decoded)[0, 0].tolist() == [255, 255, 255]
    assert pixels(decoded)[0, 1].max() <= 201
    assert decoded.notes == ("transparency laid on white",)


def test_half_transparent_is_mixed_with_white() -> None:
    decoded = decoding.decode(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 51))))
    assert pixels(decoded)[0, 0].tolist() == [204, 204, 204]


def one_pixel(mode: str, value: Any) -> Image.Image:
    picture = Image.new(mode, (2, 1), value)
    if mode == "P":
        picture.putpalette([10, 10, 10, 20, 20, 20])
        picture.putpixel((1, 0), 0)  # or the writer of PNG throws colour 0 away
    return picture


@pytest.mark.parametrize(("mode", "key"), [("RGB", (9, 9, 9)), ("L", 9), ("P", 1)])
def test_a_colour_declared_transparent_lies_on_white(mode: str, key: Any) -> None:
    decoded = decoding.decode(encoded(one_pixel(mode, key), "PNG", transparency=key))
    assert pixels(decoded)[0, 0].tolist() == [255, 255, 255]


def test_transparency_in_a_gif_lies_on_white() -> None:
    picture = Image.new("P", (1, 1), 3)
    decoded = decoding.decode(encoded(picture, "GIF", transparency=3))
    assert pixels(decoded)[0, 0].tolist() == [255, 255, 255]


def test_cmyk_becomes_the_colours_of_a_screen() -> None:
    picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    decoded = decoding.decode(encoded(picture, "JPEG", quality=100))
    assert decoded.notes == ("CMYK converted",)
    red, green, blue = pixels(decoded)[4, 4].tolist()
    assert red > 250
    assert max(green, blue) < 5


@pytest.mark.parametrize("written", ["Adobe", "YCCK", "no marker"])
def test_four_inks_are_read_however_they_are_written(written: Any) -> None:
    inks = np.zeros((16, 32, 4), np.uint8)
    inks[:, :8], inks[:, 8:16] = (0, 255, 255, 0), (200, 30, 0, 0)
    inks[:, 16:24], inks[:, 24:] = (0, 0, 0, 180), (60, 0, 220, 90)
    decoded = decoding.decode(cmyk_jpeg(inks, written))
    wanted = (255 - inks[..., :3].astype(int)) * (255 - inks[..., 3:].astype(int)) / 255
    assert np.abs(pixels(decoded)[:, 4::8] - wanted[:, 4::8]).max() <= 3
    assert decoded.notes == ("CMYK converted",)


@pytest.mark.parametrize(
    ("mode", "colour", "wanted"),
    [("CMYK", (0, 255, 255, 0), [255, 0, 0]), ("LAB", (128, 128, 128), [119, 119, 119])],
)
def test_tiffs_of_print_become_the_colours_of_a_screen(
    mode: str, colour: Any, wanted: list[int]
) -> None:
    decoded = decoding.decode(encoded(Image.new(mode, (8, 8), colour), "TIFF"))
    assert np.abs(pixels(decoded)[4, 4].astype(int) - wanted).max() <= 3
    assert "transparency laid on white" not in decoded.notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    upright = Image.new("RGB", (32, 16), "black")
    upright.paste("white", (0, 0, 8, 8))  # the bright corner tells where it ended
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decoding.decode(encoded(upright, kind, exif=exif))
    corner = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "tl", 6: "tr", 7: "br", 8: "bl"}[orientation]
    seen = pixels(decoded)[..., 0]
    row, column = (2 if corner[0] == "t" else -3), (2 if corner[1] == "l" else -3)
    assert decoded.image.size == ((32, 16) if orientation < 5 else (16, 32))
    assert seen[row, column] > 200
    assert sum(int(seen[r, c] > 128) for r in (2, -3) for c in (2, -3)) == 1
    silent = orientation == 1 or kind == "TIFF"
    assert decoded.notes == (() if silent else (f"turned by EXIF orientation {orientation}",))


def test_turning_keeps_what_is_transparent() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = one_pixel("P", 1)
    decoded = decoding.decode(encoded(picture, "PNG", transparency=1, exif=exif))
    assert pixels(decoded)[:, 0, 0].tolist() == [255, 10]


def test_an_impossible_orientation_is_left_alone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decoding.decode(encoded(photo(), "JPEG", exif=exif)).notes == ()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_image() -> None:
    endless = encoded(photo(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff\0\x01")
    assert decoding.decode(endless).image.size == (40, 30)
    nonsense = encoded(photo(), "PNG", exif=b"Exif\0\0nonsense")
    (note,) = decoding.decode(nonsense).notes
    assert note.startswith("EXIF unreadable, not turned: ")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_stands_for_all(kind: str) -> None:
    first, *others = (Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (250, 0, 0))
    data = encoded(first, kind, save_all=True, append_images=[others[0], photo(4, 4)])
    decoded = decoding.decode(data)
    assert decoded.notes == ("first of several frames",)
    assert pixels(decoded)[2, 2, 0] > 200


def test_several_jpegs_in_one_file_are_a_jpeg() -> None:
    data = encoded(photo(), "MPO", save_all=True, append_images=[Image.new("RGB", (40, 30))])
    decoded = decoding.decode(data)
    assert decoding.FORMATS[decoded.format] == ".jpg"
    assert decoded.notes == ("first of several frames",)
    assert pixels(decoded).mean() > 50


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"hello, this is text", "text; a list of paths is given as @LIST", id="text"),
        pytest.param(bytes(1000), "only zero bytes", id="zeros"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", id="svg"),
        pytest.param(b"\n<!DOCTYPE html><html>", "a web page, perhaps a login", id="html"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript", id="eps"),
        pytest.param(b"%PDF-1.7\n", "a PDF; export its pages", id="pdf"),
        pytest.param(b"PK\3\4....", "a ZIP archive; unpack it", id="zip"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", id="lfs"),
        pytest.param(b"8BPS\0\1", "a Photoshop file", id="psd"),
        pytest.param(bytes(128) + b"DICM....", "DICOM; export it", id="dicom"),
        pytest.param(b"\0\0\0\x18ftypmp42....", "a video .*; save single frames", id="video"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", "a video", id="avi"),
        pytest.param(b"\xff\x0a\0\0", "JPEG XL", id="jpeg xl"),
        pytest.param(b"\0\0\0\x18ftypcrx ....", "a camera's raw file", id="raw"),
        pytest.param(b"\xd0\xcf\x11\xe0....", "Thumbs.db of Windows; leave it out", id="thumbs"),
        pytest.param(b"\0\5\x16\7....", "macOS's extra data", id="apple double"),
        pytest.param(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "Radiance HDR; export", id="hdr"),
        pytest.param(b"\n\5\1\x08" + bytes(124), "PCX; export it as PNG", id="pcx"),
        pytest.param(b"DDS |\0\0\0", "a DirectDraw surface", id="dds"),
        pytest.param(b"qoif" + bytes(20), "QOI; export", id="qoi"),
        pytest.param(b"\xd7\xcd\xc6\x9a" + bytes(20), "a Windows metafile .WMF", id="wmf"),
        pytest.param(b"\1\0\0\0" + bytes(36) + b" EMF", "a Windows metafile .EMF", id="emf"),
        pytest.param(b"\0\0\2" + bytes(9) + b"\4\0\4\0\x18 ....", "a Targa file", id="tga"),
        pytest.param(b"\5\1\1" + bytes(99) + b"TRUEVISION-XFILE.\0", "a Targa f", id="new tga"),
        pytest.param(b"\0\0\2\0\1\0  ", "a cursor of Windows", id="cursor"),
        pytest.param(b"[.ShellClassInfo]\r\n", "a desktop.ini of Windows; leave", id="ini"),
        pytest.param(
            "[.ShellClassInfo]\r\nIcon=x".encode("utf-16"),
            "a desktop.ini of Windows",
            id="wide ini",
        ),
        pytest.param("a.png\n".encode("utf-16"), "text; a list of paths", id="wide text"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "wanted one of PNG, JPEG", id="only a signature"),
        pytest.param(b"\xfe\xed\xfa\xce\x80\x81", "wanted one of PNG, JPEG", id="unknown"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=f"not an image that can be read: .*{said}"):
        decoding.decode(data)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(DataError, match=r"^empty file$"):
        decoding.decode(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "PPM", "TIFF", "AVIF"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(DataError, match=r"^(damaged: .+|not an image that can be read: .+)$"):
        decoding.decode(data[: len(data) // 2])


def test_a_truncated_jpeg_would_pass_a_mere_check_of_its_header() -> None:
    data = encoded(photo(200, 200), "JPEG")
    half = data[: len(data) // 2]
    Image.open(io.BytesIO(half)).verify()
    with pytest.raises(DataError, match=r"damaged: .*truncated"):
        decoding.decode(half)


def png_header(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk_of(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk_of(b"IDAT", zlib.compress(b"\0"))
        + chunk_of(b"IEND", b"")
    )


def chunk_of(name: bytes, body: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + crc


@pytest.mark.parametrize("side", [10_000, 20_000, 60_000])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_size_bomb_is_refused_before_it_is_decoded(side: int, action: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(DataError, match=r"too large: .*at most 89478485"):
            decoding.decode(png_header(side, side))


def test_an_own_limit_is_kept_to_the_pixel() -> None:
    data = encoded(Image.new("L", (10, 10)))
    assert decoding.decode(data, max_pixels=100).image.size == (10, 10)
    with pytest.raises(DataError, match="too large: 10 x 10, wanted at most 99 pixels"):
        decoding.decode(data, max_pixels=99)


def test_nothing_global_is_changed() -> None:
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters), threading.active_count()
    decoding.decode(encoded(photo()), max_pixels=5000)
    with pytest.raises(DataError, match="too large"):
        decoding.decode(encoded(photo()), max_pixels=5)
    assert before == (Image.MAX_IMAGE_PIXELS, list(warnings.filters), threading.active_count())


def test_no_metadata_survives() -> None:
    data = encoded(photo(), "JPEG", icc_profile=b"profile" * 30, comment=b"hello", dpi=(72, 72))
    decoded = decoding.decode(data)
    assert decoded.image.info == {}
    assert b"profile" not in decoding.png_bytes(decoded.image)


@tries(30)
@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_damaged_file_is_decoded_or_refused_with_a_reason(
    kind: str, damage: list[tuple[float, int]]
) -> None:
    data = bytearray(encoded(photo(16, 12), kind))
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = decoding.decode(bytes(data), max_pixels=10**6).image
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert str(error)  # noqa: PT017
        else:
            assert image.mode == "RGB"


@tries(30)
@given(st.integers(1, 3000), st.integers(1, 3000))
def test_enlarged_images_are_legible_and_keep_their_proportions(width: int, height: int) -> None:
    size = decoding.enlarge(Image.new("L", (width, height))).size
    assert max(size) <= decoding.MAX_SIDE
    assert (
        min(size) >= decoding.MIN_SIDE or max(size) == decoding.MAX_SIDE or size == (width, height)
    )
    assert size[0] == pytest.approx(max(1, width * max(size) / max(width, height)), abs=1.5)
    assert size[1] == pytest.approx(max(1, height * max(size) / max(width, height)), abs=1.5)


def test_an_image_of_a_good_size_is_left_alone() -> None:
    image = photo(400, 500)
    assert decoding.enlarge(image) is image


def test_a_small_image_is_smoothed_and_not_blocky() -> None:
    step = Image.fromarray(np.uint8([[0, 255]]).repeat(2, 0)).convert("RGB")
    assert len(np.unique(np.asarray(decoding.enlarge(step)))) > 10


def test_the_same_pixels_give_the_same_png() -> None:
    image = photo()
    marked = image.copy()
    marked.info["icc_profile"] = b"x"
    assert decoding.png_bytes(image) == decoding.png_bytes(marked)
    decoded = decoding.decode(decoding.png_bytes(image))
    np.testing.assert_array_equal(pixels(decoded), np.asarray(image))
