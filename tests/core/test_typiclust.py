"""TypiClust by hand, against a slow version, and against scikit-activeml."""

from collections.abc import Sequence

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from skactiveml.pool import TypiClust

from labelcycle.core import run_strategy
from labelcycle.core.pool import UNLABELED, Pool, Selection


def make(features: np.ndarray, clusters: Sequence[int], labeled: Sequence[int] = ()) -> Pool:
    labels = np.full(len(features), UNLABELED)
    labels[list(labeled)] = 0
    return Pool(
        np.asarray(features, dtype=np.float32),
        labels,
        labels == UNLABELED,
        np.asarray(clusters, dtype=np.int32),
    )


def ask(pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select("typiclust", pool, budget, np.random.default_rng(0), options)


def slow_typiclust(pool: Pool, budget: int, neighbours: int, min_size: int) -> list[int]:
    """One obvious loop: no sharing, no blocks, all distances."""
    points = pool.features.astype(np.float64)
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    left = {int(i) for i in np.flatnonzero(pool.available)}
    order = []
    for c in sorted(set(pool.clusters.tolist())):
        held = int(((pool.clusters == c) & pool.labeled).sum())
        size = held + int(((pool.clusters == c) & pool.available).sum())
        order.append((size <= min_size, held, -size, c))
    picks: list[int] = []
    for tier in (False, True):
        turn = [c for small, _, _, c in sorted(order) if small == tier]
        while len(picks) < budget and any(pool.clusters[i] in turn for i in left):
            for c in turn:
                members = sorted(i for i in left if pool.clusters[i] == c)
                if not members or len(picks) == budget:
                    continue
                k = max(1, min(neighbours, len(members) // 2))
                best, value = members[0], -1.0
                for i in members:
                    gaps = sorted(np.linalg.norm(points[i] - points[j]) for j in members if j != i)
                    now = 1 / (np.mean(gaps[:k]) + 1e-5) if gaps else 0.0
                    if now > value * (1 + 1e-7):
                        best, value = i, now
                picks.append(best)
                left.remove(best)
    return picks


@tries(15)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    neighbours=st.integers(1, 25),
    min_size=st.integers(0, 8),
)
def test_a_slow_version_picks_the_same(seed: int, n: int, neighbours: int, min_size: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 3))
    labeled = np.flatnonzero(rng.random(n - 1) < 0.3)
    pool = make(features, rng.integers(0, 6, n), labeled)
    budget = int(rng.integers(1, pool.available.sum() + 1))
    picks = ask(pool, budget, neighbours=neighbours, min_cluster_size=min_size)
    assert picks.rows.tolist() == slow_typiclust(pool, budget, neighbours, min_size)


class GivenClusters:
    """Stands where scikit-activeml expects a cluster algorithm, and returns what it was given."""

    def __init__(self, labels: np.ndarray | None = None, n_clusters: int = 0, **_: object) -> None:
        self.labels = labels

    def fit_predict(self, X: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        assert self.labels is not None
        return self.labels


@pytest.mark.parametrize("labeled", [0, 10])
def test_scikit_activeml_picks_the_same_samples(labeled: int) -> None:
    """Same clusters, unit rows, K = 20 on both sides.

    What differs on purpose and is ruled out by the data: they leave out clusters with labels
    (enough clusters are free here), they take K neighbours where we take at most half the cluster
    (all have more than 40 samples), they count labelled samples as neighbours (these lie in
    clusters that are not picked), and they break ties of size at random (so sets are compared).
    """
    rng = np.random.default_rng(1)
    sizes = 50 + 3 * rng.permutation(20)
    clusters = np.repeat(np.arange(20), sizes)
    centres = 3 * rng.standard_normal((20, 16))
    features = centres[clusters] + rng.standard_normal((len(clusters), 16))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    rows = [int(np.flatnonzero(clusters == c)[0]) for c in range(labeled)]
    y = np.full(len(features), np.nan)
    y[rows] = 0
    theirs = TypiClust(
        k=20,
        random_state=0,
        cluster_algo=GivenClusters,
        cluster_algo_dict={"labels": clusters},
        n_cluster_param_name="n_clusters",
    ).query(features, y, batch_size=20 - labeled)
    ours = ask(make(features, clusters, rows), 20 - labeled)
    assert set(theirs.tolist()) == set(ours.rows.tolist())


def line(*places: float) -> np.ndarray:
    """Points of unit length at small angles, so that chords grow with the differences."""
    angles = np.array(places) / 100
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_the_middle_of_each_cluster_largest_cluster_first() -> None:
    features = np.concatenate(
        [line(0, 3, 5, 6, 7, 9, 12), line(50, 53, 56, 58, 59, 60, 62, 65, 68)]
    )
    picks = ask(make(features, [0] * 7 + [1] * 9), 2, neighbours=2)
    assert picks.why["cluster"].tolist() == [1, 0]
    assert picks.why["cluster_size"].tolist() == [9, 7]
    # 6 and 59 alone have two neighbours at 1 hundredth
    assert picks.rows.tolist() == [11, 3]
    np.testing.assert_allclose(picks.score, 1 / (2 * np.sin(0.005) + 1e-5), rtol=1e-4)
    np.testing.assert_array_equal(picks.why["typicality"], picks.score)


def test_clusters_with_fewer_labels_come_first_and_labelled_ones_are_not_excluded() -> None:
    features = np.concatenate([line(*range(10)), line(*range(50, 58)), line(*range(90, 97))])
    pool = make(features, [0] * 10 + [1] * 8 + [2] * 7, labeled=[0, 1, 10])
    picks = ask(pool, 4)
    assert picks.why["cluster"].tolist() == [2, 1, 0, 2]
    assert picks.why["cluster_labels"].tolist() == [0, 1, 2, 0]


def test_small_clusters_come_last_instead_of_failing() -> None:
    # the authors' code divides by zero where every cluster is small
    features = np.concatenate([line(0, 1, 2, 3, 4, 5), line(50, 51, 52)])
    picks = ask(make(features, [0] * 6 + [1] * 3), 9)
    assert picks.why["cluster"].tolist() == [0] * 6 + [1] * 3
    everything_small = ask(make(line(0, 1, 50, 51), [0, 0, 1, 1]), 4)
    assert everything_small.why["cluster"].tolist() == [0, 1, 0, 1]


def test_a_cluster_without_available_samples_loses_its_turn() -> None:
    # the authors' code takes the maximum of an empty list here
    pool = make(line(*range(14)), [0] * 7 + [1] * 7, labeled=range(7))
    assert set(ask(pool, 7).rows.tolist()) == set(range(7, 14))
