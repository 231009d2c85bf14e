"""DropQuery by hand, against a slow version, and against scikit-activeml."""

from typing import Any

import numpy as np
import pytest
from example_counts import tries
from given_head import GivenHead, drawing, pool_of, random_head, with_missing
from hypothesis import given
from hypothesis import strategies as st
from skactiveml.pool import DropQuery

from labelcycle.core import dropout, run_strategy
from labelcycle.core.clustering import Clustering
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.strategies import dropquery


def ask(pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select("dropquery", pool, budget, np.random.default_rng(7), options)


def units(features: np.ndarray) -> np.ndarray:
    rows = features.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=rows.copy(), where=lengths > 0)


def nearest_of(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    gaps: np.ndarray = ((rows[:, None, :] - centres) ** 2).sum(axis=2)
    return gaps.argmin(axis=1)


class GivenCentres:
    """One step of k-means from given centres, for both sides: no draws, any order of rows."""

    def __init__(self, centres: Any = None, n_clusters: int = 0) -> None:
        self.centres = centres

    def means(self, rows: np.ndarray) -> np.ndarray:
        near = nearest_of(rows, self.centres)
        return np.array([rows[near == c].mean(axis=0) for c in np.unique(near)])

    def __call__(
        self, features: np.ndarray, clusters: int, rng: object, **more: bool
    ) -> Clustering:
        """As our `kmeans`."""
        rows = units(features)
        used, group = np.unique(nearest_of(rows, self.centres), return_inverse=True)
        assert len(used) <= clusters
        return Clustering(group.astype(np.int32), self.means(rows).astype(np.float32), 0.0)

    def fit_transform(self, X: np.ndarray, y: None = None) -> np.ndarray:
        """As scikit-learn's KMeans: the distances to the centres."""
        distances: np.ndarray = np.linalg.norm(X[:, None, :] - self.means(X), axis=2)
        return distances


def slow_flips(head: Head, masks: np.ndarray) -> list[int]:
    flips = []
    for seen in head.hidden.astype(np.float64):
        plain = int(np.argmax(seen @ head.weights + head.bias))
        drawn = [int(np.argmax((seen * mask) @ head.weights + head.bias)) for mask in masks]
        flips.append(sum(one != plain for one in drawn))
    return flips


def slow_dropquery(pool: Pool, budget: int, draws: int, each: int, centres: np.ndarray) -> Any:
    assert pool.head is not None
    width = pool.head.hidden.shape[1]
    flips = slow_flips(pool.head, dropout.drawn_masks(np.random.default_rng(7), draws, width, 0.75))
    for least in range(draws, -1, -1):
        chosen = [int(i) for i in np.flatnonzero(pool.available) if flips[i] >= least]
        if 2 * (least - 1) <= draws and len(chosen) >= each * budget:
            break
    rows = units(pool.features)
    near = nearest_of(rows, centres)
    groups = [[i for i in chosen if near[i] == c] for c in sorted({near[i] for i in chosen})]
    leads, others = [], []
    for group in groups:
        centre = rows[group].mean(axis=0)
        away = {i: round(float(np.linalg.norm(rows[i] - centre)), 9) for i in group}
        first = min(group, key=lambda i: (away[i], i))
        leads.append((-len(group), away[first], first))
        others += [(away[i], i) for i in group if i != first]
    picks = [i for _, _, i in sorted(leads)] + [i for _, i in sorted(others)]
    return flips, picks[:budget]


@tries(15)
@given(
    seed=st.integers(0, 2**32 - 1),
    draws=st.integers(1, 6),
    each=st.integers(1, 6),
    copies=st.sampled_from([0.0, 0.6]),
)
def test_a_slow_version_picks_the_same(seed: int, draws: int, each: int, copies: float) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((40, 3)).astype(np.float32)
    pool = pool_of(random_head(seed, 40, copies=copies), [1, 2, 3], features)
    budget = int(rng.integers(1, 38))
    centres = units(rng.standard_normal((int(rng.integers(1, budget + 1)), 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dropquery, "kmeans", GivenCentres(centres))
        picks = ask(pool, budget, draws=draws, candidates=each)
    if picks.why["cold_start"].any():
        return
    flips, rows = slow_dropquery(pool, budget, draws, each, centres)
    assert picks.rows.tolist() == rows
    assert picks.why["flips"].tolist() == [flips[i] for i in rows]


def test_scikit_activeml_picks_the_same_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same masks, centres and model without a bias: then their masks need not be scaled.

    What differs on purpose and is ruled out: they draw a mask for each sample (here `choice`
    returns ours for all), they fill up to the budget where we go to 25 times that (one candidate
    for each pick will do here), and give the clusters' order another meaning (sets are compared).
    """
    drawn = random_head(11, 2000, width=16, classes=5)
    head = Head(units(drawn.hidden).astype(np.float32), drawn.weights, 0 * drawn.bias)
    pool = pool_of(head, labeled=range(0, 2000, 100))
    masks = iter(dropout.drawn_masks(np.random.default_rng(7), 5, 16, 0.75) == 0)

    def dropped(values: object, size: tuple[int, int], p: list[float]) -> np.ndarray:
        return np.broadcast_to(next(masks), size)

    centres = units(np.random.default_rng(2).standard_normal((30, 16)))
    theirs = drawing(DropQuery, dropped)(
        n_dropout_samples=5, cluster_algo=GivenCentres, cluster_algo_dict={"centres": centres}
    ).query(
        head.hidden.astype(np.float64),
        with_missing(pool),
        GivenHead(head, classes=range(5)),
        fit_clf=False,
        batch_size=30,
    )
    monkeypatch.setattr(dropquery, "kmeans", GivenCentres(centres))
    ours = ask(pool, 30, draws=5, candidates=1)
    assert set(ours.rows.tolist()) == {int(row) for row in theirs}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(1, [3, 4]), (2, [3, 4]), (3, [1, 3, 4]), (4, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])],
)
def test_the_threshold_falls_until_there_are_enough(wanted: int, expected: list[int]) -> None:
    flips = np.array([0.0, 1, 0, 2, 3])
    assert dropquery.candidates_of(flips, 3, wanted).tolist() == expected


@pytest.mark.parametrize(("draws", "least"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_most_is_more_than_half(draws: int, least: int) -> None:
    flips = np.arange(draws + 1.0)
    assert dropquery.candidates_of(flips, draws, 1).tolist() == list(range(least, draws + 1))


def test_a_pick_in_each_group_of_candidates_largest_first() -> None:
    angles = np.array([0, 100, 101, 103, 300, 301, 302, 303, 309]) / 100
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    pool = pool_of(random_head(3, 9), features=features)
    picks = ask(pool, 2)
    assert picks.rows.tolist() == [7, 2]  # 303 is the mean of five, 101 is 1/3 from that of three
    assert picks.why["group_size"].tolist() == [5, 3]
    away = picks.why["distance"]
    np.testing.assert_allclose(away, [0, 1 / 300], atol=6e-4)
    np.testing.assert_array_equal(picks.score, 0 - away)
    assert list(picks.why) == ["cold_start", "flips", "group_size", "distance"]


def test_copies_fill_what_the_clusters_cannot() -> None:
    features = np.float32([[1, 0]] * 4 + [[0, 1]] * 3)
    picks = ask(pool_of(random_head(3, 7), features=features), 5)
    assert picks.why["cold_start"].tolist() == [0] * 5
    assert picks.rows.tolist() == [1, 4, 2, 3, 5]
    assert not np.signbit(picks.score).any()


def test_only_candidates_are_picked_where_there_are_enough() -> None:
    picks = ask(pool_of(random_head(8, 3000, width=32)), 20)
    assert picks.why["flips"].min() >= 2
