"""Label propagation: against the equations written out, and what its users rely on."""

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core.neighbours import unit_rows
from labelcycle.nn.learners import propagate
from labelcycle.nn.learners.propagate import Options


def spread_slowly(
    features: np.ndarray, labels: np.ndarray, classes: int, options: Options
) -> np.ndarray:
    """Zhou et al.'s limit (I - alpha S)^-1 (1 - alpha) Y with dense float64 matrices."""
    units = unit_rows(unit_rows(features) - unit_rows(features).mean(axis=0))
    cosines = units @ units.T
    n = len(units)
    weights = np.zeros((n, n))
    for row in range(n):
        others = [j for j in np.argsort(-cosines[row], kind="stable") if j != row]
        near = others[: options.neighbours]
        weights[row, near] = np.clip(cosines[row, near], 0, 1) ** options.sharpness
    weights += weights.T
    roots = np.sqrt(weights.sum(axis=1))
    smoothed = weights / np.where(roots > 0, roots, 1)[:, None] / np.where(roots > 0, roots, 1)
    given_ = np.zeros((n, classes))
    known = labels >= 0
    given_[known, labels[known]] = 1
    shares = np.linalg.solve(np.eye(n) - options.alpha * smoothed, (1 - options.alpha) * given_)
    mass = shares.sum(axis=0)
    seen = np.bincount(labels[known], minlength=classes) > 0
    shares = shares * np.where(seen, 1 / np.where(mass > 0, mass, 1), 0)
    shares[known] = given_[known]
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1), seen / seen.sum())


@tries(15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 60), neighbours=st.integers(1, 8))
def test_enough_sweeps_reach_the_limit(seed: int, n: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 6)).astype(np.float32)
    labels = np.full(n, -1)
    some = rng.choice(n, 4, replace=False)
    labels[some] = [0, 1, 2, rng.integers(3)]
    options = Options(neighbours=neighbours, alpha=0.8, sweeps=200, sharpness=2, whitening=0)
    wanted = spread_slowly(features, labels, 3, options)
    found = propagate.fit(features, labels, 3, options, 0)
    np.testing.assert_allclose(found.shares, wanted, atol=1e-4)


def two_arcs(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on two arcs of the sphere that come close at their ends."""
    along = np.linspace(0, 1.4, n)
    first = np.stack([np.cos(along), np.sin(along), 0 * along], axis=1)
    second = np.stack([np.cos(along), np.sin(along), 0 * along + 0.3], axis=1)
    return np.concatenate([first, second]).astype(np.float32), np.repeat([0, 1], n)


def test_one_label_at_an_end_reaches_the_other() -> None:
    features, truth = two_arcs(60)
    labels = np.full(120, -1)
    labels[[0, 119]] = 0, 1
    options = Options(neighbours=3, sweeps=2000, whitening=0)
    model = propagate.fit(features, labels, 2, options, 0)
    assert (model.predict_proba(features).argmax(axis=1) == truth).all()
    nearest_label = (features @ features[[0, 119]].T).argmax(axis=1)
    assert (nearest_label == truth).mean() < 0.7  # what the samples without labels add


@pytest.mark.parametrize(("mass", "share"), [("uniform", 0.5), ("labels", 0.75)])
def test_classes_get_the_mass_that_was_asked_for(mass: str, share: float) -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 5)).astype(np.float32)
    labels = np.full(400, -1)
    labels[:4] = 0, 0, 0, 1
    model = propagate.fit(features, labels, 2, Options(class_mass=mass), 0)
    assert model.shares[4:, 0].mean() == pytest.approx(share, abs=0.06)


def test_a_sample_apart_from_all_labels_may_be_any_class_that_has_one() -> None:
    features = np.zeros((6, 3), np.float32)
    features[[0, 1], 0] = 1
    features[[2, 3], 1] = 1
    features[4, 2] = 1  # near nothing; row 5 is zero
    labels = np.array([0, -1, 1, -1, -1, -1])
    model = propagate.fit(features, labels, 3, Options(neighbours=1), 0)
    np.testing.assert_allclose(model.shares[[1, 3]], [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(features[4:]), [[0.5, 0.5, 0]] * 2)


def test_few_anchors_answer_for_the_pool() -> None:
    rng = np.random.default_rng(1)
    centres = 4 * rng.standard_normal((3, 8))
    truth = rng.integers(0, 3, 600)
    features = (centres[truth] + rng.standard_normal((600, 8))).astype(np.float32)
    labels = np.full(600, -1)
    for c in range(3):
        labels[np.flatnonzero(truth == c)[:2]] = c
    model = propagate.fit(features, labels, 3, Options(anchors=100), 0)
    assert len(model.anchors) == 100
    assert (model.predict_proba(features).argmax(axis=1) == truth).mean() > 0.97
