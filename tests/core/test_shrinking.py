"""Picks from a cluster that shrinks: those that all of it, looked at anew each time, would give."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelcycle.core import shrinking, typicality
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.ordering import best_first
from labelcycle.core.shrinking import Shrinking


def awkward(seed: int, m: int, kind: str) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "one row":
        rows = np.ones((m, 6))
    elif kind == "copies":
        rows = rng.standard_normal((m // 3 + 1, 6))[rng.integers(0, m // 3 + 1, m)]
    elif kind == "near copies":
        rows = 1 + 1e-4 * rng.standard_normal((m, 6))
    elif kind == "grid":
        rows = rng.integers(0, 3, (m, 4)).astype(float)
    else:
        rows = rng.standard_normal((m, 6))
    return rows.astype(np.float32)


KINDS = st.sampled_from(["one row", "copies", "near copies", "grid", "plain"])


@settings(max_examples=15, deadline=None)
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
    state, left = Shrinking(neighbours, squared), np.arange(m)
    for _ in range(15):
        values = typicality.typicality(unit_rows(features[left]), neighbours, squared)
        best, value = state.best(features[left])
        assert best == best_first(values)[0]
        assert value == pytest.approx(values[best], rel=1e-9)
        left = np.delete(left, best)


def test_a_cluster_is_used_up() -> None:
    features = awkward(0, 70, "plain")
    state, left = Shrinking(20, False), np.arange(70)
    while len(left):
        best, _ = state.best(features[left])
        assert best == best_first(typicality.typicality(unit_rows(features[left]), 20, False))[0]
        left = np.delete(left, best)


def test_few_are_computed_anew_for_a_further_pick(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = typicality.typicality_of

    def counted(*given: np.ndarray) -> np.ndarray:
        asked.append(len(given[-1]))
        return real(*given)

    monkeypatch.setattr(shrinking, "typicality_of", counted)
    features = awkward(0, 1000, "one row")
    state = Shrinking(20, False)
    for pick in range(10):
        assert state.best(features[pick:])[0] == 0
    assert 0 < sum(asked) <= 10 * shrinking.LARGEST_BATCH


def test_in_a_huge_cluster_inverted_lists_say_who_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (typicality, shrinking):
        monkeypatch.setattr(module, "EXACT_UP_TO", 1000)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((30, 16))
    rows = centres[rng.integers(0, 30, 2000)] + 0.3 * rng.standard_normal((2000, 16))
    features = rows.astype(np.float32)
    values = typicality.typicality(unit_rows(features), 20, False)
    best, value = Shrinking(20, False).best(features)
    assert value == pytest.approx(values[best], rel=1e-9)  # what is told of a pick is exact
    assert best in best_first(values)[:5]
    kept = typicality.most_typical(features, 20, False, 200)
    assert len(np.intersect1d(kept, best_first(values)[:200])) >= 180
