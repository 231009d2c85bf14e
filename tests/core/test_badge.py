"""BADGE by hand, against gradients that are written out, and against scikit-activeml."""

from collections.abc import Callable

import numpy as np
import pytest
from example_counts import tries
from given_head import GivenHead, drawing, pool_of, random_head, with_missing
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from skactiveml.pool import Badge, _badge

from labelcycle.core import run_strategy
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.strategies import badge


def ask(pool: Pool, budget: int, seed: int = 0) -> Selection:
    return run_strategy.select("badge", pool, budget, np.random.default_rng(seed))


def written_out(head: Head) -> np.ndarray:
    """(n, c h) the gradients themselves."""
    hidden = head.hidden.astype(np.float64)
    shares = softmax(hidden @ head.weights.astype(np.float64) + head.bias, axis=1)
    errors = shares - np.eye(shares.shape[1])[shares.argmax(axis=1)]
    return (errors[:, :, None] * hidden[:, None, :]).reshape(len(hidden), -1)


def slow_badge(pool: Pool, budget: int, seed: int) -> list[int]:
    """One obvious loop over the gradients, with the same times for the race."""
    assert pool.head is not None
    gradients = written_out(pool.head)
    rng = np.random.default_rng(seed)
    lengths = (gradients**2).sum(axis=1)
    left = [int(i) for i in np.flatnonzero(pool.available)]
    longest = sorted(left, key=lambda i: (-round(lengths[i], 9), i))
    picks = longest[:1]
    while len(picks) < budget:
        gaps = {i: min(((gradients[i] - gradients[j]) ** 2).sum() for j in picks) for i in left}
        if max(gaps.values()) <= 1e-10:
            picks += [i for i in longest if i not in picks][: budget - len(picks)]
            break
        times = rng.exponential(size=len(gradients))
        picks.append(min((i for i in left if gaps[i] > 1e-10), key=lambda i: times[i] / gaps[i]))
    return picks


@tries(15)
@given(
    seed=st.integers(0, 2**32 - 1),
    copies=st.sampled_from([0.0, 0.5, 0.9]),
    zeros=st.booleans(),
)
def test_a_slow_version_picks_the_same(seed: int, copies: float, zeros: bool) -> None:
    rng = np.random.default_rng(seed)
    head = random_head(seed, 24, width=int(rng.integers(1, 6)), copies=copies)
    if zeros:
        head.hidden[rng.random(24) < 0.3] = 0
    pool = pool_of(head, labeled=np.flatnonzero(rng.random(24) < 0.2).tolist() or [0])
    budget = int(rng.integers(1, pool.available.sum() + 1))
    picks = ask(pool, budget, seed % 1000)
    if not picks.why["cold_start"].any():
        assert picks.rows.tolist() == slow_badge(pool, budget, seed % 1000)


def race_of(pool: Pool, seed: int) -> Callable[..., np.ndarray]:
    """A `choice` that draws by the race that we run, with the same times."""
    rng = np.random.default_rng(seed)

    def choice(size: int, count: int, replace: bool, p: np.ndarray) -> np.ndarray:
        times = rng.exponential(size=len(pool.labels))[pool.available]
        assert (size, count, replace) == (len(times), 1, False)
        with np.errstate(divide="ignore"):
            return np.array([np.argmin(times / p)])

    return choice


def theirs_and_ours(pool: Pool, budget: int) -> tuple[list[int], list[int]]:
    """The same model, the same layer without a bias, the same lots."""
    assert pool.head is not None
    theirs = drawing(Badge, race_of(pool, 3))().query(
        pool.head.hidden.astype(np.float64),
        with_missing(pool),
        GivenHead(pool.head, classes=range(len(pool.head.bias))),
        fit_clf=False,
        batch_size=budget,
    )
    return [int(row) for row in theirs], ask(pool, budget, seed=3).rows.tolist()


def test_scikit_activeml_picks_the_same_in_the_same_order() -> None:
    """They keep a sample's squared length as its first distance, as if 0 had been picked too.

    The data rule that out: all gradients point about the same way, and are nearer each other
    than to 0.
    """
    head = random_head(5, 1000, width=12, classes=5)
    head.hidden[:] = 0.2 * head.hidden + 1
    head.weights[:] *= 0.05
    head.bias[:] = [2, 0, 0, 0, 0]
    theirs, ours = theirs_and_ours(pool_of(head, labeled=range(0, 1000, 50)), 60)
    assert ours == theirs


