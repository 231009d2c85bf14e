from dataclasses import replace

import numpy as np
import pytest

from labelcycle.core import run_strategy
from labelcycle.core.pool import UNLABELED, Pool, Selection
from labelcycle.core.strategies.margin import _judged


def pool_of(probabilities: list[list[float]], labeled: int = 1) -> Pool:
    n = len(probabilities)
    labels = np.full(n, UNLABELED)
    labels[n - labeled :] = 0
    return Pool(
        np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32),
        labels,
        labels == UNLABELED,
        (np.arange(n) % 2).astype(np.int32),
        np.array(probabilities, dtype=np.float32),
    )


def ask(pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select("margin", pool, budget, np.random.default_rng(0), options)


WAVERING = [[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.5, 0.0, 0.5], [0.6, 0.3, 0.1], [0.5, 0.5, 0.0]]


def test_margins_by_hand() -> None:
    expected = [0.8, 0.05, 0.0, 0.3, 0.0]
    score, why = _judged(np.float32(WAVERING))
    np.testing.assert_allclose(why["margin"], expected, atol=1e-6)
    np.testing.assert_allclose(score, 1 - np.array(expected), atol=1e-6)


def test_the_smallest_margins_come_first_and_labelled_rows_never() -> None:
    picks = ask(pool_of(WAVERING), 3)
    assert picks.rows.tolist() == [2, 1, 3]  # row 4 has margin 0 and a label
    np.testing.assert_allclose(picks.why["margin"], [0, 0.05, 0.3], atol=1e-6)
    np.testing.assert_allclose(picks.score, [1, 0.95, 0.7], atol=1e-6)
    assert picks.why["cold_start"].tolist() == [0, 0, 0]


def test_without_labels_typiclust_picks_and_why_says_so() -> None:
    pool = pool_of([[1 / 3] * 3] * 5, labeled=0)
    picks = ask(pool, 3)
    expected = run_strategy.select("typiclust", pool, 3, np.random.default_rng(0))
    assert picks.rows.tolist() == expected.rows.tolist()
    assert picks.why["cold_start"].tolist() == [1, 1, 1]
    assert "typicality" in picks.why


def test_without_labels_a_model_from_elsewhere_is_asked() -> None:
    picks = ask(pool_of(WAVERING, labeled=0), 3)
    assert picks.rows.tolist() == [2, 4, 1]
    assert picks.stood_in is None


def test_without_labels_random_may_pick() -> None:
    pool = pool_of([[1 / 3] * 3] * 5, labeled=0)
    picks = ask(pool, 3, cold_start="random")
    expected = run_strategy.select("random", pool, 3, np.random.default_rng(0))
    assert picks.rows.tolist() == expected.rows.tolist()
    assert picks.why["cold_start"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
def test_a_model_that_says_the_same_of_all_samples_is_a_cold_start(row: list[float]) -> None:
    assert ask(pool_of([row] * 5), 2).why["cold_start"].tolist() == [1, 1]


def test_the_last_sample_left_is_no_cold_start() -> None:
    pool = pool_of(WAVERING)
    picks = ask(replace(pool, available=np.arange(5) == 1), 1)
    assert (picks.rows.tolist(), picks.why["cold_start"].tolist()) == ([1], [0])
