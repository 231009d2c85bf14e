"""CoreSet by hand, against a slow version, and against scikit-activeml."""

from collections.abc import Sequence

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from shapes import circle
from skactiveml.pool import CoreSet

from labelcycle.core import run_strategy
from labelcycle.core.pool import UNLABELED, Pool, Selection


def make(features: np.ndarray, labeled: Sequence[int] = (), rejected: Sequence[int] = ()) -> Pool:
    labels = np.full(len(features), UNLABELED)
    labels[list(labeled)] = 0
    available = labels == UNLABELED
    available[list(rejected)] = False
    return Pool(np.asarray(features, dtype=np.float32), labels, available)


def ask(pool: Pool, budget: int) -> Selection:
    return run_strategy.select("coreset", pool, budget, np.random.default_rng(0))


def unit(features: np.ndarray) -> np.ndarray:
    points = features.astype(np.float64)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(lengths > 0, lengths, 1)


def slow_coreset(pool: Pool, budget: int) -> list[int]:
    """One obvious loop over all distances; equal to 9 decimals is equal, and the first wins."""
    points = unit(pool.features)
    centres = np.flatnonzero(pool.labels >= 0).tolist()
    left = np.flatnonzero(pool.available).tolist()
    picks: list[int] = []
    while len(picks) < budget:
        if centres:
            far = [min(np.linalg.norm(points[i] - points[j]) for j in centres) for i in left]
        else:
            mean = points[left].mean(axis=0)
            far = [-np.linalg.norm(points[i] - mean) for i in left]
        best = left[int(np.argmax(np.round(far, 9)))]
        picks.append(best)
        centres.append(best)
        left.remove(best)
    return picks


@tries(40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    kind=st.sampled_from([np.float32, np.float16]),
    share=st.sampled_from([0, 0.3]),
)
def test_a_slow_version_picks_the_same(seed: int, n: int, kind: type, share: float) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 3)).astype(kind)
    features[rng.random(n) < 0.2] = features[0]
    features[rng.random(n) < 0.1] = 0
    pool = make(features, np.flatnonzero(rng.random(n - 1) < share))
    budget = int(rng.integers(1, pool.available.sum() + 1))
    picks = ask(pool, budget)
    assert picks.rows.tolist() == slow_coreset(pool, budget)


@pytest.mark.parametrize("labeled", [1, 30])
def test_scikit_activeml_picks_the_same_in_the_same_order(labeled: int) -> None:
    """Unit rows on both sides, at least one label: without any, they draw the first pick."""
    rng = np.random.default_rng(1)
    centres = 3 * rng.standard_normal((10, 16))
    features = centres[rng.integers(0, 10, 800)] + rng.standard_normal((800, 16))
    rows = rng.choice(800, labeled, replace=False)
    y = np.full(800, np.nan)
    y[rows] = 0
    theirs = CoreSet(random_state=0).query(unit(features.astype(np.float32)), y, batch_size=40)
    assert theirs.tolist() == ask(make(features, rows), 40).rows.tolist()


def test_the_farthest_first_by_hand() -> None:
    picks = ask(make(circle(0, 10, 100, 120, 250), labeled=[0]), 4)
    # 120 degrees away; then 250 (110 from 0), 10 (10 from 0 by the circle), 100 (20 from 120)
    assert picks.rows.tolist() == [3, 4, 2, 1]
    halves = np.radians([120, 110, 20, 10]) / 2
    np.testing.assert_allclose(picks.score, 2 * np.sin(halves), rtol=1e-6)
    np.testing.assert_array_equal(picks.why["distance"], picks.score)


def test_without_labels_the_sample_nearest_the_mean_comes_first() -> None:
    picks = ask(make(circle(0, 40, 50, 90, 180), rejected=[4]), 2)
    assert picks.rows.tolist() == [1, 3]  # 40 and 50 are as near the mean at 45: the first
    np.testing.assert_allclose(picks.score, [2, 2 * np.sin(np.radians(25))], rtol=1e-6)


def test_copies_of_what_is_labelled_come_last_by_row() -> None:
    pool = make(circle(0, 30, 0, 30, 0, 77), labeled=[0])
    assert ask(pool, 5).rows.tolist() == [5, 1, 2, 3, 4]