def test_scikit_activeml_picks_the_same_once_it_forgets_the_lengths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gradients of all kinds; their distances begin at infinity, as in k-means++ and here."""
    original = _badge._d_2

    def forgetful(
        gradients: np.ndarray, picks: list[int], latest: np.ndarray | None = None
    ) -> np.ndarray:
        if latest is not None and np.array_equal(latest, (gradients**2).sum(axis=1)):
            latest = np.full(len(gradients), np.inf)
        found: np.ndarray = original(gradients, picks, latest)
        return found

    monkeypatch.setattr(_badge, "_d_2", forgetful)
    pool = pool_of(random_head(5, 1000, width=12, classes=5), labeled=range(0, 1000, 50))
    theirs, ours = theirs_and_ours(pool, 60)
    assert ours == theirs


def test_distances_by_the_factors_are_those_of_the_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = random_head(6, 50, copies=0.3)
    full = written_out(head)
    monkeypatch.setattr(badge, "BLOCK_ROWS", 16)
    monkeypatch.setattr(badge, "PART_ROWS", 5)
    gradients = badge.gradients_of(head)
    np.testing.assert_allclose(gradients.squares, (full**2).sum(axis=1), rtol=1e-10)
    for row in range(50):
        expected = ((full - full[row]) ** 2).sum(axis=1)
        got = gradients.squared_distances(row)
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-12)
        np.testing.assert_array_equal(got[expected == 0], 0)


def axes(*hidden: list[float]) -> Head:
    """Two classes, even odds for all: a gradient's length is that of hidden over root two."""
    return Head(np.float32(hidden), np.zeros((2, 2), np.float32), np.zeros(2, np.float32))


def test_the_longest_gradient_comes_first_and_says_how_long() -> None:
    picks = ask(pool_of(axes([9, 9], [1, 0], [0, 4], [-4, 0], [2, 2])), 1)
    assert picks.rows.tolist() == [2]  # row 0 has a label, row 3 is as long
    np.testing.assert_allclose(picks.why["gradient"], 4 / np.sqrt(2))
    np.testing.assert_allclose(picks.why["distance"], 4 / np.sqrt(2))
    assert next(iter(picks.why)) == "cold_start"


def test_lengths_that_only_rounding_tells_apart_go_by_row() -> None:
    hidden = np.float32([[9, 9], [1, 0], [0, 1], [1, 0]])
    squares = np.array([9, 1, 1, 1 + 1e-14])
    gradients = badge.Gradients(np.full((4, 2), np.sqrt(0.5)), hidden, squares)
    rows, _ = badge._seeds(gradients, np.arange(4) > 0, 1, np.random.default_rng(0))
    assert rows.tolist() == [1]


def test_the_distance_is_to_the_nearest_pick_before() -> None:
    picks = ask(pool_of(axes([9, 9], [1, 0], [0, 4], [-3, 0])), 3)
    assert picks.rows[0] == 2
    squares = {(1, 3): [17, 16], (3, 1): [25, 16]}[tuple(picks.rows[1:].tolist())]
    np.testing.assert_allclose(picks.score[1:] ** 2, np.array(squares) / 2)


def test_copies_of_picks_come_last_longest_first() -> None:
    head = axes([9, 9], [1, 0], [2, 0], [1, 0], [2, 0], [2, 0])
    for seed in range(5):
        picks = ask(pool_of(head), 5, seed)
        assert picks.rows.tolist() in ([2, 1, 4, 5, 3], [2, 3, 4, 5, 1])
        np.testing.assert_array_equal(picks.score[2:], 0)


def test_the_chance_grows_with_the_squared_distance() -> None:
    """From (0, 9): (3, 0) is at 90, (0, 0) at 81, (0, 6) at 9, and (0, 8) at 1."""
    gradients = badge.gradients_of(axes([9, 9], [0, 9], [3, 0], [0, 0], [0, 6], [0, 8]))
    available = np.arange(6) > 0
    rng = np.random.default_rng(0)
    drawn = [badge._seeds(gradients, available, 2, rng)[0][1] for _ in range(2000)]
    chances = np.bincount(drawn, minlength=6)[2:] / 2000
    np.testing.assert_allclose(chances, np.array([90, 81, 9, 1]) / 181, atol=0.056)


def test_chances_next_to_nothing_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    assert badge._drawn(np.array([0.0, 5e-324, 1.0, 0.0]), rng) == 2
    assert badge._drawn(np.array([0.0, 5e-324, 0.0]), rng) == 1
