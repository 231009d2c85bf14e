"""Dropout on the last layer, and what BALD and DBAL make of it."""

import numpy as np
import pytest
from example_counts import tries
from given_head import GivenHead, pool_of, random_head, with_missing
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from skactiveml.pool import GreedyBALD, UncertaintySampling

from labelcycle.core import dropout, run_strategy
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.strategies.bald import information
from labelcycle.core.strategies.dbal import entropy_of_mean
from labelcycle.errors import SettingsError

LOG_2 = np.log(2)


def ask(name: str, pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select(name, pool, budget, np.random.default_rng(7), options)


def slow_draws(head: Head, masks: np.ndarray) -> np.ndarray:
    """(n, t, c) probabilities: one sample and one mask at a time."""
    result = np.empty((len(head.hidden), len(masks), len(head.bias)))
    for i, seen in enumerate(head.hidden.astype(np.float64)):
        for t, mask in enumerate(masks):
            result[i, t] = softmax((seen * mask) @ head.weights.astype(np.float64) + head.bias)
    return result


def slow_entropy(shares: np.ndarray) -> float:
    return -sum(float(p) * float(np.log(p)) for p in shares if p > 0)


def slow_scores(name: str, draws: np.ndarray) -> list[float]:
    whole = [slow_entropy(sample.mean(axis=0)) for sample in draws]
    if name == "dbal":
        return whole
    each = [np.mean([slow_entropy(draw) for draw in sample]) for sample in draws]
    return [one - float(other) for one, other in zip(whole, each, strict=True)]


@pytest.mark.parametrize("name", ["bald", "dbal"])
@tries(15)
@given(
    seed=st.integers(0, 2**32 - 1),
    draws=st.integers(2, 6),
    chance=st.floats(0.1, 0.9),
    unseen=st.booleans(),
)
def test_a_slow_version_picks_the_same(
    name: str, seed: int, draws: int, chance: float, unseen: bool
) -> None:
    head = random_head(seed, 20, copies=0.2)
    if unseen:  # a class that no label has: a bias far below zero, no weights
        head.bias[1], head.weights[:, 1] = -1e4, 0
    pool = pool_of(head, labeled=[2, 5])
    masks = dropout.drawn_masks(np.random.default_rng(7), draws, 6, chance)
    scores = slow_scores(name, slow_draws(head, masks))
    best = sorted((scores[i] for i in np.flatnonzero(pool.available)), reverse=True)
    picks = ask(name, pool, 9, draws=draws, dropout=chance)
    if picks.why["cold_start"].any():  # every draw says the same of every sample
        assert best[0] - best[-1] <= 2e-6
        return
    np.testing.assert_allclose(picks.score, best[:9], atol=2e-9)
    # scores that differ by less than this count as equal
    np.testing.assert_allclose([scores[i] for i in picks.rows], picks.score, atol=2e-9)


class Mean(GivenHead):
    """The mean of what several models say."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        shares: np.ndarray = np.mean([model.predict_proba(X) for model in self.head], axis=0)
        return shares


@pytest.mark.parametrize("name", ["bald", "dbal"])
def test_scikit_activeml_picks_the_same_in_the_same_order(name: str) -> None:
    """Their ensemble is one model a mask, which has it in its weights; DBAL they do not have.

    So that is their entropy sampling, of a model that gives the mean of the ensemble. No two
    scores are alike here. Theirs clip chances below 1e-7, which moves no score by as much as they
    differ.
    """
    head = random_head(9, 1500, width=10, classes=5)
    pool = pool_of(head, labeled=range(0, 1500, 50))
    masks = dropout.drawn_masks(np.random.default_rng(7), 8, 10, 0.4)
    ensemble = [
        GivenHead(Head(head.hidden, mask[:, None] * head.weights, head.bias), classes=range(5))
        for mask in masks
    ]
    X, y = head.hidden.astype(np.float64), with_missing(pool)
    if name == "bald":
        for model in ensemble:
            model.classes_ = np.arange(5)  # what says that a model is fitted
        theirs = GreedyBALD(random_state=0).query(X, y, ensemble, False, batch_size=50)
    else:
        mean = Mean(ensemble, classes=range(5))
        peer = UncertaintySampling(method="entropy", random_state=0)
        theirs = peer.query(X, y, mean, fit_clf=False, batch_size=50)
    ours = ask(name, pool, 50, draws=8, dropout=0.4)
    assert ours.rows.tolist() == theirs.tolist()


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    head, rows = random_head(1, 100), np.arange(3, 90, 2)
    masks = dropout.drawn_masks(np.random.default_rng(0), 5, 6, 0.5)

    def flat(logits: np.ndarray) -> np.ndarray:
        return logits.reshape(len(logits), -1)

    whole = dropout.under_dropout(head, rows, masks, flat)
    monkeypatch.setattr(dropout, "BLOCK_BYTES", 8 * 5 * 4 * 7)
    np.testing.assert_allclose(dropout.under_dropout(head, rows, masks, flat), whole, rtol=1e-12)
    monkeypatch.setattr(dropout, "BLOCK_BYTES", 1)
    np.testing.assert_allclose(dropout.under_dropout(head, rows, masks, flat), whole, rtol=1e-12)


def test_masks_keep_the_mean() -> None:
    masks = dropout.drawn_masks(np.random.default_rng(0), 200, 500, 0.75)
    assert set(np.unique(masks)) == {0.0, 4.0}
    assert abs(masks.mean() - 1) < 0.03  # five standard deviations


def test_without_dropout_no_draw_differs_and_nothing_is_learnt() -> None:
    head = random_head(2, 50)
    masks = dropout.drawn_masks(np.random.default_rng(0), 4, 6, 0.0)
    draws = slow_draws(head, masks)
    np.testing.assert_array_equal(information(draws), np.zeros(50))
    np.testing.assert_allclose(
        entropy_of_mean(draws), [slow_entropy(sample[0]) for sample in draws], rtol=1e-12
    )


def test_scores_by_hand() -> None:
    contradicting = [[1.0, 0.0], [0.0, 1.0]]
    unsure = [[0.5, 0.5], [0.5, 0.5]]
    certain = [[1.0, 0.0], [1.0, 0.0]]
    draws = np.array([contradicting, unsure, certain])
    np.testing.assert_allclose(entropy_of_mean(draws), [LOG_2, LOG_2, 0], atol=1e-12)
    np.testing.assert_allclose(information(draws), [LOG_2, 0, 0], atol=1e-12)


def test_bald_passes_over_what_every_draw_is_unsure_of() -> None:
    """Two units that vote for a class each: sample 1 has neither, sample 2 has both, strongly."""
    hidden = np.float32([[9, 0], [0, 0], [9, 9], [0, 9]])
    head = Head(hidden, np.float32([[1, 0], [0, 1]]), np.zeros(2, np.float32))
    pool = pool_of(head, labeled=[0])
    bald = ask("bald", pool, 3)
    assert bald.rows[0] == 2
    assert (bald.rows[2], bald.score[2]) == (1, 0)
    dbal = ask("dbal", pool, 3)
    assert dbal.score[dbal.rows == 1] == pytest.approx(LOG_2)


def test_copies_meet_the_same_draws() -> None:
    head = random_head(4, 40)
    twice = Head(np.concatenate([head.hidden, head.hidden]), head.weights, head.bias)
    picks = ask("bald", pool_of(twice, labeled=[0, 40]), 78)
    np.testing.assert_array_equal(picks.rows[::2] + 40, picks.rows[1::2])
    np.testing.assert_allclose(picks.score[::2], picks.score[1::2], rtol=1e-9)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_chance_that_makes_no_sense_is_refused(chance: float) -> None:
    with pytest.raises(SettingsError, match=r"strategy bald: dropout: wanted .* \(got"):
        ask("bald", pool_of(random_head(0, 9)), 2, dropout=chance)
