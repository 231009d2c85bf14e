import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core.neighbours import near_squares, nearest_others, unit_rows, unit_rows32
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


def awkward(seed: int, m: int, d: int, kind: str) -> np.ndarray:
    """Samples that float32 cannot tell apart: copies, nearly copies, rows of zeros."""
    rng = np.random.default_rng(seed)
    if kind == "copies":
        return rng.standard_normal((m // 3 + 1, d))[rng.integers(0, m // 3 + 1, m)]
    if kind == "near copies":
        return np.ones((m, d)) + 1e-4 * rng.standard_normal((m, d))
    if kind == "grid":
        return rng.integers(0, 3, (m, d)).astype(float)
    return rng.standard_normal((m, d))


KINDS = st.sampled_from(["copies", "near copies", "grid", "plain"])


@tries(20)
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, k=st.integers(1, 20))
def test_float32_is_off_by_no_more_than_it_says(seed: int, kind: str, k: int) -> None:
    features = awkward(seed, 150, 32, kind)
    squares, near, off = near_squares(unit_rows32(features), k, np.arange(150))
    assert (near != np.arange(150)[:, None]).all()
    exact = nearest_others(unit_rows(features), k) ** 2
    assert np.abs(squares - exact).max() <= off < 1e-4
