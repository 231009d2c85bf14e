"""The coverage's rough gains lie within their bounds; the exact ones are those by hand."""

import numpy as np
import pytest

from labelcycle.core import coverage as module
from labelcycle.core.coverage import Coverage, sampled


def features_of(kind: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    points = rng.standard_normal((n, d))
    if kind == "blobs":
        points = rng.standard_normal((10, d))[rng.integers(0, 10, n)] + 0.5 * points
    if kind == "one direction":
        points = np.abs(points) + 3
    points[0] = 0
    return points.astype(np.float32)


@pytest.mark.parametrize("kind", ["noise", "blobs", "one direction"])
@pytest.mark.parametrize("sigma", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("d", [3, 512])
def test_the_exact_gain_lies_within_the_bounds(d: int, sigma: float, kind: str) -> None:
    rng = np.random.default_rng(0)
    features = features_of(kind, 1100, d, rng)
    coverage = Coverage(features, np.arange(1100), rng.random(1100), sigma)
    for chosen in (range(0), range(1, 20)):
        coverage.add(np.array(chosen, dtype=np.int64))
        rows = np.arange(0, 60)
        lower, upper = coverage.bounds(rows)
        gains = coverage.gains(rows)
        assert (lower <= gains).all()
        assert (gains <= upper).all()
        middle = (lower + upper) / 2
        assert (np.abs(gains - middle)[lower > 0] <= 0.5 * (upper - middle)[lower > 0]).all()


def test_gains_by_hand() -> None:
    """Targets at right angles, and a row of zeros, at distance 1 from the others."""
    features = np.array([[2, 0], [0, 3], [0, 0], [5, 0]], dtype=np.float32)
    coverage = Coverage(features, np.arange(4), np.array([1.0, 2.0, 1.0, 1.0]), 1.0)
    one, two = np.exp(-1), np.exp(-2)
    expected = [2 + 2 * two + one, 2 * two + 2 + one, one * 4 + 1, 2 + 2 * two + one]
    np.testing.assert_allclose(coverage.gains(np.arange(4)), np.array(expected) / 4)
    coverage.add(np.array([0]))
    np.testing.assert_allclose(coverage.level, [1, two, one, 1])
    np.testing.assert_allclose(coverage.mean, expected[0] / 4)
    expected = [0, 2 * (1 - two), 2 * (one - two) + 1 - one, 0]
    np.testing.assert_allclose(coverage.gains(np.arange(4)), np.array(expected) / 4, atol=1e-15)


def test_nothing_is_covered_more_than_whole() -> None:
    """Of the same point the squared distance may come out below 0, and a narrow kernel shows it."""
    features = np.random.default_rng(0).standard_normal((50, 40)).astype(np.float32)
    coverage = Coverage(features, np.arange(50), np.ones(50), 1e-6)
    coverage.add(np.arange(50))
    assert coverage.level.max() <= 1


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float16)
    found = []
    for size in (7, 1024):
        monkeypatch.setattr(module, "TARGETS", size)
        coverage = Coverage(features, np.arange(50), np.ones(50), 0.7)
        coverage.add(np.arange(20))
        found.append(np.concatenate([coverage.level, coverage.gains(np.arange(50))]))
    np.testing.assert_allclose(found[0], found[1], atol=1e-14)


def test_a_sample_of_the_targets_goes_by_their_lots() -> None:
    lots = np.array([0.5, 0.9, 0.1, 0.3, 0.2])
    assert sampled(np.array([0, 1, 3, 4]), 2, lots).tolist() == [3, 4]
    assert sampled(np.array([0, 1]), None, lots).tolist() == [0, 1]
    assert sampled(np.array([0, 1]), 2, lots).tolist() == [0, 1]
