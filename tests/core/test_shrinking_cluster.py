"""Picks from a cluster that shrinks: those that all of it, looked at anew each time, would give."""

import time
from typing import Any

import numpy as np
import pytest
from example_counts import tries
from hypothesis import example, given
from hypothesis import strategies as st

from labelcycle.core import distinct_points, neighbour_graph
from labelcycle.core.distinct_points import Crowd
from labelcycle.core.neighbours import in_ball, points64, unit_rows
from labelcycle.core.shrinking_cluster import Shrinking
from labelcycle.core.stable_order import best_first
from labelcycle.core.typicality import typicality


def awkward(seed: int, m: int, kind: str, d: int = 6) -> np.ndarray:
    """Samples that float32 cannot tell apart: copies, nearly copies, rows of zeros."""
    rng = np.random.default_rng(seed)
    if kind == "one row":
        rows = np.ones((m, d))
    elif kind == "copies":
        rows = rng.standard_normal((m // 3 + 1, d))[rng.integers(0, m // 3 + 1, m)]
    elif kind == "near copies":
        rows = 1 + 1e-4 * rng.standard_normal((m, d))
    elif kind == "grid":
        rows = rng.integers(0, 3, (m, min(d, 4))).astype(float)
    else:
        rows = rng.standard_normal((m, d))
    return rows.astype(np.float32)


KINDS = st.sampled_from(["one row", "copies", "near copies", "grid", "plain"])


@tries(15)
@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(60, 180),
    kind=KINDS,
    neighbours=st.sampled_from([1, 20, 70]),
    squared=st.booleans(),
)
@example(seed=0, m=180, kind="one row", neighbours=20, squared=False)
@example(seed=0, m=150, kind="plain", neighbours=70, squared=False)  # K falls on the way
def test_the_picks_are_those_of_all_computed_anew(
    seed: int, m: int, kind: str, neighbours: int, squared: bool
) -> None:
    features = awkward(seed, m, kind)
    state, left = Shrinking(features, np.arange(m), neighbours, squared), np.arange(m)
    for _ in range(15):
        values = typicality(unit_rows(features[left]), neighbours, squared)
        best, value = state.best()
        assert best == left[best_first(values)[0]]
        assert value == pytest.approx(values[best_first(values)[0]], rel=1e-9)
        state.remove(best)
        left = left[left != best]


@tries(25)
@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(60, 180),
    d=st.sampled_from([2, 16]),
    kind=KINDS,
    neighbours=st.sampled_from([1, 20, 70]),
    squared=st.booleans(),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    unit=st.booleans(),
)
def test_the_most_typical_are_those_of_all_computed_anew(
    seed: int,
    m: int,
    d: int,
    kind: str,
    neighbours: int,
    squared: bool,
    share: float,
    unit: bool,
) -> None:
    features, rng = awkward(seed, m, kind, d), np.random.default_rng(seed)
    features = features if unit else in_ball(features)
    state = Shrinking(features, np.arange(m), neighbours, squared, unit)
    left = np.arange(m)
    for _ in range(8):
        values = typicality(points64(features[left], unit), neighbours, squared)
        count = max(1, int(share * len(left)))
        expected = left[np.sort(best_first(values)[:count])]
        assert state.most_typical(count).tolist() == expected.tolist()
        gone = int(rng.choice(expected))
        value = values[np.searchsorted(left, gone)]
        assert state.typicality_of(gone) == pytest.approx(value, rel=1e-9)
        state.remove(gone)
        left = left[left != gone]


@tries(15)
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, count=st.sampled_from([1, 7, 60]))
def test_neighbours_may_be_looked_for_among_more_samples(seed: int, kind: str, count: int) -> None:
    features = awkward(seed, 400, kind)
    rows = np.flatnonzero(np.random.default_rng(seed).random(400) < 0.3)[:100]
    state = Shrinking(features, rows, 20, False, among=Crowd(features, np.arange(400)))
    all_values = typicality(unit_rows(features), 20, False)
    for _ in range(3):  # whoever is picked stays a neighbour
        values = all_values[rows]
        expected = rows[np.sort(best_first(values)[: min(count, len(rows))])]
        assert state.most_typical(min(count, len(rows))).tolist() == expected.tolist()
        state.remove(int(expected[0]))
        rows = rows[rows != expected[0]]


