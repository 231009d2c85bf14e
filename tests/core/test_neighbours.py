from unittest import mock

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from labelcycle.core import neighbours
from labelcycle.core.neighbours import nearest_others, unit_rows


def slow_nearest_others(points: np.ndarray, k: int) -> np.ndarray:
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    return np.sort(distances, axis=1)[:, :k]


@tries(20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 50), st.integers(1, 6), st.sampled_from([2, 999]))
def test_nearest_others_are_those_of_all_distances(seed: int, m: int, d: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, levels, (m, d)) / levels
    k = int(rng.integers(1, m))
    np.testing.assert_allclose(
        nearest_others(points, k), slow_nearest_others(points, k), rtol=1e-9, atol=1e-7
    )


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).standard_normal((101, 7))
    whole = nearest_others(points, 9)
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 16 * 101 * 10)
    np.testing.assert_allclose(nearest_others(points, 9), whole, rtol=1e-12)


def test_a_copy_is_a_neighbour_at_distance_zero_and_the_point_itself_is_none() -> None:
    points = np.array([[0.3, 0.1], [0.3, 0.1], [1.3, 0.1]])
    np.testing.assert_array_equal(nearest_others(points, 1)[:, 0], [0.0, 0.0, 1.0])


def test_unit_rows_keep_zero_rows_and_the_input() -> None:
    features = np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float16)
    np.testing.assert_allclose(unit_rows(features), [[0.6, 0.8], [0, 0], [0, -1]])
    assert features[0, 0] == 3


@tries(20)
@given(seed=st.integers(0, 2**32 - 1), block=st.sampled_from([1, 20_000, 2**26]))
def test_few_of_many_points_have_the_same_neighbours(seed: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.integers(-2, 3, (300, 4)).astype(np.float16)
    rows = rng.permutation(300)[:7]
    with mock.patch.object(neighbours, "BLOCK_BYTES", block):
        found, near = neighbours.nearest_rows(features, 9, rows)
        assert (near != rows[:, None]).all()
    expected = nearest_others(unit_rows(features), 9, rows)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("unit", [True, False])
def test_few_in_single_precision_are_those_of_all_distances(unit: bool) -> None:
    points = np.random.default_rng(0).standard_normal((80, 12))
    points = unit_rows(points) if unit else points / np.linalg.norm(points, axis=1).max()
    rows = np.array([5, 0, 79])
    squares, near, off = neighbours.near_squares(points.astype(np.float32), 7, rows)
    assert (near != rows[:, None]).all()
    wanted = slow_nearest_others(points, 7)[rows] ** 2
    np.testing.assert_allclose(squares, wanted, rtol=0, atol=off)
    assert off < 1e-5
    found = np.linalg.norm(points[near] - points[rows, None], axis=2) ** 2
    np.testing.assert_allclose(found, wanted, atol=2 * off)
