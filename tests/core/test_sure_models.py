"""A model that is nearly sure of everything still says of which samples it is least sure."""

import numpy as np
import pytest

from labelcycle import select
from labelcycle.core import run_strategy
from labelcycle.core.pool import UNLABELED, Head, Pool
from labelcycle.core.strategies import badge, entropy, least_confidence, margin

RANKED = ("margin", "entropy", "least_confidence", "badge", "uherding", "trustherding")


def pool_of(others: np.ndarray) -> Pool:
    """Two classes; others : (n,) chance of the second. Rows 0 and 1 have labels."""
    n, rng = len(others), np.random.default_rng(0)
    labels = np.full(n, UNLABELED)
    labels[:2] = [0, 1]
    chances = np.column_stack([1 - others, others]).astype(np.float32)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(chances.astype(np.float64)), -1e4)
    head = Head(logs.astype(np.float32), np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    features = rng.standard_normal((n, 4)).astype(np.float32)
    clusters = (np.arange(n) % 3).astype(np.int32)
    return Pool(features, labels, labels == UNLABELED, clusters, chances, head)


@pytest.mark.parametrize("name", RANKED[:4])
def test_chances_within_rounding_of_1_still_differ(name: str) -> None:
    others = np.full(40, 1e-14)
    others[[7, 30, 12]] = [1e-7, 1e-9, 1e-11]
    picks = run_strategy.select(name, pool_of(others), 3, np.random.default_rng(0))
    assert (picks.stood_in, picks.stand_ins) == (None, 0)
    assert picks.why["cold_start"].tolist() == [0, 0, 0]
    assert picks.rows[0] == 7
    if name != "badge":  # which draws
        assert picks.rows.tolist() == [7, 30, 12]


@pytest.mark.parametrize("name", RANKED[:3])  # to badge, what it is sure of is unlike the others
def test_of_samples_that_it_is_sure_of_the_cold_start_picks(name: str) -> None:
    others = np.zeros(40)
    others[[7, 30]] = [0.3, 0.1]
    picks = run_strategy.select(name, pool_of(others), 6, np.random.default_rng(0))
    assert set(picks.rows[:2]) == {7, 30}
    assert picks.why["cold_start"].tolist() == [0, 0, 1, 1, 1, 1]
    assert (picks.stood_in, picks.stand_ins) == (None, 4)
    assert picks.score[2:].tolist() == [0, 0, 0, 0]
    assert len(set(picks.rows.tolist())) == 6


@pytest.mark.parametrize("name", RANKED[:4])
def test_where_it_is_sure_of_all_another_strategy_stands_in(name: str) -> None:
    picks = run_strategy.select(name, pool_of(np.zeros(40)), 3, np.random.default_rng(0))
    assert (picks.stood_in, picks.stand_ins) == ("typiclust", 3)


def test_ordinary_scores_are_as_the_papers_have_them() -> None:
    chances = np.random.default_rng(0).dirichlet([0.5] * 6, 300).astype(np.float32)
    exact = chances.astype(np.float64)
    top = np.sort(exact, axis=1)[:, ::-1]
    for module, expected in (
        (margin, 1 - (top[:, 0] - top[:, 1])),
        (least_confidence, 1 - top[:, 0]),
        (entropy, -(exact * np.log(exact)).sum(axis=1)),
    ):
        np.testing.assert_allclose(module._judged(chances)[0], expected, atol=1e-6)
    head = Head(np.log(chances), np.eye(6, dtype=np.float32), np.zeros(6, np.float32))
    errors = exact - np.eye(6)[exact.argmax(axis=1)]
    np.testing.assert_allclose(badge.gradients_of(head).errors, errors, atol=1e-6)


@pytest.mark.parametrize("strategy", RANKED)
def test_with_propagated_labels_of_clear_cut_classes_the_model_has_its_say(strategy: str) -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(600) % 3
    features = 4 * np.eye(3, 8)[truth] + 0.3 * rng.standard_normal((600, 8))
    labels = np.where(np.arange(600) < 9, truth, -1)
    between = features[9] + features[10]  # one sample half-way between two classes
    features[300] = between / 2
    picks = select(features, labels, 5, strategy=strategy, learner="propagate")
    assert picks.stood_in is None
    if strategy != "trustherding":
        assert 300 in picks.rows
