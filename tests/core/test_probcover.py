"""ProbCover by hand, against a slow version, and against scikit-activeml."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import skactiveml.pool._prob_cover as peer
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from shapes import circle

from labelcycle.core import run_strategy
from labelcycle.core.clustering import Clustering
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import UNLABELED, Pool, Selection
from labelcycle.core.strategies import probcover


class InOrder(np.random.Generator):
    """Lots that rise with the row, so that of equal degrees the first row is taken."""

    def random(self, size=None, *args, **kwargs):  # type: ignore[no-untyped-def]
        return np.arange(size) / size


def make(features: np.ndarray, labeled: Sequence[int] = (), rejected: Sequence[int] = ()) -> Pool:
    labels = np.full(len(features), UNLABELED)
    labels[list(labeled)] = 0
    available = labels == UNLABELED
    available[list(rejected)] = False
    return Pool(np.asarray(features, dtype=np.float32), labels, available)


def ask(pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select("probcover", pool, budget, InOrder(np.random.PCG64(0)), options)


def slow_probcover(pool: Pool, budget: int, radius: float) -> tuple[list[int], list[int]]:
    points = unit_rows(pool.features)
    gaps = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    inside = (gaps < radius - 1e-7) | (gaps < 1e-7)
    open_still = pool.available & ~inside[pool.labeled].any(axis=0)
    left = pool.available.copy()
    picks: list[int] = []
    degrees: list[int] = []
    for _ in range(budget):
        counts = np.where(left, inside[:, open_still].sum(axis=1), -1)
        picks.append(int(np.argmax(counts)))
        degrees.append(int(counts[picks[-1]]))
        left[picks[-1]] = False
        open_still &= ~inside[picks[-1]]
    return picks, degrees


@tries(40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    kind=st.sampled_from([np.float32, np.float16]),
    share=st.sampled_from([0, 0.1]),
    radius=st.sampled_from([0.1, 0.5, 1.0, 2.0]),
)
def test_a_slow_version_picks_the_same(
    seed: int, n: int, kind: type, share: float, radius: float
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 3)).astype(kind)
    features[rng.random(n) < 0.2] = features[0]
    features[rng.random(n) < 0.1] = 0
    pool = make(features, np.flatnonzero(rng.random(n - 1) < share))
    budget = int(rng.integers(1, pool.available.sum() + 1))
    picks = ask(pool, budget, radius=radius)
    rows, degrees = slow_probcover(pool, budget, radius)
    assert picks.rows.tolist() == rows
    assert picks.why["degree"].tolist() == degrees


def blobs(n: int, d: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    classes_of = rng.integers(0, classes, n)
    centres = 2 * rng.standard_normal((classes, d))
    return centres[classes_of] + rng.standard_normal((n, d)), classes_of


@pytest.mark.parametrize("labeled", [0, 20])
def test_scikit_activeml_picks_the_same(labeled: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One radius given, unit rows; of equal degrees both take the first row, where they draw.

    They count what is exactly as far as the radius as covered: no pair is, in these data.
    """
    monkeypatch.setattr(peer, "rand_argmax", lambda values, **_: [int(np.nanargmax(values))])
    features, _ = blobs(1000, 8)
    features = features.astype(np.float32)
    rows = np.random.default_rng(2).choice(1000, labeled, replace=False)
    y = np.full(1000, np.nan)
    y[rows] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they compute no purity where one radius is given
        theirs = peer.ProbCover(deltas=[0.6]).query(unit_rows(features), y, batch_size=30)
    ours = ask(make(features, rows), 30, radius=0.6)
    assert theirs.tolist() == ours.rows.tolist()
    assert ours.score[0] > 10


def test_the_radius_is_the_exact_one_of_scikit_activeml_s_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given the same clusters, theirs is the largest of the grid that is not above ours."""
    features, classes = blobs(600, 8, 4)
    classes[:40] = (classes[:40] + 1) % 4  # some samples lie in the wrong cluster
    pool = make(features)

    class Given:
        def __init__(self, n_clusters: int) -> None:
            assert n_clusters == 4

        def fit_predict(self, X: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
            return classes

    def given(features: np.ndarray, clusters: int, rng: np.random.Generator) -> Clustering:
        assert (len(features), clusters) == (600, 4)
        return Clustering(classes.astype(np.int32), np.zeros((4, 8), dtype=np.float32), 0.0)

    monkeypatch.setattr(probcover, "kmeans", given)
    deltas = np.arange(1, 100) / 50
    theirs = peer.ProbCover(n_classes=4, deltas=deltas, alpha=0.7, cluster_algo=Given)
    theirs.query(unit_rows(pool.features), np.full(600, np.nan))
    ours = ask(pool, 1, purity=0.7, classes=4).why["radius"][0]
    assert 0.1 < theirs.delta_max_ <= ours < theirs.delta_max_ + 0.02


def test_the_fullest_ball_first_by_hand() -> None:
    pool = make(circle(0, 4, 8, 12, 16, 100, 104, 108, 200))
    picks = ask(pool, 5, radius=2 * np.sin(np.radians(8.5) / 2))
    # 8 holds five; then 100 three, as 104 does; then 200 itself; then all is covered: by row
    assert picks.rows.tolist() == [2, 5, 8, 0, 1]
    assert picks.why["degree"].tolist() == [5, 3, 1, 0, 0]
    np.testing.assert_array_equal(picks.score, picks.why["degree"])
    np.testing.assert_allclose(picks.why["covered"], np.array([5, 8, 9, 9, 9]) / 9)


def test_what_is_labelled_covers_and_what_is_rejected_is_not_to_be_covered() -> None:
    heaps = circle(0, 1, 2, 90, 91, 180)
    radius = 0.1
    assert ask(make(heaps), 1, radius=radius).rows.tolist() == [0]
    assert ask(make(heaps, labeled=[1]), 1, radius=radius).rows.tolist() == [3]
    assert ask(make(heaps, labeled=[1], rejected=[3, 4]), 1, radius=radius).rows.tolist() == [5]


def test_once_all_is_covered_the_rest_is_drawn() -> None:
    pool = make(circle(*range(40)))
    picks = [
        run_strategy.select(
            "probcover", pool, 9, np.random.default_rng(seed), {"radius": 1.9}
        ).rows[1:]
        for seed in (0, 0, 1)
    ]
    assert picks[0].tolist() == picks[1].tolist()
    assert picks[0].tolist() != picks[2].tolist()


def test_pseudo_classes_are_as_many_as_the_model_has_else_as_the_labels_have() -> None:
    pool = make(circle(0, 1, 2), labeled=[2])
    count = probcover._classes
    assert count(pool, probcover.Options()) == 2
    assert count(pool, probcover.Options(classes=7)) == 7
    assert (
        count(replace(pool, labels=np.array([UNLABELED, UNLABELED, 4])), probcover.Options()) == 5
    )
    chances = np.full((3, 6), 1 / 6, dtype=np.float32)
    assert count(replace(pool, probabilities=chances), probcover.Options()) == 6


def test_the_radius_parts_the_classes_of_blobs() -> None:
    features, classes = blobs(500, 16)
    pool = make(features)
    chances = np.full((500, 10), 0.1, dtype=np.float32)
    picks = run_strategy.select(
        "probcover", replace(pool, probabilities=chances), 10, np.random.default_rng(0)
    )
    assert len(set(classes[picks.rows])) >= 8
    sample = run_strategy.select("probcover", pool, 10, np.random.default_rng(0), {"targets": 100})
    again = run_strategy.select("probcover", pool, 10, np.random.default_rng(0), {"targets": 100})
    assert sample.rows.tolist() == again.rows.tolist()
