from pathlib import Path

import faiss
import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from labelcycle.core.clustering import Clustering, assigned, kmeans


def blobs(n: int, d: int, centres: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        4 * rng.standard_normal((centres, d))[rng.integers(0, centres, n)]
        + rng.standard_normal((n, d))
    ).astype(np.float32)


def check(result: Clustering, points: np.ndarray, wanted: int) -> None:
    """None empty, at most as many as wanted, everyone at the nearest centre."""
    k = len(result.centres)
    assert 1 <= k <= wanted
    assert (result.assignment.dtype, result.centres.dtype) == (np.int32, np.float32)
    assert sorted(set(result.assignment.tolist())) == list(range(k))
    distances = cdist(points, result.centres)
    own = distances[np.arange(len(points)), result.assignment]
    np.testing.assert_allclose(own, distances.min(axis=1), atol=2e-3)


@tries(20)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    d=st.integers(1, 4),
    levels=st.sampled_from([1, 2, 3, 1000]),
    clusters=st.integers(1, 50),
    normalise=st.booleans(),
)
def test_any_points_make_clusters_that_are_not_empty(
    seed: int, n: int, d: int, levels: int, clusters: int, normalise: bool
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.integers(0, levels, (n, d)).astype(np.float32)
    before = features.copy()
    result = kmeans(features, clusters, rng, normalise=normalise, starts=2)
    points = features.astype(np.float64)
    if normalise:
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        points = np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0)
    check(result, points, clusters)
    distinct = len(np.unique(points.round(6), axis=0))
    assert len(result.centres) <= distinct
    np.testing.assert_array_equal(features, before)


def test_fewer_distinct_points_than_clusters_give_one_cluster_each() -> None:
    features = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    result = kmeans(features, 7, np.random.default_rng(0))
    assert len(result.centres) == 3
    assert len({tuple(block) for block in result.assignment.reshape(3, 10)}) == 3
    assert result.inertia == pytest.approx(0, abs=1e-9)


def test_clear_clusters_are_found() -> None:
    rows = np.random.default_rng(0).integers(0, 5, 400)
    features = (50 * np.eye(8)[rows] + np.random.default_rng(1).standard_normal((400, 8))).astype(
        np.float32
    )
    result = kmeans(features, 5, np.random.default_rng(0), normalise=False)
    pairs = set(zip(rows.tolist(), result.assignment.tolist(), strict=True))
    assert len(pairs) == 5


@pytest.mark.parametrize("clusters", [5, 30])
def test_as_good_as_scikit_learn(clusters: int) -> None:
    features = blobs(600, 16, 40)
    ours, theirs = [], []
    for seed in range(3):
        found = kmeans(features, clusters, np.random.default_rng(seed), starts=3, normalise=False)
        again = ((features - found.centres[found.assignment]) ** 2).sum()
        assert found.inertia == pytest.approx(float(again), rel=1e-4)
        ours.append(found.inertia)
        theirs.append(KMeans(clusters, n_init=3, random_state=seed).fit(features).inertia_)
    assert np.mean(ours) <= 1.02 * np.mean(theirs)


def test_the_same_generator_gives_the_same_clusters_on_any_number_of_threads() -> None:
    features = blobs(1500, 32, 60)
    found, before = [], faiss.omp_get_max_threads()
    for threads in (1, 2):
        faiss.omp_set_num_threads(threads)
        with threadpool_limits(threads):
            found.append(kmeans(features, 20, np.random.default_rng(4)))
        assert faiss.omp_get_max_threads() == threads
    faiss.omp_set_num_threads(before)  # else all that is tested after this spins on two
    assert found[0].centres.tobytes() == found[1].centres.tobytes()
    np.testing.assert_array_equal(found[0].assignment, found[1].assignment)
    other = kmeans(features, 20, np.random.default_rng(5))
    assert (other.assignment != found[0].assignment).any()


def test_more_starts_are_never_worse() -> None:
    features = blobs(500, 8, 30)
    one = kmeans(features, 25, np.random.default_rng(0), starts=1)
    five = kmeans(features, 25, np.random.default_rng(0), starts=5)
    assert five.inertia <= one.inertia * (1 + 1e-8)


def test_half_precision_and_mapped_files_are_read(tmp_path: Path) -> None:
    features = blobs(200, 8, 5).astype(np.float16)
    np.save(tmp_path / "f.npy", features)
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    expected = kmeans(features.astype(np.float32), 6, np.random.default_rng(0))
    got = kmeans(mapped, 6, np.random.default_rng(0))
    np.testing.assert_array_equal(got.assignment, expected.assignment)


def test_scale_does_not_matter_to_directions() -> None:
    features = blobs(200, 8, 5)
    scaled = features * np.linspace(0.5, 3, 200, dtype=np.float32)[:, None]
    a = kmeans(features, 6, np.random.default_rng(0))
    b = kmeans(scaled, 6, np.random.default_rng(0))
    np.testing.assert_array_equal(a.assignment, b.assignment)


def test_rows_go_to_the_nearest_centre_and_centres_without_any_go() -> None:
    rows = np.array([[8, 0], [0, 0.5], [0, 3], [0.5, 0]], dtype=np.float32)
    centres = np.array([[7, 7], [1, 0], [0, 1]], dtype=np.float32)
    units = assigned(rows, centres, normalise=True)
    assert units.assignment.tolist() == [0, 1, 1, 0]
    assert units.centres.tolist() == [[1, 0], [0, 1]]
    assert units.inertia == 0  # of rows of length 1
    plain = assigned(rows, centres, normalise=False)
    assert plain.assignment.tolist() == [0, 1, 1, 0]
    assert plain.inertia == 7**2 + 0.5**2 + 2**2 + 0.5**2
