import numpy as np
import pytest

from labelcycle.core import distances
from labelcycle.core.neighbours import unit_rows


def points_of(d: int) -> np.ndarray:
    rng = np.random.default_rng(d)
    points = np.concatenate([rng.standard_normal((200, d)), rng.random((200, d)) + 3])
    points[0] = 0
    points[1] = points[2]
    return unit_rows(points)


@pytest.mark.parametrize("d", [3, 64, 2048])
def test_the_product_is_the_squared_distance_to_its_stated_error(d: int) -> None:
    points = points_of(d)
    exact = ((points[:20, None] - points) ** 2).sum(axis=2)
    got = distances.left(points[:20]) @ distances.right(points).T
    assert got.dtype == np.float32
    assert np.abs(got - exact).max() < distances.ROUNDING / 4
    scaled = distances.left(points[:20]) @ distances.right(points, -4.0).T
    assert np.abs(scaled / -4 - exact).max() < distances.ROUNDING / 4


def test_pairs_are_exact_and_copies_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "PAIRS", 3)
    points = points_of(5)
    i, j = np.array([0, 1, 2, 7]), np.array([1, 2, 2, 250])
    expected = [1, 0, 0, ((points[7] - points[250]) ** 2).sum()]
    np.testing.assert_allclose(distances.of_pairs(points, points, i, j), expected, atol=1e-15)


def test_squared_lengths_are_one_or_none() -> None:
    assert distances.squared_lengths(unit_rows(np.array([[0.0, 0], [3, 4]]))).tolist() == [0, 1]
