"""Balls and their radius against obvious versions in float64."""

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import covering_balls as module
from labelcycle.core.covering_balls import Balls, pure_radius
from labelcycle.core.neighbours import unit_rows


def lattice(seed: int, n: int) -> np.ndarray:
    """Few directions, so that many distances are equal; copies and rows of zeros."""
    return np.random.default_rng(seed).integers(0, 3, (n, 3)).astype(np.float32)


@tries(50)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    radius=st.sampled_from([0.0, 0.3, 1.0, np.sqrt(2), 2.0]),
)
def test_degrees_are_those_of_all_distances(seed: int, n: int, radius: float) -> None:
    """Distances of exactly the radius are common here, and do not count."""
    rng = np.random.default_rng(seed)
    features = lattice(seed, n)
    points = unit_rows(features)
    gaps = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    inside = (gaps < radius - 1e-7) | (gaps < 1e-7)
    targets = np.flatnonzero(rng.random(n) < 0.7)
    balls = Balls(features, targets, radius)
    everything = np.arange(n)
    np.testing.assert_array_equal(balls.degrees(everything), inside[:, targets].sum(axis=1))
    chosen = np.flatnonzero(rng.random(n) < 0.1)
    balls.add(chosen)
    still = targets[~inside[chosen][:, targets].any(axis=0)]
    assert balls.left == len(still)
    np.testing.assert_array_equal(balls.degrees(everything), inside[:, still].sum(axis=1))


@tries(50)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    purity=st.sampled_from([0.5, 0.8, 0.95, 1.0]),
)
def test_no_larger_radius_is_as_pure(seed: int, n: int, purity: float) -> None:
    rng = np.random.default_rng(seed)
    points = unit_rows(lattice(seed, n) if rng.random() < 0.5 else rng.standard_normal((n, 3)))
    groups = rng.integers(0, 3, n)
    gaps = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    mixed = groups[:, None] != groups

    def share(radius: float) -> float:
        return float(1 - ((gaps < radius) & mixed).any(axis=1).mean())

    radius = pure_radius(points, groups, purity)
    assert 0 <= radius <= 2
    assert share(radius - 1e-9) >= purity - 1e-9
    assert radius == 2 or share(radius + 1e-9) < purity


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(0).standard_normal((90, 4)).astype(np.float16)
    groups = np.random.default_rng(1).integers(0, 4, 90)
    found = []
    for size in (7, 1024):
        monkeypatch.setattr(module, "TARGETS", size)
        monkeypatch.setattr(module, "MOST_ROWS", size)
        balls = Balls(features, np.arange(90), 0.5)
        balls.add(np.arange(20))
        radius = pure_radius(unit_rows(features), groups, 0.9)
        found.append([*balls.degrees(np.arange(90)), radius])
    assert found[0] == found[1]
    assert max(found[0]) > 1


def test_the_radius_by_hand() -> None:
    """A circle, two groups: the nearest of the other is 40, 30, 20, 20, 70 degrees away."""
    angles = np.radians([0, 10, 20, 40, 90])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    groups = np.array([0, 0, 0, 1, 1])
    for purity, degrees in ((1.0, 20), (0.6, 30), (0.4, 40), (0.2, 70)):
        expected = 2 * np.sin(np.radians(degrees) / 2)
        assert pure_radius(points, groups, purity) == pytest.approx(expected)


def test_one_group_alone_is_pure_at_any_radius() -> None:
    assert pure_radius(unit_rows(lattice(0, 9)), np.zeros(9, dtype=int), 0.95) == 2
