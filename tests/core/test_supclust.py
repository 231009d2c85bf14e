"""SUPClust by hand and against a slow version."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare  # type: ignore[import-untyped]

from labelcycle.core import run_strategy
from labelcycle.core.pool import UNLABELED, Pool, Selection
from labelcycle.core.strategies import supclust
from labelcycle.core.strategies.supclust import Options, boundary, centre_weights, kept_count
from labelcycle.errors import SettingsError


def make(features: np.ndarray, clusters: Sequence[int], labeled: Sequence[int] = ()) -> Pool:
    labels = np.full(len(features), UNLABELED)
    labels[list(labeled)] = 0
    return Pool(
        np.asarray(features, dtype=np.float32),
        labels,
        labels == UNLABELED,
        np.asarray(clusters, dtype=np.int32),
    )


def ask(pool: Pool, budget: int, seed: int = 0, **options: object) -> Selection:
    return run_strategy.select("supclust", pool, budget, np.random.default_rng(seed), options)


# --- by hand --------------------------------------------------------------------------------


def test_weights_of_three_centres_on_a_line() -> None:
    # centres at 0, 3, 4: distances 3, 4, 1, median 3; temperature 1/3 of it makes T = 1
    weights = centre_weights(np.array([[0.0], [3.0], [4.0]]), 1 / 3)
    e = np.exp
    expected = [
        [0, e(-3) / (e(-3) + e(-4)), e(-4) / (e(-3) + e(-4))],
        [e(-3) / (e(-3) + e(-1)), 0, e(-1) / (e(-3) + e(-1))],
        [e(-4) / (e(-4) + e(-1)), e(-1) / (e(-4) + e(-1)), 0],
    ]
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_a_hot_softmax_weighs_alike_and_a_cold_one_takes_the_nearest() -> None:
    centres = np.array([[0.0], [3.0], [4.0]])
    np.testing.assert_allclose(centre_weights(centres, 1e9)[0], [0, 0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(centre_weights(centres, 1e-4)[0], [0, 1, 0], atol=1e-12)


def test_centres_that_coincide_weigh_alike_and_one_centre_weighs_nothing() -> None:
    np.testing.assert_allclose(centre_weights(np.ones((3, 2)), 0.1)[1], [0.5, 0, 0.5])
    np.testing.assert_array_equal(centre_weights(np.ones((1, 2)), 0.1), [[0.0]])


def test_the_boundary_score_is_minus_the_weighted_mean_distance() -> None:
    points = np.array([[0.0, 0.0], [0.0, 2.0]])
    centres = np.array([[9.0, 9.0], [3.0, 4.0], [0.0, 1.0]])
    weights = np.array([0.0, 0.25, 0.75])
    plain = [-(0.25 * 5 + 0.75 * 1), -(0.25 * 13**0.5 + 0.75 * 1)]
    np.testing.assert_allclose(boundary(points, centres, weights, False), plain)
    squared = [-(0.25 * 25 + 0.75 * 1), -(0.25 * 13 + 0.75 * 1)]
    np.testing.assert_allclose(boundary(points, centres, weights, True), squared)


@pytest.mark.parametrize(
    ("samples", "share", "kept"),
    [(30, 0.1, 3), (31, 0.1, 4), (9, 0.1, 1), (1, 0.1, 1), (7, 1.0, 7), (1000, 0.001, 1)],
)
def test_the_kept_share_is_rounded_up(samples: int, share: float, kept: int) -> None:
    assert kept_count(samples, Options(share=share)) == kept


@pytest.mark.parametrize(
    ("rounding", "kept"), [("up", [4, 3, 1]), ("down", [3, 2, 1]), ("nearest", [3, 3, 1])]
)
def test_the_share_may_be_rounded_otherwise(rounding: Any, kept: list[int]) -> None:
    options = Options(rounding=rounding)
    assert [kept_count(samples, options) for samples in (31, 26, 4)] == kept


def line(*places: float) -> np.ndarray:
    angles = np.array(places) / 100
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_of_the_typical_samples_the_one_nearest_the_other_clusters() -> None:
    features = np.concatenate([line(*range(10)), line(*range(100, 120))])
    pool = make(features, [0] * 10 + [1] * 20)
    picks = ask(pool, 2, share=0.5)
    # the larger cluster first; each leans to the other: low angle from above, high from below
    assert picks.why["cluster"].tolist() == [1, 0]
    kept = sorted(slow_typical(pool, 1)[:10])
    assert picks.rows[0] == kept[0]
    np.testing.assert_array_equal(picks.score, picks.why["boundary"])
    tiny = ask(pool, 2, share=0.01)
    assert tiny.rows[0] == slow_typical(pool, 1)[0]


def test_without_sup_the_typical_sample_with_the_lowest_lot_is_picked() -> None:
    pool = make(np.concatenate([line(*range(10)), line(*range(100, 120))]), [0] * 10 + [1] * 20)
    picks = ask(pool, 2, share=0.5, without="SUP")
    # of cluster 1 the rows 15 to 24 are kept, of cluster 0 the rows 2 to 6; these lots are lowest
    assert picks.rows.tolist() == [20, 3]
    assert np.random.default_rng(0).random(30)[[20, 3]].round(3).tolist() == [0.028, 0.017]
    assert sorted(slow_typical(pool, 1)[:10]) == list(range(15, 25))
    assert sorted(slow_typical(pool, 0)[:5]) == [2, 3, 4, 5, 6]
    plain = ask(pool, 2, share=0.5)
    assert plain.rows.tolist() == [15, 6]


def test_without_sup_every_typical_sample_is_as_likely_as_any_other() -> None:
    pool = make(line(*range(20)), [0] * 20)
    drawn = [int(ask(pool, 1, seed, share=0.5, without="SUP").rows[0]) for seed in range(200)]
    rows, counts = np.unique(drawn, return_counts=True)
    assert rows.tolist() == sorted(slow_typical(pool, 0)[:10])
    assert chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("labeled", [[], [3, 17]])
def test_of_a_single_typical_sample_there_is_nothing_to_choose_as_in_typiclust(
    labeled: list[int],
) -> None:
    """The third line of the paper's ablation, `typiclust-rp`."""
    pool = three_clusters(labeled)
    expected = run_strategy.select("typiclust", pool, 12, np.random.default_rng(0), {})
    for without in ("nothing", "SUP"):
        picks = ask(pool, 12, share=1e-6, without=without)
        assert picks.rows.tolist() == expected.rows.tolist()


