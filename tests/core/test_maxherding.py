"""MaxHerding by hand, against a slow version, and against scikit-activeml."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from shapes import circle
from skactiveml.pool import MaxHerding

from labelcycle.core import run_strategy
from labelcycle.core.lazy_greedy import settled
from labelcycle.core.pool import UNLABELED, Pool, Selection


def make(features: np.ndarray, labeled: Sequence[int] = (), rejected: Sequence[int] = ()) -> Pool:
    labels = np.full(len(features), UNLABELED)
    labels[list(labeled)] = 0
    available = labels == UNLABELED
    available[list(rejected)] = False
    return Pool(np.asarray(features, dtype=np.float32), labels, available)


def ask(pool: Pool, budget: int, seed: int = 0, **options: object) -> Selection:
    return run_strategy.select("maxherding", pool, budget, np.random.default_rng(seed), options)


def slow_maxherding(pool: Pool, budget: int, sigma: float) -> tuple[list[int], list[float]]:
    """The whole kernel in float64; of equals, by the rule for rounding, the first wins."""
    points = pool.features.astype(np.float64)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    points /= np.where(lengths > 0, lengths, 1)
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    kernel = np.exp(-squares / sigma**2)
    covered = kernel[:, pool.labeled].max(axis=1, initial=0)
    picks: list[int] = []
    gains: list[float] = []
    for _ in range(budget):
        values = np.maximum(kernel - covered, 0)[:, pool.available].mean(axis=1)
        values[~pool.available] = -1
        values[picks] = -1
        best = int(np.argmax(settled(values)))
        picks.append(best)
        gains.append(values[best])
        covered = np.maximum(covered, kernel[best])
    return picks, gains


@tries(25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    kind=st.sampled_from([np.float32, np.float16]),
    share=st.sampled_from([0, 0.3]),
    sigma=st.sampled_from([0.05, 0.4, 1.0, 3.0]),
)
def test_a_slow_version_picks_the_same(
    seed: int, n: int, kind: type, share: float, sigma: float
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 3)).astype(kind)
    features[rng.random(n) < 0.2] = features[0]
    features[rng.random(n) < 0.1] = 0
    labeled = np.flatnonzero(rng.random(n - 1) < share)
    pool = make(features, labeled)
    budget = int(rng.integers(1, pool.available.sum() + 1))
    picks = ask(pool, budget, sigma=sigma)
    rows, gains = slow_maxherding(pool, budget, sigma)
    assert picks.rows.tolist() == rows
    np.testing.assert_allclose(picks.score, gains, atol=1e-9)


def blobs(n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.standard_normal((10, d))[rng.integers(0, 10, n)] + rng.standard_normal((n, d))


@pytest.mark.parametrize("labeled", [0, 30])
def test_scikit_activeml_picks_the_same_in_the_same_order(labeled: int) -> None:
    """Their gamma is 1 / sigma^2, and 1 / d if it is not given; they make unit rows themselves."""
    features = blobs(600, 16).astype(np.float32)
    rows = np.random.default_rng(2).choice(600, labeled, replace=False)
    y = np.full(600, np.nan)
    y[rows] = 0
    peer = MaxHerding(metric_dict={"gamma": 1.0}, random_state=0)
    theirs = peer.query(features.astype(np.float64), y, batch_size=40)
    assert theirs.tolist() == ask(make(features, rows), 40).rows.tolist()


def test_the_middle_of_the_largest_heap_first_by_hand() -> None:
    pool = make(circle(0, 5, 10, 15, 20, 180, 185, 190))
    picks = ask(pool, 3, sigma=0.5)
    assert picks.rows.tolist()[:2] == [2, 6]
    gaps = 2 * np.sin(np.radians([0, 5, 5, 10, 10]) / 2)
    np.testing.assert_allclose(picks.score[0], np.exp(-4 * gaps**2).sum() / 8, rtol=1e-5)
    np.testing.assert_allclose(picks.why["coverage"], np.cumsum(picks.score), rtol=1e-6)
    np.testing.assert_array_equal(picks.why["gain"], picks.score)


def test_what_is_labelled_covers_and_what_is_rejected_is_not_to_be_covered() -> None:
    heaps = circle(0, 1, 2, 3, 90, 91, 92, 180, 181)
    assert ask(make(heaps), 1, sigma=0.3).rows[0] in (1, 2)
    assert ask(make(heaps, labeled=[1]), 1, sigma=0.3).rows.tolist() == [5]
    assert ask(make(heaps, labeled=[1], rejected=[4, 6]), 1, sigma=0.3).rows.tolist() == [7]


def test_a_pool_that_is_covered_goes_on_by_row() -> None:
    pool = make(circle(*[0, 90] * 5), labeled=[0])
    picks = ask(pool, 9)
    assert picks.rows.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert picks.score[0] > 0.1
    np.testing.assert_array_equal(picks.score[1:], 0)


def test_a_sample_of_the_targets_is_the_same_for_the_same_seed_and_loses_little() -> None:
    pool = make(blobs(1200, 16), labeled=range(10))
    found = [ask(pool, 20, seed=seed, targets=300) for seed in (0, 0, 1)]
    assert found[0].rows.tolist() == found[1].rows.tolist()
    assert found[0].rows.tolist() != found[2].rows.tolist()
    exact = ask(pool, 20, targets=None)
    reached = replace(pool, labels=pool.labels.copy(), available=pool.available.copy())
    reached.labels[found[0].rows] = 0  # coverage of all by these picks: what one more starts from
    after = slow_coverage(reached, pool.available)
    assert exact.why["coverage"][-1] >= after > 0.93 * exact.why["coverage"][-1]


def slow_coverage(pool: Pool, targets: np.ndarray) -> float:
    points = pool.features.astype(np.float64)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    products = points[targets] @ points[pool.labeled].T
    return float(np.exp(2 * products - 2).max(axis=1).mean())
