"""The test of two samples against one that loops over all pairs, and what it finds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from labelcycle.core import energy_test

Points = NDArray[np.float64]


def slow_distance(one: Points, other: Points) -> float:
    def mean(a: Points, b: Points) -> float:
        return float(np.mean([np.linalg.norm(x - y) for x in a for y in b]))

    return 2 * mean(one, other) - mean(one, one) - mean(other, other)


def directions(points: Points) -> Points:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_the_distance_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(17, 3)), rng.normal(size=(9, 3)) + 0.5
    found = energy_test.compare(one, other, np.random.default_rng(1)).distance
    assert found == pytest.approx(slow_distance(directions(one), directions(other)))


def test_p_is_the_share_of_divisions_that_are_as_different(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(energy_test, "DRAWS", 40)
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(8, 2)), rng.normal(size=(5, 2)) + 0.4
    found = energy_test.compare(one, other, np.random.default_rng(3))
    again = np.random.default_rng(3)
    rows = [np.sort(again.permutation(len(points))) for points in (one, other)]
    points = directions(np.concatenate([one[rows[0]], other[rows[1]]]))
    more = 0
    for _ in range(40):
        chosen = again.choice(13, 5, replace=False)
        rest = np.setdiff1d(np.arange(13), chosen)
        more += slow_distance(points[rest], points[chosen]) >= found.distance
    assert found.p == (1 + more) / 41


def test_samples_of_one_distribution_are_rarely_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(energy_test, "DRAWS", 99)
    rng = np.random.default_rng(0)
    found = [
        energy_test.compare(rng.normal(size=(40, 4)), rng.normal(size=(10, 4)), rng).p
        for _ in range(100)
    ]
    assert sum(p <= 0.05 for p in found) <= 12  # 5 expected, standard deviation 2.2
    assert 0.3 < np.mean(found) < 0.7


def test_of_many_points_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy_test, "MOST", 30)
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(1000, 4)), rng.normal(size=(500, 4)) + 1
    assert energy_test.compare(one, other, rng).p == 0.001


def test_lengths_do_not_count() -> None:
    points = np.random.default_rng(0).normal(size=(60, 3))
    found = [
        energy_test.compare(points[:30], points[30:] * length, np.random.default_rng(1))
        for length in (1.0, 50.0)
    ]
    assert found[0].p == found[1].p