def slow_typical(pool: Pool, cluster: int) -> list[int]:
    """Rows of a cluster, most typical first, with K = half of it."""
    rows = np.flatnonzero(pool.clusters == cluster)
    points = pool.features[rows].astype(float)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    gaps = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)
    k = min(20, len(rows) // 2)
    return [int(rows[i]) for i in np.argsort(gaps[:, 1 : k + 1].mean(axis=1), kind="stable")]


# --- which clusters -------------------------------------------------------------------------


def three_clusters(labeled: Sequence[int]) -> Pool:
    features = np.concatenate([line(*range(12)), line(*range(50, 60)), line(*range(90, 98))])
    return make(features, [0] * 12 + [1] * 10 + [2] * 8, labeled)


def test_clusters_with_labels_are_left_out_and_the_largest_of_the_others_kept() -> None:
    picks = ask(three_clusters(labeled=[3]), 2)
    assert picks.why["cluster"].tolist() == [1, 2]
    assert picks.why["cluster_labels"].tolist() == [0, 0]


def test_too_few_free_clusters_go_on_with_the_least_labelled() -> None:
    picks = ask(three_clusters(labeled=[0, 1, 12]), 5)
    assert picks.why["cluster"].tolist() == [2, 1, 0, 2, 1]


def test_too_few_free_clusters_may_repeat_the_free_ones() -> None:
    picks = ask(three_clusters(labeled=[0, 1, 12]), 10, few_free="repeat")
    assert picks.why["cluster"].tolist() == [2] * 8 + [1, 0]


def test_no_free_cluster_at_all_still_gives_the_budget() -> None:
    for way in ("labeled", "repeat"):
        picks = ask(three_clusters(labeled=[0, 12, 22]), 4, few_free=way)
        assert picks.why["cluster"].tolist() == [0, 1, 2, 0]


def test_a_single_cluster_has_no_boundary_and_the_most_typical_kept_row_of_lowest_number() -> None:
    pool = make(line(*(x - x**2 / 40 for x in range(10))), [0] * 10)
    picks = ask(pool, 3, share=0.4)
    assert (picks.score == 0).all()
    kept = slow_typical(pool, 0)[:4]
    assert picks.rows[0] == min(kept) != kept[0]


# --- slow version ---------------------------------------------------------------------------


def slow_pick(
    pool: Pool, cluster: int, share: float, relative: float, neighbours: int, **options: str
) -> int:
    """The pick of a cluster, and of the draws of seed 0 where something is drawn."""
    points = pool.features.astype(float)
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    ids = sorted(set(pool.clusters.tolist()))
    centre = {c: points[pool.clusters == c].mean(axis=0) for c in ids}
    gaps = [np.linalg.norm(centre[a] - centre[b]) for a in ids for b in ids if a < b]
    width = relative * float(np.median(gaps))
    others = [c for c in ids if c != cluster]
    raw = [np.exp(-np.linalg.norm(centre[cluster] - centre[c]) / width) for c in others]
    rows = np.flatnonzero(pool.available & (pool.clusters == cluster))
    whole = options.get("neighbourhood") == "pool"
    among = np.flatnonzero(pool.available) if whole else rows
    k = max(1, min(neighbours, len(among) // 2))
    scored = []
    for i in rows:
        near = np.sort(np.linalg.norm(points[i] - points[among[among != i]], axis=1))
        scored.append((np.mean(near[:k]) if len(near) else 0, i))
    without = options.get("without")
    if without == "typicality":
        share = 1.0
    kept = [i for _, i in sorted(scored)[: max(1, -(-int(share * 100) * len(rows) // 100))]]
    if without == "SUP":
        lots = np.random.default_rng(0).random(len(points))
        return int(min(kept, key=lambda i: lots[i]))
    value = {
        i: sum(
            w / sum(raw) * np.linalg.norm(points[i] - centre[c])
            for w, c in zip(raw, others, strict=True)
        )
        for i in kept
    }
    return int(min(kept, key=lambda i: (value[i], i)))


@tries(25)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.05, 0.1, 0.25, 1.0]),
    temperature=st.sampled_from([0.1, 0.5, 3.0]),
    options=st.sampled_from(
        [{}, {"neighbourhood": "pool"}, {"without": "SUP"}, {"without": "typicality"}]
    ),
    scale=st.sampled_from([1, 15]),  # the larger pool takes the way through float32
)
def test_a_slow_version_picks_the_same(
    seed: int, share: float, temperature: float, options: dict[str, str], scale: int
) -> None:
    rng = np.random.default_rng(seed)
    clusters = rng.permutation(np.repeat(np.arange(4), scale * np.array([6, 9, 13, 20])))
    features = rng.standard_normal((len(clusters), 3)) + 2 * np.eye(4, 3)[clusters]
    labeled = [int(np.flatnonzero(clusters == 2)[0])]
    pool = make(features, clusters, labeled)
    picks = ask(pool, 3, share=share, temperature=temperature, neighbours=5, **options)
    assert picks.why["cluster"].tolist() == [3, 1, 0]
    expected = [slow_pick(pool, c, share, temperature, 5, **options) for c in (3, 1, 0)]
    assert picks.rows.tolist() == expected


def test_scores_say_what_was_judged() -> None:
    pool = three_clusters(labeled=[])
    plain, typical = ask(pool, 3), ask(pool, 3, without="SUP")
    np.testing.assert_array_equal(plain.score, plain.why["boundary"])
    np.testing.assert_array_equal(typical.score, typical.why["typicality"])


def test_neighbours_in_the_whole_pool_are_for_small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supclust, "MOST_ROWS", 29)
    pool = three_clusters(labeled=[0])
    assert len(ask(pool, 2, neighbourhood="pool").rows) == 2
    with pytest.raises(SettingsError, match=r"at most 29 samples .* 30.*; take neighbourhood 'clu"):
        ask(three_clusters(labeled=[]), 2, neighbourhood="pool")
