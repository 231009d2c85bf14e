"""What every strategy promises, tried on pools of all kinds, awkward ones included."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from labelcycle.core import query, strategies
from labelcycle.core.pool import UNLABELED, Pool

ALL = strategies.names()


@st.composite
def pools(draw: st.DrawFn) -> tuple[Pool, int]:
    """A pool with at least one available sample, and a budget that it can serve.

    Few distinct values, so that copies, zero rows and ties are common; clusters of any size, some
    fully labelled; some samples rejected.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n, d = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    levels = draw(st.sampled_from([2, 3, 1000]))
    kind = draw(st.sampled_from([np.float32, np.float16]))
    features = rng.integers(0, levels, (n, d)).astype(kind)
    clusters = rng.integers(0, draw(st.integers(1, 12)), n).astype(np.int32)
    labels = rng.integers(0, 3, n)
    labels[rng.random(n) >= draw(st.sampled_from([0, 0.3, 0.9]))] = UNLABELED
    if draw(st.booleans()):
        full = clusters == clusters[0]
        labels[full] = np.maximum(labels[full], 0)
    available = (labels == UNLABELED) & (rng.random(n) < draw(st.sampled_from([1.0, 0.6])))
    if not available.any():
        labels[-1], available[-1] = UNLABELED, True
    probabilities = rng.dirichlet(np.ones(3), n).astype(np.float32)
    pool = Pool(features, labels.astype(np.int64), available, clusters, probabilities)
    return pool, draw(st.integers(1, int(available.sum())))


def copied(pool: Pool) -> list[bytes]:
    arrays = (pool.features, pool.labels, pool.available, pool.clusters, pool.probabilities)
    return [np.asarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15, deadline=None)
@given(case=pools(), seed=st.integers(0, 2**32 - 1))
def test_the_picks_are_distinct_available_and_as_many_as_asked(
    name: str, case: tuple[Pool, int], seed: int
) -> None:
    pool, budget = case
    before = copied(pool)
    first = query.select(name, pool, budget, np.random.default_rng(seed))
    assert first.rows.shape == first.score.shape == (budget,)
    assert (first.rows.dtype, first.score.dtype) == (np.int64, np.float64)
    assert len(set(first.rows.tolist())) == budget
    assert pool.available[first.rows].all()
    assert np.isfinite(first.score).all()
    for column in first.why.values():
        assert column.shape == (budget,)
        assert np.isfinite(column).all()
    assert copied(pool) == before
    second = query.select(name, pool, budget, np.random.default_rng(seed))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.score, second.score)


@pytest.mark.parametrize("name", ALL)
def test_a_budget_of_the_whole_pool_takes_every_available_sample(name: str) -> None:
    pool = ordinary(30)
    picks = query.select(name, pool, 30, np.random.default_rng(0))
    assert sorted(picks.rows) == list(range(30))


def ordinary(n: int, d: int = 8) -> Pool:
    rng = np.random.default_rng(5)
    return Pool(
        rng.standard_normal((n, d)).astype(np.float32),
        np.full(n, UNLABELED),
        np.ones(n, dtype=bool),
        rng.integers(0, 7, n).astype(np.int32),
        rng.dirichlet(np.ones(4), n).astype(np.float32),
    )


@pytest.mark.parametrize("name", ALL)
def test_one_and_two_threads_pick_the_same(name: str) -> None:
    pool = ordinary(1500, 64)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(query.select(name, pool, 10, np.random.default_rng(3)))
    np.testing.assert_array_equal(found[0].rows, found[1].rows)
    np.testing.assert_array_equal(found[0].score, found[1].score)


@pytest.mark.parametrize("name", ALL)
def test_features_may_be_mapped_from_a_file(name: str, tmp_path: Path) -> None:
    pool = ordinary(200)
    np.save(tmp_path / "features.npy", pool.features)
    mapped = replace(pool, features=np.load(tmp_path / "features.npy", mmap_mode="r"))
    expected = query.select(name, pool, 20, np.random.default_rng(1))
    got = query.select(name, mapped, 20, np.random.default_rng(1))
    np.testing.assert_array_equal(got.rows, expected.rows)


@pytest.mark.parametrize("name", ALL)
def test_every_strategy_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    module = strategies.get(name)
    assert module.__doc__
    assert ":" in module.__doc__.splitlines()[0]
    assert all(field.description for field in module.Options.model_fields.values())
    assert module.Options() == module.Options.model_validate({})
    assert {"clusters", "probabilities"} >= module.NEEDS
