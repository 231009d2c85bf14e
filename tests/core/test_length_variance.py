"""Features whose lengths carry the spread are told from those of images."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelcycle.core.length_variance import MUCH, in_lengths, remark

FASHION = Path(__file__).parents[2] / "examples" / "fashion" / "images.tar.xz"


def blobs(centres: np.ndarray, noise: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = np.repeat(centres, 100, axis=0)
    return (rows + noise * rng.standard_normal(rows.shape)).astype(np.float32)


@pytest.mark.parametrize("d", [2, 16, 256])
def test_blobs_on_a_ray_are_told(d: int) -> None:
    ray = np.array([[1.0], [5.0], [9.0]]) * np.ones(d)
    assert in_lengths(blobs(ray)) > 0.95
    assert "of the spread of these features lies in the lengths" in (remark(blobs(ray)) or "")
    turned = np.eye(3, d) * 5 if d > 2 else np.array([[5.0, 0], [-3, 4], [-3, -4]])
    assert in_lengths(blobs(turned)) < 0.2
    assert remark(blobs(turned)) is None


def test_a_column_much_larger_than_the_others_is_told() -> None:
    rng = np.random.default_rng(0)
    table = np.column_stack([1000 * rng.random(500), rng.random((500, 5))])
    assert remark(table) is not None
    assert remark((table - table.mean(axis=0)) / table.std(axis=0)) is None


@pytest.mark.parametrize("column", [[1.0, 5.0, 9.0], [-2.0, 1.0, 2.0]])
def test_a_single_column_is_told_whatever_its_signs(column: list[float]) -> None:
    assert "a single column" in (remark(np.array(column)[:, None]) or "")


def test_rows_that_are_the_same_and_rows_of_zeros_have_no_say() -> None:
    assert in_lengths(np.ones((9, 3))) is None
    assert in_lengths(np.zeros((9, 1))) is None
    assert in_lengths(np.empty((0, 3))) is None
    plain = np.random.default_rng(0).standard_normal((200, 20))
    half = np.concatenate([plain, np.zeros((200, 20))])
    assert in_lengths(half) == in_lengths(plain) < 0.1


def test_one_row_longer_than_all_others_is_no_alarm() -> None:
    plain = np.random.default_rng(0).standard_normal((300, 20))
    plain[7] *= 1e6
    assert in_lengths(plain) < 0.1
    assert in_lengths(plain * 1e300) < 0.1  # nor are large numbers


@pytest.mark.parametrize("d", [2, 3, 10, 100])
def test_noise_is_no_alarm(d: int) -> None:
    rng = np.random.default_rng(0)
    for rows in (rng.standard_normal((2000, d)), rng.random((2000, d))):
        assert in_lengths(rows) < MUCH


def test_pixels_of_images_are_no_alarm() -> None:
    with tarfile.open(FASHION) as archive:
        files = [archive.extractfile(entry).read() for entry in archive.getmembers()[:400]]  # type: ignore[union-attr]
    pixels = [np.asarray(Image.open(io.BytesIO(data)).convert("L")).ravel() for data in files]
    assert 0.05 < in_lengths(np.array(pixels)) < 0.3
