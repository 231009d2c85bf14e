"""Least confidence, entropy and margin: by hand, and against scikit-activeml."""

from typing import Any

import numpy as np
import pytest
from given_head import GivenHead, pool_of, random_head, with_missing
from skactiveml.pool import UncertaintySampling

from labelcycle.core import run_strategy
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.strategies.entropy import entropies_of

THEIRS = {
    "least_confidence": "least_confident",
    "margin": "margin_sampling",
    "entropy": "entropy",
}
ASKING = ["least_confidence", "entropy", "bald", "dbal", "badge", "dropquery"]
LOG_2 = np.log(2)


def ask(name: str, pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select(name, pool, budget, np.random.default_rng(0), options)


def saying(*probabilities: list[float]) -> Pool:
    """A pool of which the model says this; the last sample has a label."""
    shares = np.array(probabilities)
    logits = np.log(np.maximum(shares, 1e-30)).astype(np.float32)
    head = Head(logits, np.eye(shares.shape[1], dtype=np.float32), np.zeros(3, np.float32))
    return pool_of(head, labeled=[len(shares) - 1])


@pytest.mark.parametrize("name", THEIRS)
def test_scikit_activeml_picks_the_same(name: str) -> None:
    """The same probabilities on both sides, to float32's rounding, no two alike: the same order."""
    head = random_head(3, 2000, classes=7)
    pool = pool_of(head, labeled=range(0, 2000, 40))
    clf = GivenHead(head, classes=range(7))
    theirs = UncertaintySampling(method=THEIRS[name], random_state=0)
    rows = theirs.query(pool.features, with_missing(pool), clf, fit_clf=False, batch_size=50)
    assert ask(name, pool, 50).rows.tolist() == rows.tolist()


WAVERING = saying(
    [0.9, 0.1, 0.0], [0.4, 0.3, 0.3], [0.5, 0.5, 0.0], [0.45, 0.1, 0.45], [1 / 3, 1 / 3, 1 / 3]
)


@pytest.mark.parametrize(
    ("name", "rows", "score"),
    [
        ("least_confidence", [1, 3, 2], [0.6, 0.55, 0.5]),
        ("margin", [2, 3, 1], [1, 1, 0.9]),
        (
            "entropy",
            [1, 3, 2],
            [
                -0.4 * np.log(0.4) - 0.6 * np.log(0.3),
                -0.9 * np.log(0.45) - 0.1 * np.log(0.1),
                LOG_2,
            ],
        ),
    ],
)
def test_by_hand(name: str, rows: list[int], score: list[float]) -> None:
    picks = ask(name, WAVERING, 3)
    assert picks.rows.tolist() == rows
    np.testing.assert_allclose(picks.score, score, atol=1e-6)
    assert next(iter(picks.why)) == "cold_start"
    assert not picks.why["cold_start"].any()


def test_the_column_says_what_the_model_said() -> None:
    np.testing.assert_allclose(
        ask("least_confidence", WAVERING, 3).why["confidence"], [0.4, 0.45, 0.5], atol=1e-6
    )
    picks = ask("entropy", WAVERING, 3)
    np.testing.assert_array_equal(picks.why["entropy"], picks.score)


def test_entropies_by_hand() -> None:
    shares = np.float32([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_allclose(entropies_of(shares), [0, LOG_2, 2 * LOG_2], rtol=1e-12)
    assert entropies_of(np.full((2, 5, 3), 1 / 3)).shape == (2, 5)


@pytest.mark.parametrize("name", THEIRS)
def test_equal_scores_go_by_row(name: str) -> None:
    shares = [[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.0, 0.4, 0.6], [0.4, 0.0, 0.6], [1.0, 0.0, 0.0]]
    assert ask(name, saying(*shares), 3).rows.tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("stand_in", ["typiclust", "random"])
def test_without_labels_another_picks(name: str, stand_in: Any) -> None:
    head = random_head(0, 30)
    blank = Head(head.hidden, np.zeros_like(head.weights), np.zeros_like(head.bias))
    pool = pool_of(blank, labeled=[])
    picks = ask(name, pool, 5, cold_start=stand_in)
    assert picks.stood_in == stand_in
    if stand_in == "typiclust":  # random's draws come after those of the masks
        assert picks.rows.tolist() == ask(stand_in, pool, 5).rows.tolist()
    assert picks.why["cold_start"].tolist() == [1] * 5


@pytest.mark.parametrize("name", ASKING)
def test_a_model_that_says_the_same_of_all_is_a_cold_start(name: str) -> None:
    """One class has labels: the others' probability is 0 everywhere."""
    hidden = random_head(0, 30).hidden
    bias = np.float32([0, -1e4, -1e4])
    pool = pool_of(Head(hidden, np.zeros((6, 3), np.float32), bias), labeled=[3, 4])
    assert ask(name, pool, 5).why["cold_start"].tolist() == [1] * 5
