"""TrustHerding, and the trust that it puts into a model."""

from dataclasses import replace

import numpy as np
import pytest
from example_counts import tries
from given_head import pool_of, random_head
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from labelcycle.core import calibration, run_strategy
from labelcycle.core.calibration import TRUSTS, likeliest_trust
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.threads import one_thread


def ask(pool: Pool, budget: int, **options: object) -> Selection:
    return run_strategy.select("trustherding", pool, budget, np.random.default_rng(0), options)


def classes(m: int, apart: float, width: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, m)
    hidden = apart * np.eye(3, width)[labels] + rng.standard_normal((m, width))
    return hidden.astype(np.float32), labels


def trust(hidden: np.ndarray, labels: np.ndarray) -> float:
    with one_thread():
        return likeliest_trust(hidden, labels, np.random.default_rng(1).random(len(labels)))


# --- trust ----------------------------------------------------------------------------------


def test_a_label_a_class_earns_no_trust() -> None:
    hidden, _ = classes(6, 9.0)
    assert trust(hidden, np.arange(6)) == 0
    assert trust(hidden[:0], np.arange(0)) == 0
    assert trust(hidden, np.zeros(6, dtype=np.int64)) == 0  # nor does one class alone


def test_labels_by_chance_earn_next_to_none_and_clear_ones_all() -> None:
    hidden, labels = classes(100, 0.0, width=80)  # learnt by heart, worth nothing
    assert trust(hidden, labels) < 0.1
    hidden, labels = classes(150, 9.0)
    assert trust(hidden, labels) == 1


def test_it_rises_with_the_labels() -> None:
    found = [np.mean([trust(*classes(m, 1.5, 30, s)) for s in range(4)]) for m in (60, 500)]
    assert found[0] < found[1] - 0.1


def test_the_trust_is_the_one_under_which_held_out_labels_are_likeliest() -> None:
    hidden, labels = classes(90, 1.5)
    lots = np.random.default_rng(1).random(90)
    order = np.lexsort([lots, labels])
    with one_thread():
        logits, _ = calibration._held_out(hidden[order].astype(float), labels[order])
    losses = {
        t: -np.mean([log_softmax(t * row)[c] for row, c in zip(logits, labels[order], strict=True)])
        for t in TRUSTS
    }
    found = trust(hidden, labels)
    assert losses[found] == pytest.approx(min(losses.values()))
    assert 0 < found < 1


# --- selection ------------------------------------------------------------------------------


def slow_trustherding(pool: Pool, budget: int, sigma: float, believed: float) -> list[int]:
    """The plain loop in float64, all pairs."""
    assert pool.head is not None
    points = pool.features.astype(float)
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-300)
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2) / sigma**2)
    logits = pool.head.hidden.astype(float) @ pool.head.weights + pool.head.bias
    chances = np.sort(softmax(believed * logits, axis=1), axis=1)
    weights = np.where(pool.available, 1 - (chances[:, -1] - chances[:, -2]), 0)
    weights /= weights.max()
    level = kernel[pool.labeled].max(axis=0, initial=0)
    picks: list[int] = []
    for _ in range(budget):
        gains = (weights * np.maximum(kernel - level, 0)).sum(axis=1) / pool.available.sum()
        gains = np.where(pool.available & ~np.isin(np.arange(len(gains)), picks), gains, -1)
        picks.append(int(np.flatnonzero(gains >= gains.max() - 1e-11)[0]))
        level = np.maximum(level, kernel[picks[-1]])
    return picks


@tries(15)
@given(seed=st.integers(0, 2**32 - 1), copies=st.sampled_from([0.0, 0.5]))
def test_a_slow_version_picks_the_same(seed: int, copies: float) -> None:
    pool = pool_of(random_head(seed, 60, copies=copies))
    labels = pool.labels.copy()
    labels[:24] = np.arange(24) % 3
    pool = replace(pool, labels=labels, available=labels < 0)
    picks = ask(pool, 8, sigma=0.5)
    believed = float(picks.why["trust"][0])
    assert picks.rows.tolist() == slow_trustherding(pool, 8, 0.5, believed)


def test_without_trust_it_is_maxherding() -> None:
    pool = pool_of(random_head(3, 80), labeled=[])
    picks = ask(pool, 10)
    expected = run_strategy.select("maxherding", pool, 10, np.random.default_rng(0), {"sigma": 0.7})
    assert picks.rows.tolist() == expected.rows.tolist()
    assert not picks.why["trust"].any()
    assert (picks.why["uncertainty"] == 1).all()


def test_a_trusted_model_draws_the_picks_to_where_it_wavers() -> None:
    hidden, truth = classes(600, 4.0)
    labels = np.where(np.arange(600) < 90, truth, -1)
    head = replace(random_head(0, 600, 4, 3), hidden=hidden, bias=np.zeros(3, np.float32))
    head = replace(head, weights=np.eye(4, 3, dtype=np.float32))
    pool = replace(pool_of(head), labels=labels, available=labels < 0)
    picks = ask(pool, 20)
    assert picks.why["trust"][0] > 0.5
    logits = np.sort(hidden @ head.weights, axis=1)
    gap = logits[:, -1] - logits[:, -2]
    assert np.median(gap[picks.rows]) < np.median(gap[pool.available])
