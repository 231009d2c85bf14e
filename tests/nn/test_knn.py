"""Nearest neighbours beside the obvious slow version."""

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.nn.learners import knn


def slow(
    features: np.ndarray, labels: np.ndarray, asked: np.ndarray, classes: int, options: knn.Options
) -> tuple[np.ndarray, np.ndarray]:
    """Row by row, from the definition; and by how much the last neighbour is the nearer one."""
    known = np.flatnonzero(labels >= 0)
    found, margins = np.zeros((len(asked), classes)), np.full(len(asked), np.inf)
    for row, one in enumerate(asked):
        cosines = [one @ f / np.linalg.norm(one) / np.linalg.norm(f) for f in features[known]]
        falling = np.sort(cosines)[::-1]
        if options.neighbours < len(known):
            margins[row] = falling[options.neighbours - 1] - falling[options.neighbours]
        for near in np.argsort(cosines)[::-1][: options.neighbours]:
            label = labels[known[near]]
            weight = max(cosines[near], 0) ** options.sharpness
            found[row, label] += weight / ((labels == label).sum() if options.balanced else 1)
        found[row] /= found[row].sum()
    return found, margins


@pytest.mark.parametrize("balanced", [False, True])
@tries(20)
@given(seed=st.integers(0, 2**32 - 1), near=st.integers(1, 30))
def test_it_is_the_slow_version(balanced: bool, seed: int, near: int) -> None:
    rng = np.random.default_rng(seed)
    features = (rng.random((24, 5)) + 0.1).astype(np.float32)  # no cosine near 0
    labels = rng.choice(4, 24, p=[0.7, 0.15, 0.1, 0.05]) - 1
    labels[0] = 0
    options = knn.Options(neighbours=near, balanced=balanced)
    found = knn.fit(features[:18], labels[:18], 3, options, 0).predict_proba(features[18:])
    wanted, margins = slow(features[:18], labels[:18], features[18:], 3, options)
    clear = margins > 2e-3  # anchors are kept in float16
    np.testing.assert_allclose(found[clear], wanted[clear], atol=5e-3)


def test_balanced_finds_more_of_the_rare_class() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(900) < 0.1).astype(np.int64)
    features = np.stack([truth + rng.standard_normal(900), np.full(900, 3.0)], axis=1)
    labels = np.where(np.arange(900) < 300, truth, -1)
    recalls = []
    for balanced in (False, True):
        model = knn.fit(features, labels, 2, knn.Options(balanced=balanced), 0)
        said = model.predict_proba(features[300:]).argmax(axis=1)
        recalls.append((said[truth[300:] == 1] == 1).mean())
    assert recalls[0] < 0.2 < 0.4 < recalls[1]
