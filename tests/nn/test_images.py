"""The square that an encoder sees."""

import numpy as np
import pytest
from PIL import Image

from labelcycle.nn.square_crop import square


def picture(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_a_square_of_the_size_keeps_its_pixels() -> None:
    image = picture(28, 28)
    np.testing.assert_array_equal(square(image, 28), np.asarray(image))


def test_the_longer_side_is_cut_on_both_ends() -> None:
    image = picture(10, 6)
    np.testing.assert_array_equal(square(image, 6), np.asarray(image)[:, 2:8])
    upright = picture(6, 11)
    np.testing.assert_array_equal(square(upright, 6), np.asarray(upright)[2:8])


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (640, 480), (28, 28)])
def test_every_shape_becomes_the_square(shape: tuple[int, int]) -> None:
    pixels = square(picture(*shape), 16)
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8


def test_making_it_smaller_averages() -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = Image.fromarray(np.repeat(board[..., None], 3, axis=2).astype(np.uint8))
    inner = square(image, 8)[1:-1, 1:-1].astype(int)
    assert np.abs(inner - 127).max() <= 3
