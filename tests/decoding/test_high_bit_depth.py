"""Pixels that Pillow cuts or wraps: several channels of 16 bits, unsigned 32, signed 8."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from deep_files import png_of_16_bits, tiff_of, trns

from labelcycle import decoding
from labelcycle.decoding import value_ranges
from labelcycle.decoding.value_ranges import Values
from labelcycle.errors import DataError


def colours(high: int = 4095) -> np.ndarray:
    """(20, 160, 3): red rises to the right, green falls, blue is half of red."""
    rising = np.linspace(0, high, 160).round().astype(np.uint16)[None].repeat(20, 0)
    return np.stack([rising, rising[:, ::-1], rising // 2], -1)


def with_alpha(pixels: np.ndarray, opacity: int) -> np.ndarray:
    return np.concatenate([pixels, np.full_like(pixels[..., :1], opacity)], -1)


def ppm(pixels: np.ndarray) -> bytes:
    height, width = pixels.shape[:2]
    return f"P6 {width} {height} 65535\n".encode() + pixels.astype(">u2").tobytes()


FILES: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": lambda pixels: png_of_16_bits(3, pixels),
    "png with alpha of 16 bits": lambda pixels: png_of_16_bits(4, with_alpha(pixels, 65535)),
    "png with alpha of 12 bits": lambda pixels: png_of_16_bits(4, with_alpha(pixels, 4095)),
    "tiff": tiff_of,
    "big-endian tiff": lambda pixels: tiff_of(pixels, order=">"),
    "deflated tiff": lambda pixels: tiff_of(pixels, packed=True),
    "deflated big-endian tiff": lambda pixels: tiff_of(pixels, packed=True, order=">"),
    "tiff of planes": lambda pixels: tiff_of(pixels, planes=True),
    "big-endian tiff of planes": lambda pixels: tiff_of(pixels, planes=True, order=">"),
    "tiff with a channel of no meaning": lambda p: tiff_of(with_alpha(p, 9), extra=0),
    "tiff with alpha": lambda pixels: tiff_of(with_alpha(pixels, 65535), extra=2),
    "ppm": ppm,
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_12_bits_of_colour_in_16_keep_their_levels(file: Callable[[np.ndarray], bytes]) -> None:
    decoded = decoding.decode(file(colours()))
    assert decoded.values == Values("16-bit colour", 0, 4095)
    assert decoded.notes[0] == "16-bit colour values scaled: 0 black, 4095 white"
    wanted = np.rint(colours() / 4095 * 255)
    np.testing.assert_array_equal(np.asarray(decoded.image), wanted)


@pytest.mark.parametrize("opacity", [4095, 65535])
def test_12_bits_of_grey_with_alpha_keep_their_levels(opacity: int) -> None:
    grey = colours()[..., :1]
    decoded = decoding.decode(png_of_16_bits(2, with_alpha(grey, opacity)))
    assert decoded.values == Values("16-bit", 0, 4095)
    assert decoded.notes[:2] == (
        "16-bit values scaled: 0 black, 4095 white",
        "transparency laid on white",
    )
    wanted = np.rint(grey / 4095 * 255).repeat(3, -1)
    np.testing.assert_array_equal(np.asarray(decoded.image), wanted)


def test_colours_that_were_multiplied_by_their_opacity_are_divided_again() -> None:
    half = with_alpha(colours(32_000), 32_768)
    seen = np.asarray(decoding.decode(tiff_of(half, extra=1)).image).astype(int)
    wanted = (colours(32_000) / 32_768 * 0.5 + 0.5) * 255
    assert np.abs(seen - wanted).max() <= 1.5


def test_one_range_holds_for_every_channel_and_every_image() -> None:
    dark, bright = (tiff_of(colours(high)) for high in (900, 4000))
    found = [decoding.decode(data).values for data in (dark, bright)]
    ranges = value_ranges.common(each for each in found if each)
    assert ranges == {"16-bit colour": (0, 4095)}
    seen = [np.asarray(decoding.decode(data, ranges=ranges).image) for data in (dark, bright)]
    assert seen[0].max(axis=(0, 1)).tolist() == [56, 56, 28]
    assert seen[1].max(axis=(0, 1)).tolist() == [249, 249, 125]


def test_a_colour_declared_transparent_lies_on_white() -> None:
    key = trns(0x0102, 0x0304, 0x0506)
    pixels = colours()
    pixels[3, 3] = 0x0102, 0x0304, 0x0506
    pixels[4, 4] = 0x0102, 0x0304, 0x0507  # the same in 8 bits
    seen = np.asarray(decoding.decode(png_of_16_bits(3, pixels, key)).image)
    assert seen[3, 3].tolist() == [255, 255, 255]
    assert seen[4, 4].max() < 90


def test_what_is_transparent_everywhere_is_white() -> None:
    decoded = decoding.decode(png_of_16_bits(4, with_alpha(colours(), 0)))
    assert decoded.values is None
    assert np.asarray(decoded.image).min() == 255


def test_packed_planes_are_told_to_lose_their_lower_bits() -> None:
    decoded = decoding.decode(tiff_of(colours(), planes=True, packed=True))
    assert "16-bit colour in planes: the upper 8 bits are seen" in decoded.notes
    assert np.abs(np.asarray(decoded.image) - colours() / 4095 * 255).max() <= 16


def test_unsigned_integers_of_32_bits_do_not_wrap() -> None:
    rising = np.linspace(0, 4e9, 160).astype(np.uint32)[None].repeat(20, 0)
    for packed in (False, True):
        decoded = decoding.decode(tiff_of(rising, packed=packed))
        assert decoded.values == Values("integer", 0, 4e9)
        wanted = np.rint(rising / (2**32 - 1) * 255)
        np.testing.assert_array_equal(np.asarray(decoded.image)[..., 0], wanted)
    with pytest.raises(DataError, match=r"32 bits unsigned, big-endian .*unsigned ones little"):
        decoding.decode(tiff_of(rising, order=">"))


def test_signed_bytes_do_not_wrap() -> None:
    rising = np.linspace(-100, 100, 160).round().astype(np.int8)[None].repeat(20, 0)
    decoded = decoding.decode(tiff_of(rising))
    assert decoded.values == Values("integer", -100, 100)
    wanted = np.rint((rising.astype(int) + 100) / 200 * 255)
    np.testing.assert_array_equal(np.asarray(decoded.image)[..., 0], wanted)


def test_where_zero_is_white_much_is_dark() -> None:
    rising = np.linspace(0, 65_535, 160).astype(np.uint16)[None].repeat(20, 0)
    for pixels in (rising, (rising / 65_535).astype(np.float32)):
        seen = np.asarray(decoding.decode(tiff_of(pixels, photometric=0)).image)[..., 0]
        wanted = 255 - np.rint(rising / 65_535 * 255)
        assert np.abs(seen - wanted).max() <= 1


def test_a_file_tells_its_kind_before_it_is_decoded(tmp_path: Path) -> None:
    file = tmp_path / "x"
    for data, kind in (
        (tiff_of(colours()), "16-bit colour"),
        (png_of_16_bits(2, with_alpha(colours()[..., :1], 9)), "16-bit"),
        (tiff_of(colours(200).astype(np.uint8)), "8-bit"),
        (tiff_of(np.zeros((3, 4), np.int8)), "integer"),
        (b"text", None),
        (tiff_of(colours())[:30], ""),
    ):
        file.write_bytes(data)
        assert decoding.kind_of(file) == kind
