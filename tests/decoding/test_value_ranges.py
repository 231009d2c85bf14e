"""Pixels of more than 8 bits: what becomes black and white, and how many levels are left."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labelcycle import decoding
from labelcycle.decoding import value_ranges
from labelcycle.decoding.value_ranges import Values


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", **options)
    return file.getvalue()


def ramp(low: float, high: float, kind: Any = np.uint16) -> np.ndarray:
    """160 by 120 pixels that rise from left to right."""
    return np.linspace(low, high, 160).round(3).astype(kind)[None].repeat(120, 0)


def seen(data: bytes, **options: Any) -> np.ndarray:
    return np.asarray(decoding.decode(data, **options).image)[..., 0]


def test_12_bits_in_16_keep_their_levels() -> None:
    decoded = decoding.decode(tiff(ramp(0, 4095)))
    assert decoded.notes == ("16-bit values scaled: 0 black, 4095 white",)
    assert len(np.unique(np.asarray(decoded.image))) == 160
    assert np.asarray(decoded.image).max() == 255


def test_hundredths_of_a_kelvin_keep_their_levels() -> None:
    decoded = decoding.decode(tiff(ramp(29_315, 31_015)))
    assert decoded.notes == ("16-bit values scaled: 29315 black, 31015 white",)
    assert len(np.unique(np.asarray(decoded.image))) == 160


def test_pictures_of_16_bits_stay_as_they_are() -> None:
    for low, high in ((0, 65_535), (20_000, 45_000), (3000, 60_000)):
        shown = seen(tiff(ramp(low, high)))
        assert (shown[0, 0], shown[0, -1]) == (round(low / 257), round(high / 257))


@pytest.mark.parametrize(
    ("low", "high", "kind", "wanted"),
    [
        (0, 8000, np.uint16, (0, 8191)),  # millimetres of depth
        (-1000, 3000, np.int16, (-1000, 3000)),  # Hounsfield units
        (0, 0.9, np.float32, (0, 1)),
        (250, 320, np.float32, (250, 320)),
        (100, 140, np.uint16, (100, 140)),
    ],
)
def test_what_is_black_and_white(low: float, high: float, kind: Any, wanted: Any) -> None:
    found = decoding.decode(tiff(ramp(low, high, kind))).values
    assert found is not None
    assert value_ranges.fitting(found.kind, found.low, found.high) == pytest.approx(wanted)


@pytest.mark.parametrize("nothing", [0, 65_535])
def test_a_value_for_nothing_measured_costs_no_levels(nothing: int) -> None:
    pixels = ramp(29_315, 31_015)
    pixels[:30] = nothing
    shown = seen(tiff(pixels))
    assert len(np.unique(shown[30:])) == 160
    assert set(np.unique(shown[:30])) == ({0} if nothing == 0 else {255})


def test_a_declared_value_for_nothing_is_black() -> None:
    pixels = ramp(300, 800, np.float32)
    pixels[:60, :80] = -9999
    found = decoding.decode(tiff(pixels, tiffinfo={42113: "-9999"}))
    assert found.values == Values("float", 300, 800)
    assert np.asarray(found.image)[:60, :80].max() == 0


def test_dead_pixels_cost_no_levels() -> None:
    pixels = ramp(29_000, 31_000)
    pixels[3, 3], pixels[9, 9] = 0, 65_535
    assert decoding.decode(tiff(pixels)).values == Values("16-bit", 29_000, 31_000)


def test_a_mask_of_two_values_stays_one() -> None:
    pixels = np.zeros((20, 20), np.uint16)
    pixels[5:9] = 65_535
    assert set(np.unique(seen(tiff(pixels)))) == {0, 255}


def test_one_range_for_all_images_keeps_their_brightness_apart() -> None:
    cold, warm = tiff(ramp(29_300, 29_500)), tiff(ramp(30_800, 31_000))
    found = [decoding.decode(data).values for data in (cold, warm)]
    ranges = value_ranges.common(each for each in found if each)
    assert ranges == {"16-bit": (29_300, 31_000)}
    assert seen(cold, ranges=ranges).max() < 50 < 200 < seen(warm, ranges=ranges).min()


def test_one_odd_image_of_hundreds_does_not_set_the_range() -> None:
    usual = [Values("16-bit", 29_300, 31_000)] * 200
    odd = Values("16-bit", 0, 65_535)
    assert value_ranges.common([*usual, odd]) == {"16-bit": (29_300, 31_000)}


def test_values_beyond_a_kept_range_are_cut_off_and_told() -> None:
    decoded = decoding.decode(tiff(ramp(0, 9000)), ranges={"16-bit": (0, 4095)})
    assert decoded.notes == ("16-bit values scaled: 0 black, 4095 white, its 0 to 9000 cut off",)
    assert np.asarray(decoded.image).max() == 255


def test_a_few_bright_points_on_black_are_kept() -> None:
    pixels = np.zeros((100, 100), np.uint16)
    pixels[50, 50] = 4000
    assert seen(tiff(pixels)).max() > 200
