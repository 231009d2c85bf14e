import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelcycle.core import graph
from labelcycle.core import typicality as module
from labelcycle.core.neighbours import near_squares, nearest_others, unit_rows, unit_rows32
from labelcycle.core.ordering import best_first
from labelcycle.core.typicality import SMALL, SMALLEST_DISTANCE, most_typical, typicality


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


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(SMALL - 3, SMALL + 80),
    d=st.sampled_from([2, 16]),
    kind=KINDS,
    squared=st.booleans(),
    data=st.data(),
)
def test_the_most_typical_are_those_of_all_in_float64(
    seed: int, m: int, d: int, kind: str, squared: bool, data: st.DataObject
) -> None:
    features = awkward(seed, m, d, kind).astype(np.float32)
    count = data.draw(st.sampled_from([1, 2, m // 10, m - 1, m]))
    values = typicality(unit_rows(features), 20, squared)
    expected = np.sort(best_first(values)[:count])
    kept = most_typical(features, 20, squared, count)
    assert kept.tolist() == expected.tolist()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, count=st.sampled_from([1, 7, 60]))
def test_neighbours_may_be_looked_for_among_more_samples(seed: int, kind: str, count: int) -> None:
    features = awkward(seed, 400, 8, kind)
    rows = np.flatnonzero(np.random.default_rng(seed).random(400) < 0.3)[:100]
    values = typicality(unit_rows(features), 20, False)[rows]
    count = min(count, len(rows))
    expected = rows[np.sort(best_first(values)[:count])]
    assert most_typical(features, 20, False, count, rows).tolist() == expected.tolist()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, k=st.integers(1, 20))
def test_float32_is_off_by_no_more_than_it_says(seed: int, kind: str, k: int) -> None:
    features = awkward(seed, 150, 32, kind)
    squares, off = near_squares(unit_rows32(features), k)
    exact = nearest_others(unit_rows(features), k) ** 2
    assert np.abs(squares - exact).max() <= off < 1e-4


@pytest.mark.parametrize("zeros", [1, 15, 60, 300])
@pytest.mark.parametrize("some", [False, True])
def test_in_a_huge_cluster_rows_of_zeros_are_as_far_as_they_are(
    zeros: int, some: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(zeros)
    features = rng.standard_normal((300, 8)).astype(np.float32)
    empty = rng.permutation(300)[:zeros]
    features[empty] = 0
    rows = np.sort(rng.permutation(300)[:200]) if some else None
    exact = module._bounded(features, 20, False, rows)[0]
    # one list of all: nothing is missed, so that the distances are all that can differ
    monkeypatch.setattr(module, "EXACT_UP_TO", 299)
    monkeypatch.setattr(graph, "PROBES", 300)
    listed = module._bounded(features, 20, False, rows)[0]
    np.testing.assert_allclose(listed, exact, rtol=1e-3)
    assert np.isfinite(listed).all()
