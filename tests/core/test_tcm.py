from dataclasses import replace

import numpy as np
import pytest
from given_head import pool_of, random_head

from labelcycle.core import run_strategy
from labelcycle.core.pool import Head, Pool, Selection


def ask(name: str, pool: Pool, budget: int = 6, **options: object) -> Selection:
    return run_strategy.select(name, pool, budget, np.random.default_rng(0), options)


def labeled(count: int) -> Pool:
    """Four classes; `count` samples have a label."""
    return pool_of(random_head(0, 60), labeled=range(0, 2 * count, 2))


@pytest.mark.parametrize("count", [0, 1, 11])
def test_typiclust_picks_until_there_are_three_labels_for_each_class(count: int) -> None:
    picks, expected = ask("tcm", labeled(count)), ask("typiclust", labeled(count))
    assert picks.rows.tolist() == expected.rows.tolist()
    np.testing.assert_array_equal(picks.score, expected.score)
    assert list(picks.why) == ["cold_start", "phase", *expected.why]
    assert picks.why["phase"].tolist() == picks.why["cold_start"].tolist() == [0] * 6


@pytest.mark.parametrize("count", [12, 20])
def test_then_margin_picks(count: int) -> None:
    picks, expected = ask("tcm", labeled(count)), ask("margin", labeled(count))
    assert picks.rows.tolist() == expected.rows.tolist()
    assert list(picks.why) == ["cold_start", "phase", "margin"]
    assert (picks.why["phase"].tolist(), picks.why["cold_start"].tolist()) == ([1] * 6, [0] * 6)


def test_the_transition_is_an_option() -> None:
    assert ask("tcm", labeled(3), labels_per_class=1).why["phase"].tolist() == [0] * 6
    assert ask("tcm", labeled(4), labels_per_class=1).why["phase"].tolist() == [1] * 6


def test_rejected_samples_are_no_labels() -> None:
    pool = labeled(11)
    rejected = replace(pool, available=pool.available & (np.arange(60) > 1))
    assert ask("tcm", rejected).why["phase"].tolist() == [0] * 6


def test_options_reach_both_halves() -> None:
    few = ask("tcm", labeled(0), neighbours=2, squared=True)
    assert few.rows.tolist() == (
        ask("typiclust", labeled(0), neighbours=2, squared=True).rows.tolist()
    )
    head = random_head(0, 60)
    silent = Head(head.hidden, 0 * head.weights, 0 * head.bias)
    pool = pool_of(silent, labeled=range(20))
    picks, expected = ask("tcm", pool, cold_start="random"), ask("random", pool)
    assert picks.rows.tolist() == expected.rows.tolist()
    assert (picks.why["phase"].tolist(), picks.why["cold_start"].tolist()) == ([1] * 6, [1] * 6)
