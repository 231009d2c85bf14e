"""The lazy greedy loop against the plain one, with gains that are known only roughly."""

import numpy as np
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import lazy_greedy


def plain(sets: np.ndarray, budget: int) -> tuple[list[int], list[float]]:
    """Largest number of new elements first; the lowest of equals. sets : (c, e) bool."""
    new = np.ones(sets.shape[1], dtype=bool)
    picks: list[int] = []
    gains: list[float] = []
    for _ in range(budget):
        values = (sets & new).sum(axis=1).astype(float)
        values[picks] = -1
        best = int(np.argmax(values))
        picks.append(best)
        gains.append(values[best])
        new &= ~sets[best]
    return picks, gains


@tries(40)
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(1, 300), error=st.sampled_from([0, 0.4, 3])
)
def test_the_picks_are_those_of_the_plain_loop(seed: int, count: int, error: float) -> None:
    rng = np.random.default_rng(seed)
    sets = rng.random((count, 12)) < rng.random()
    new = np.ones(12, dtype=bool)
    budget = int(rng.integers(1, min(count, 40) + 1))

    def exact(positions: np.ndarray) -> np.ndarray:
        return (sets[positions] & new).sum(axis=1) / 12

    def bounds(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rough = exact(positions) + (rng.random(len(positions)) - 0.5) * error / 12
        return np.maximum(rough - error / 24, 0), rough + error / 24

    def pick(position: int) -> None:
        new[sets[position]] = False

    picks, gains = lazy_greedy.lazy_greedy(count, budget, bounds, exact, pick)
    expected = plain(sets, budget)
    assert picks.tolist() == expected[0]
    np.testing.assert_allclose(gains, np.array(expected[1]) / 12)


def test_gains_that_stay_the_same_are_not_looked_at_again() -> None:
    looked: list[int] = []
    values = np.arange(10_000, dtype=float)[::-1] / 10_000

    def bounds(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        looked.append(len(positions))
        return values[positions], values[positions]

    picks, _ = lazy_greedy.lazy_greedy(10_000, 5, bounds, lambda p: values[p], lambda _: None)
    assert picks.tolist() == [0, 1, 2, 3, 4]
    assert looked == [10_000] + 4 * [lazy_greedy.FIRST_BATCH]


def test_settled_values_forget_rounding_and_keep_order() -> None:
    same = lazy_greedy.settled(np.array([0.3, 0.1 + 0.2, 1e-17, 0.0]))
    assert same[0] == same[1]
    assert same[2] == same[3]
    assert lazy_greedy.settled(np.array([0.3]))[0] < lazy_greedy.settled(np.array([0.3 + 1e-8]))[0]
