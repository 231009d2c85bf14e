"""UHerding by hand, against a slow version, and against maxherding where it is to be that.

scikit-activeml 1.0.1 has no UHerding.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from shapes import circle

from labelcycle.core import run_strategy
from labelcycle.core.lazy_greedy import settled
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import UNLABELED, Head, Pool, Selection
from labelcycle.core.strategies.uherding import uncertainty, width
from labelcycle.errors import SettingsError


def make(features: np.ndarray, labels: Sequence[int], logits: np.ndarray) -> Pool:
    """A pool whose model gives these logits."""
    known = np.array(labels, dtype=np.int64)
    classes = logits.shape[1]
    head = Head(
        logits.astype(np.float32), np.eye(classes, dtype=np.float32), np.zeros(classes, np.float32)
    )
    return Pool(np.asarray(features, dtype=np.float32), known, known == UNLABELED, None, None, head)


def ask(pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select("uherding", pool, budget, np.random.default_rng(0), options)


def slow_uherding(pool: Pool, budget: int, temperature: float) -> tuple[list[int], list[float]]:
    """The whole kernel in float64, weights and width by loops."""
    assert pool.head is not None
    points = unit_rows(pool.features)
    gaps = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    chances = np.sort(softmax(pool.head.hidden.astype(float) / temperature, axis=1), axis=1)
    weights = 1 - (chances[:, -1] - chances[:, -2])
    if not pool.labeled.any() or np.ptp(weights[pool.available]) < 1e-6:
        weights[:] = 1
    between = gaps[pool.labeled][:, pool.labeled]
    apart = between[between > 1e-6]
    sigma = max(0.05, apart.min()) if len(apart) else 1.0
    kernel = np.exp(-(gaps**2) / sigma**2)
    covered = kernel[pool.labeled].max(axis=0, initial=0)
    picks: list[int] = []
    gains: list[float] = []
    for _ in range(budget):
        more = weights * np.maximum(kernel - covered, 0)
        values = more[:, pool.available].mean(axis=1)
        values[~pool.available] = -1
        values[picks] = -1
        picks.append(int(np.argmax(settled(values))))
        gains.append(values[picks[-1]])
        covered = np.maximum(covered, kernel[picks[-1]])
    return picks, gains


@tries(25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 60),
    share=st.sampled_from([0, 0.1, 0.5]),
    temperature=st.sampled_from([0.5, 1.0, 7.0]),
)
def test_a_slow_version_picks_the_same(seed: int, n: int, share: float, temperature: float) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 3))
    features[rng.random(n) < 0.2] = features[0]
    features[rng.random(n) < 0.1] = 0
    labels = np.where(rng.random(n) < share, rng.integers(0, 3, n), UNLABELED)
    labels[-2:] = UNLABELED
    pool = make(features, labels.tolist(), rng.standard_normal((n, 3)))
    budget = int(rng.integers(1, pool.available.sum() + 1))
    picks = ask(pool, budget, temperature=temperature)
    rows, gains = slow_uherding(pool, budget, temperature)
    assert picks.rows.tolist() == rows
    np.testing.assert_allclose(picks.score, gains, atol=1e-9)


@pytest.mark.parametrize(
    ("labeled", "logits"),
    [(0, np.eye(4)[np.arange(300) % 4]), (10, np.zeros((300, 4))), (10, 50 * np.eye(4)[[1] * 300])],
    ids=["no labels", "the model knows nothing", "the model is sure of all"],
)
def test_a_cold_start_is_maxherding(labeled: int, logits: np.ndarray) -> None:
    features = np.random.default_rng(0).standard_normal((300, 8))
    labels = [0] * labeled + [UNLABELED] * (300 - labeled)
    pool = make(features, labels, logits)
    ours = ask(pool, 20, sigma=1.0)
    expected = run_strategy.select("maxherding", pool, 20, np.random.default_rng(0))
    assert ours.rows.tolist() == expected.rows.tolist()
    np.testing.assert_array_equal(ours.score, expected.score)
    assert ours.why["cold_start"].tolist() == [1] * 20
    if not labeled:
        assert ask(pool, 20).rows.tolist() == expected.rows.tolist()


LOGITS = np.log(np.array([[0.5, 0.3, 0.2], [0.8, 0.1, 0.1], [0.4, 0.4, 0.2]]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("margin", [0.8, 0.3, 1.0]),
        ("confidence", [0.5, 0.2, 0.6]),
        ("entropy", [1.0296530 / np.log(3), 0.6390319 / np.log(3), 1.0549202 / np.log(3)]),
    ],
)
def test_uncertainty_by_hand(kind: str, expected: list[float]) -> None:
    head = make(np.ones((3, 2)), [UNLABELED] * 3, LOGITS).head
    assert head is not None
    np.testing.assert_allclose(uncertainty(head, np.arange(3), 1.0, kind), expected, atol=1e-6)
    doubled = Head(2 * head.hidden, head.weights, head.bias)
    np.testing.assert_allclose(uncertainty(doubled, np.arange(3), 2.0, kind), expected, atol=1e-6)


def test_the_width_is_the_least_distance_of_labelled_samples_that_are_no_copies() -> None:
    features = 3 * circle(0, 0, 50, 80, 200).astype(np.float32)
    assert width(features, np.arange(5)) == pytest.approx(2 * np.sin(np.radians(15)))
    assert width(features, np.array([0, 1])) == 1
    assert width(features, np.array([2])) == 1
    assert width(features, np.array([], dtype=np.int64)) == 1


def test_a_small_heap_the_model_wavers_on_beats_a_large_one_it_is_sure_of() -> None:
    features = circle(0, 1, 2, 3, 90, 91, 180, 240)
    sure, wavers = [5.0, 0.0], [0.1, 0.0]
    labels = [UNLABELED] * 6 + [0, 1]
    pool = make(features, labels, np.array([sure] * 4 + [wavers] * 2 + [sure] * 2))
    picks = ask(pool, 2, sigma=0.2)
    assert picks.rows[0] in (4, 5)
    assert picks.rows[1] in (1, 2)
    assert picks.why["cold_start"].tolist() == [0, 0]
    assert picks.why["temperature"].tolist() == [1, 1]
    assert picks.why["sigma"].tolist() == [0.2, 0.2]
    np.testing.assert_allclose(picks.why["uncertainty"][0], 2 / (1 + np.exp(0.1)), rtol=1e-6)
    assert picks.why["coverage"][1] == pytest.approx(
        picks.why["coverage"][0] + picks.score[1], rel=1e-9
    )


def test_the_temperature_is_fitted_to_the_labels_and_the_width_has_a_floor() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((200, 30))
    labels = np.full(200, UNLABELED)
    labels[:40] = hidden[:40, 0] + 2 * rng.standard_normal(40) > 0
    features = rng.standard_normal((200, 8))
    features[1] = features[0] + 1e-3
    pool = make(features, labels.tolist(), hidden)
    picks = ask(pool, 5)
    assert picks.why["temperature"][0] > 1
    assert picks.why["sigma"].tolist() == [0.05] * 5
    assert ask(pool, 5, least_sigma=0.4).why["sigma"].tolist() == [0.4] * 5
    assert ask(pool, 5, temperature=3).why["temperature"].tolist() == [3] * 5
    with pytest.raises(SettingsError, match="temperature"):
        ask(pool, 5, temperature=0.0)
