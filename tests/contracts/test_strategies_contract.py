"""What every strategy promises, tried on pools of all kinds, awkward ones included."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from labelcycle.core import dropout, registry, run_strategy, strategies
from labelcycle.core.group_limit import GroupLimit
from labelcycle.core.pool import UNLABELED, Head, Pool, Selection
from labelcycle.core.strategies import badge, coreset

ALL = strategies.names()

DRAWING = [*((name, {}) for name in ALL), ("supclust", {"without": "SUP"})]
"""Every strategy, and the option of one that draws nothing by default."""


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
    pool = modelled(Pool(features, labels.astype(np.int64), available, clusters), 3, rng)
    return pool, draw(st.integers(1, int(available.sum())))


def modelled(pool: Pool, classes: int, rng: np.random.Generator) -> Pool:
    """The pool with a head of random weights, and the probabilities that it gives."""
    hidden = pool.features.astype(np.float32) - 0.5
    weights = rng.standard_normal((hidden.shape[1], classes)).astype(np.float32)
    bias = rng.standard_normal(classes).astype(np.float32)
    probabilities = softmax(hidden @ weights + bias, axis=1).astype(np.float32)
    return replace(pool, probabilities=probabilities, head=Head(hidden, weights, bias))


def copied(pool: Pool) -> list[bytes]:
    arrays = [pool.features, pool.labels, pool.available, pool.clusters, pool.probabilities]
    if pool.head is not None:
        arrays += [pool.head.hidden, pool.head.weights, pool.head.bias]
    return [np.asarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize(("name", "options"), DRAWING)
@tries(10)
@given(case=pools(), seed=st.integers(0, 2**32 - 1))
def test_the_picks_are_distinct_available_and_as_many_as_asked(
    name: str, options: dict[str, str], case: tuple[Pool, int], seed: int
) -> None:
    pool, budget = case
    before = copied(pool)
    first = run_strategy.select(name, pool, budget, np.random.default_rng(seed), options)
    assert first.rows.shape == first.score.shape == (budget,)
    assert (first.rows.dtype, first.score.dtype) == (np.int64, np.float64)
    assert len(set(first.rows.tolist())) == budget
    assert pool.available[first.rows].all()
    assert np.isfinite(first.score).all()
    for column in first.why.values():
        assert column.shape == (budget,)
        assert np.isfinite(column).all()
    assert copied(pool) == before
    second = run_strategy.select(name, pool, budget, np.random.default_rng(seed), options)
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.score, second.score)


@pytest.mark.parametrize(("name", "options"), DRAWING)
@tries(5)
@given(
    case=pools(), seed=st.integers(0, 2**32 - 1), count=st.integers(1, 12), most=st.integers(1, 3)
)
def test_no_group_has_more_picks_than_it_may(
    name: str, options: dict[str, str], case: tuple[Pool, int], seed: int, count: int, most: int
) -> None:
    pool, budget = case
    groups = np.random.default_rng(seed).integers(0, count, len(pool.labels))
    limit = GroupLimit(groups, most)
    before = copied(pool)

    def picked() -> Selection:
        rng = np.random.default_rng(seed)
        return run_strategy.select(name, pool, budget, rng, options, limit)

    selection = picked()
    rows = selection.rows
    assert np.bincount(groups[rows]).max() <= most
    assert len(set(rows.tolist())) == len(rows) == min(budget, limit.affordable(pool.available))
    assert pool.available[rows].all()
    assert all(column.shape == rows.shape for column in selection.why.values())
    assert copied(pool) == before
    assert picked().rows.tolist() == rows.tolist()
    loose = GroupLimit(groups, budget)  # never reached
    free = run_strategy.select(name, pool, budget, np.random.default_rng(seed), options)
    same = run_strategy.select(name, pool, budget, np.random.default_rng(seed), options, loose)
    assert same.rows.tolist() == free.rows.tolist()


@pytest.mark.parametrize("name", ALL)
def test_a_budget_of_the_whole_pool_takes_every_available_sample(name: str) -> None:
    pool = ordinary(30)
    picks = run_strategy.select(name, pool, 30, np.random.default_rng(0))
    assert sorted(picks.rows) == list(range(30))


def ordinary(n: int, d: int = 8) -> Pool:
    rng = np.random.default_rng(5)
    pool = Pool(
        rng.standard_normal((n, d)).astype(np.float32),
        np.full(n, UNLABELED),
        np.ones(n, dtype=bool),
        rng.integers(0, 7, n).astype(np.int32),
    )
    return modelled(pool, 4, rng)


def with_labels(pool: Pool, every: int | None) -> Pool:
    """Every so-manieth sample has a label, so that strategies that ask the model do so."""
    if every is None:
        return pool
    labels = pool.labels.copy()
    labels[::every] = np.arange(len(labels[::every])) % 4
    return replace(pool, labels=labels, available=labels == UNLABELED)


@pytest.mark.parametrize("labels_every", [40, None])
@pytest.mark.parametrize("name", ALL)
def test_one_and_two_threads_pick_the_same(
    name: str, labels_every: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = with_labels(ordinary(800, 64), labels_every)
    monkeypatch.setattr(badge, "BLOCK_ROWS", 256)  # else so small a pool is a single part
    monkeypatch.setattr(coreset, "BLOCK_ROWS", 256)
    monkeypatch.setattr(dropout, "BLOCK_BYTES", 2**16)
    found = []
    for threads in (1, 2):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        with threadpool_limits(threads):
            found.append(run_strategy.select(name, pool, 10, np.random.default_rng(3)))
    np.testing.assert_array_equal(found[0].rows, found[1].rows)
    np.testing.assert_array_equal(found[0].score, found[1].score)


@pytest.mark.parametrize("name", ALL)
def test_features_may_be_mapped_from_a_file(name: str, tmp_path: Path) -> None:
    pool = with_labels(ordinary(200), 20)
    np.save(tmp_path / "features.npy", pool.features)
    mapped = replace(pool, features=np.load(tmp_path / "features.npy", mmap_mode="r"))
    expected = run_strategy.select(name, pool, 20, np.random.default_rng(1))
    got = run_strategy.select(name, mapped, 20, np.random.default_rng(1))
    np.testing.assert_array_equal(got.rows, expected.rows)


@pytest.mark.parametrize("name", ALL)
def test_every_strategy_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    module = strategies.get(name)
    line, paper = registry.described(module)
    assert re.fullmatch(r"[^:]+: [^;]+; for .+\.", line)
    if "\n\nNo paper: " in inspect.getdoc(module):
        assert not paper
    else:  # authors: title, venue year (arXiv number)
        assert re.fullmatch(r"[^:]+: .+ \d{4}( \(arXiv \d{4}\.\d{4,5}\))?", paper)
    assert all(field.description for field in module.Options.model_fields.values())
    assert module.Options() == module.Options.model_validate({})
    assert {"clusters", "probabilities", "head"} >= module.NEEDS


class Drawn(np.random.Generator):
    """Draws of a generator whose arrays with one number a row are put into another order."""

    def __init__(self, seed: int, order: np.ndarray) -> None:
        super().__init__(np.random.PCG64(seed))
        self.order = order

    def random(self, size=None, *args, **kwargs):  # type: ignore[no-untyped-def]
        return self._ordered(super().random(size, *args, **kwargs))

    def exponential(self, scale=1.0, size=None):  # type: ignore[no-untyped-def]
        return self._ordered(super().exponential(scale, size))

    def _ordered(self, drawn):  # type: ignore[no-untyped-def]
        return drawn[self.order] if np.shape(drawn)[:1] == self.order.shape else drawn


@pytest.mark.parametrize("labels_every", [10, 10_000, None])
@pytest.mark.parametrize(("name", "options"), DRAWING)
def test_the_order_of_the_rows_does_not_matter(
    name: str, options: dict[str, str], labels_every: int | None
) -> None:
    """The same clusters and the same draws of each sample: the same samples, the same order."""
    pool = with_labels(ordinary(300, 16), labels_every)
    pool = replace(pool, available=pool.available & (np.arange(300) % 7 != 3))  # some rejected
    order = np.random.default_rng(9).permutation(300)
    head = pool.head
    assert head is not None
    assert pool.clusters is not None
    assert pool.probabilities is not None
    mixed = Pool(
        pool.features[order],
        pool.labels[order],
        pool.available[order],
        pool.clusters[order],
        pool.probabilities[order],
        Head(head.hidden[order], head.weights, head.bias),
    )
    expected = run_strategy.select(name, pool, 12, Drawn(3, np.arange(300)), options)
    got = run_strategy.select(name, mixed, 12, Drawn(3, order), options)
    assert order[got.rows].tolist() == expected.rows.tolist()
