"""Searches for neighbours: exact ones, those of inverted lists, and what is kept of them."""

import numpy as np
import pytest

from labelcycle.core import neighbour_graph
from labelcycle.core.neighbours import unit_rows


def test_an_exact_search_finds_all_there_is() -> None:
    points = np.random.default_rng(1).standard_normal((400, 3)).astype(np.float32)
    cosines, rows = neighbour_graph.nearest(points, points[:5], 500, 400)
    assert rows.shape == (5, 400)  # in inverted lists too few would be looked at
    assert (np.sort(rows, axis=1) == np.arange(400)).all()
    units = unit_rows(points)
    wanted = np.take_along_axis(units[:5] @ units.T, rows.astype(np.int64), axis=1)
    np.testing.assert_allclose(cosines, wanted, atol=1e-6)
    assert (np.diff(cosines, axis=1) <= 0).all()


def test_the_searches_of_late_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    searched = neighbour_graph._searched

    def noting(points: np.ndarray, queries: np.ndarray, k: int, exact: bool):
        asked.append(k)
        return searched(points, queries, k, exact)

    monkeypatch.setattr(neighbour_graph, "_searched", noting)
    monkeypatch.setattr(neighbour_graph, "_kept", neighbour_graph.OrderedDict())
    monkeypatch.setattr(neighbour_graph, "KEPT", 2)
    points = np.eye(6, dtype=np.float32)
    for k in (1, 2, 1, 3, 1, 2):  # 3 takes the place of 2, which was asked for before 1
        neighbour_graph.nearest(points, points, k, 6)
    assert asked == [1, 2, 3, 2]
    monkeypatch.setattr(neighbour_graph, "KEPT_BYTES", 4 * 6 * 4 - 1)
    for k in (3, 3, 4, 4):
        neighbour_graph.nearest(points, points, k, 6)
    assert asked[4:] == [3, 4, 4]  # one that is large is not kept


def test_inverted_lists_find_nearly_the_same_neighbours() -> None:
    rng = np.random.default_rng(2)
    features = rng.standard_normal((3000, 16)).astype(np.float32)
    exact = neighbour_graph.nearest(features, features, 10, 3000)
    listed = neighbour_graph.nearest(features, features, 10, 0)
    assert (exact[1][:, 0] == np.arange(3000)).all()
    same = [len(np.intersect1d(a, b)) for a, b in zip(exact[1], listed[1], strict=True)]
    assert 8 < np.mean(same) < 10  # not exact, and so it is another way than the first


def test_a_search_is_not_answered_with_an_older_one() -> None:
    rng = np.random.default_rng(3)
    points = rng.standard_normal((50, 4)).astype(np.float32)
    before = neighbour_graph.nearest(points, points, 3, 100)[1].copy()
    again = neighbour_graph.nearest(points, points, 3, 100)[1]
    np.testing.assert_array_equal(before, again)
    points[:] = points[::-1].copy()
    turned = neighbour_graph.nearest(points, points, 3, 100)[1]
    assert not np.array_equal(before, turned)


def test_inverted_lists_of_a_handful_of_samples() -> None:
    features = np.eye(5, dtype=np.float32)
    assert neighbour_graph.nearest(features, features, 3, 0)[1][:, 0].tolist() == [0, 1, 2, 3, 4]
