"""The probe against its definition, one sample at a time."""

import math

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import knn_probe


def slow(features: np.ndarray, labels: np.ndarray, k: int) -> float:
    right = 0
    for i, row in enumerate(features):
        others = [j for j in range(len(features)) if j != i]
        cosine = {
            j: float(row @ features[j] / np.linalg.norm(row) / np.linalg.norm(features[j]))
            for j in others
        }
        nearest = sorted(others, key=lambda j: -cosine[j])[:k]
        votes = [0.0] * (max(labels) + 1)
        for j in nearest:
            votes[labels[j]] += math.exp(cosine[j] / 0.07)
        right += votes.index(max(votes)) == labels[i]
    return right / len(features)


@tries(30)
@given(st.integers(2, 30), st.integers(2, 6), st.integers(1, 25), st.integers(0, 99))
def test_is_its_definition(n: int, d: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, labels = rng.normal(size=(n, d)), rng.integers(0, 3, n)
    assert knn_probe.leave_one_out(features, labels, k) == pytest.approx(slow(features, labels, k))


def test_blocks_give_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    whole = knn_probe.leave_one_out(features, labels)
    monkeypatch.setattr(knn_probe, "_BLOCK", 7)
    assert knn_probe.leave_one_out(features, labels) == whole


def test_classes_apart_are_found_and_random_labels_are_not() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    features = 8 * np.eye(4)[labels] + rng.normal(size=(100, 4))
    assert knn_probe.leave_one_out(features, labels) == 1
    assert knn_probe.leave_one_out(features, rng.permutation(labels)) < 0.5