def test_a_cluster_is_used_up() -> None:
    features = awkward(0, 70, "plain")
    state, left = Shrinking(features, np.arange(70), 20, False), np.arange(70)
    while len(left):
        best, _ = state.best()
        assert best == left[best_first(typicality(unit_rows(features[left]), 20, False))[0]]
        state.remove(best)
        left = left[left != best]


@pytest.mark.parametrize(("kind", "most"), [("one row", 10), ("plain", 750)])
def test_few_are_computed_anew_for_a_further_pick(
    kind: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    exact, bounds = Crowd.exact, Crowd.bounds

    def counted(self: Crowd, groups: np.ndarray, *given: Any) -> np.ndarray:
        asked.append(len(groups))
        return exact(self, groups, *given)

    def looked(self: Crowd, groups: np.ndarray, *given: Any) -> tuple[np.ndarray, ...]:
        asked.append(len(groups))
        return bounds(self, groups, *given)

    features = awkward(0, 1000, kind, 16)
    state = Shrinking(features, np.arange(1000), 20, False)
    state.remove(int(state.most_typical(100)[0]))
    monkeypatch.setattr(Crowd, "exact", counted)
    monkeypatch.setattr(Crowd, "bounds", looked)
    for _ in range(5):
        state.remove(int(state.most_typical(100)[0]))
    assert 0 < sum(asked) <= most  # 5,000 samples and more, if all were


@pytest.mark.parametrize("unit", [True, False])
def test_in_a_huge_cluster_inverted_lists_say_who_is_near(
    unit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distinct_points, "EXACT_UP_TO", 1000)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((30, 16))
    rows = centres[rng.integers(0, 30, 2000)] + 0.3 * rng.standard_normal((2000, 16))
    features = rows.astype(np.float32)
    features = features if unit else in_ball(features)
    values = typicality(points64(features, unit), 20, False)
    state = Shrinking(features, np.arange(2000), 20, False, unit)
    best, value = state.best()
    assert value == pytest.approx(values[best], rel=1e-9)  # what is told of a pick is exact
    assert best in best_first(values)[:5]
    kept = state.most_typical(200)
    assert len(np.intersect1d(kept, best_first(values)[:200])) >= 180


@pytest.mark.parametrize("zeros", [1, 15, 60, 250])
def test_in_a_huge_cluster_rows_of_zeros_are_as_far_as_they_are(
    zeros: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(zeros)
    features = rng.standard_normal((300, 16)).astype(np.float32)
    features[rng.permutation(300)[:zeros]] = 0
    whole = Crowd(features, np.arange(300))
    groups = np.arange(len(whole.count))
    exact = whole.exact(groups, 20, False)
    # one list of all: nothing is missed, so that the distances are all that can differ
    monkeypatch.setattr(distinct_points, "EXACT_UP_TO", 40)
    monkeypatch.setattr(neighbour_graph, "PROBES", 300)
    low, high, _ = whole.bounds(groups, 20, False)
    np.testing.assert_allclose(low, exact, rtol=1e-3)
    np.testing.assert_allclose(high, exact, rtol=1e-3)


def test_a_sample_alone_is_not_typical_of_anything() -> None:
    crowd = Crowd(np.eye(3, dtype=np.float32), np.arange(3))
    crowd.count[:2] = 0
    group = np.array([2])
    low, high, reach = crowd.bounds(group, 1, squared=False)
    assert (low.tolist(), high.tolist()) == ([0], [0])
    assert reach[0] < 0  # nobody who leaves changes that
    assert crowd.exact(group, 1, squared=False).tolist() == [0]


def test_proportional_rows_are_copies_of_one_direction() -> None:
    features = np.array([[1.0], [2.0], [-3.0], [5.0], [0.0], [-0.0]], dtype=np.float32)
    assert Crowd(features, np.arange(6)).count.tolist() == [3, 1, 2]
    assert Crowd(in_ball(features), np.arange(6), False).count.tolist() == [1, 1, 1, 1, 2]


def test_a_cluster_of_copies_is_quick() -> None:
    features = np.tile(np.random.default_rng(0).standard_normal((1, 64)), (200_000, 1)).astype("f4")
    state = Shrinking(features, np.arange(200_000), 20, False)
    started = time.monotonic()
    for pick in range(5):
        assert state.most_typical(100).tolist() == list(range(pick, pick + 100))
        state.remove(pick)
    assert time.monotonic() - started < 30  # looked at pair by pair it takes hours
