import numpy as np
import pytest

from labelcycle.core.typicality import SMALLEST_DISTANCE, typicality


def test_four_points_on_a_line_by_hand() -> None:
    # at 0, 1, 2, 5: K is min(20, 4 // 2) = 2; mean distance to the two nearest others
    points = np.array([[0.0], [1.0], [2.0], [5.0]])
    means = np.array([(1 + 2) / 2, (1 + 1) / 2, (1 + 2) / 2, (3 + 4) / 2])
    np.testing.assert_allclose(typicality(points, 20, False), 1 / (means + 1e-5), rtol=1e-12)
    squares = np.array([(1 + 4) / 2, (1 + 1) / 2, (1 + 4) / 2, (9 + 16) / 2])
    np.testing.assert_allclose(typicality(points, 20, True), 1 / (squares + 1e-5), rtol=1e-12)


def test_fewer_neighbours_may_be_asked_for() -> None:
    points = np.array([[0.0], [1.0], [2.0], [5.0]])
    expected = 1 / (np.array([1, 1, 1, 3]) + 1e-5)
    np.testing.assert_allclose(typicality(points, 1, False), expected, rtol=1e-12)


@pytest.mark.parametrize("points", [1, 2, 3])
def test_very_small_clusters_have_finite_typicality(points: int) -> None:
    values = typicality(np.arange(points, dtype=float)[:, None], 20, False)
    assert values.shape == (points,)
    assert np.isfinite(values).all()
    assert (values > 0).all() == (points > 1)


def test_copies_of_one_point_are_as_typical_as_can_be() -> None:
    values = typicality(np.full((30, 3), 0.577), 20, False)
    np.testing.assert_allclose(values, 1 / SMALLEST_DISTANCE)
