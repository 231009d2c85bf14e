"""What every clusterer promises."""

from pathlib import Path

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from labelcycle.core import clusterers
from labelcycle.core.clustering import Clustering
from labelcycle.errors import SettingsError

ALL = clusterers.names()


def fit(name: str, features: np.ndarray, clusters: int, seed: int = 0) -> Clustering:
    module = clusterers.get(name)
    rng = np.random.default_rng(seed)
    return module.fit(features, clusters, rng, module.Options(), True)


def blobs(n: int, groups: int, d: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((groups, d))
    truth = rng.integers(0, groups, n)
    return (8 * centres[truth] + 0.2 * rng.standard_normal((n, d))).astype(np.float32), truth


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("name", ALL)
@tries(15)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 50),
    clusters=st.integers(1, 60),
    levels=st.sampled_from([1, 2, 1000]),
    kind=st.sampled_from([np.float32, np.float16]),
)
def test_any_pool_is_partitioned(
    name: str, seed: int, n: int, clusters: int, levels: int, kind: type
) -> None:
    features = np.random.default_rng(seed).integers(0, levels, (n, 3)).astype(kind)
    before = features.tobytes()
    found = fit(name, features, clusters, seed)
    assert features.tobytes() == before
    assert (found.assignment.shape, found.assignment.dtype) == ((n,), np.int32)
    assert sorted(set(found.assignment.tolist())) == list(range(len(found.centres)))
    assert (found.centres.shape[1], found.centres.dtype) == (3, np.float32)
    assert np.isfinite(found.centres).all()
    assert found.inertia >= 0
    if name != "hdbscan":  # which does not heed the number
        assert len(found.centres) <= clusters
    again = fit(name, features, clusters, seed)
    np.testing.assert_array_equal(found.assignment, again.assignment)


@pytest.mark.parametrize("name", ALL)
def test_clear_groups_are_found(name: str) -> None:
    features, truth = blobs(400, 5)
    found = fit(name, features, 5)
    groups = {tuple(sorted(set(truth[found.assignment == c]))) for c in set(found.assignment)}
    assert all(len(group) == 1 for group in groups)
    assert len(groups) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_one_and_two_threads_find_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(2).standard_normal((3000, 48)).astype(np.float32)
    found = []
    for threads in (1, 2):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        with threadpool_limits(threads):
            found.append(fit(name, features, 20))
    np.testing.assert_array_equal(found[0].assignment, found[1].assignment)
    np.testing.assert_array_equal(found[0].centres, found[1].centres)
    assert found[0].inertia == found[1].inertia


@pytest.mark.parametrize("name", ALL)
def test_features_may_be_mapped_from_a_file(name: str, tmp_path: Path) -> None:
    features, _ = blobs(200, 4)
    np.save(tmp_path / "f.npy", features.astype(np.float16))
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    expected = fit(name, features.astype(np.float16), 4)
    np.testing.assert_array_equal(fit(name, mapped, 4).assignment, expected.assignment)


@pytest.mark.parametrize("name", ALL)
def test_every_clusterer_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    module = clusterers.get(name)
    assert module.__doc__
    assert ":" in module.__doc__.splitlines()[0]
    assert all(field.description for field in module.Options.model_fields.values())


def test_an_unknown_clusterer_names_the_near_one() -> None:
    with pytest.raises(SettingsError, match=r"unknown clusterer 'k-means'.*did you mean 'kmeans'"):
        clusterers.get("k-means")


def test_hdbscan_refuses_what_does_not_fit_into_memory() -> None:
    features = np.zeros((20_001, 2), dtype=np.float32)
    with pytest.raises(SettingsError, match=r"at most 20000 samples.*\(got 20001\); take kmeans"):
        fit("hdbscan", features, 3)
