import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from labelcycle.nn.learners import linear


def slow_fit(features: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """Logits of the training rows at the minimum of the objective as documented."""
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    rows = rows - rows.mean(axis=0)
    rows = rows / np.sqrt((rows**2).sum(axis=1).mean())
    m, d = rows.shape
    c = int(labels.max()) + 1

    def objective(flat: np.ndarray) -> float:
        weights, bias = flat[: d * c].reshape(d, c), flat[d * c :]
        logits = rows @ weights + bias
        loss = logsumexp(logits, axis=1) - logits[np.arange(m), labels]
        return float(loss.mean() + penalty / 2 * (weights**2).sum())

    found = minimize(objective, np.zeros(d * c + c), method="L-BFGS-B", options={"gtol": 1e-9})
    weights, bias = found.x[: d * c].reshape(d, c), found.x[d * c :]
    logits: np.ndarray = rows @ weights + bias
    return logits


@pytest.mark.parametrize("classes", [2, 3])
def test_the_documented_objective_is_at_its_minimum(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(12) % classes
    features = rng.standard_normal((12, 3)) + 2 * np.eye(3)[labels]
    options = linear.Options(penalty=0.05)
    learner = linear.fit(features.astype(np.float32), labels, classes, options, 0)
    logits = slow_fit(features.astype(np.float32), labels, 0.05)
    expected = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    found = learner.predict_proba(features.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_scale_of_the_features_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((30, 5)).astype(np.float32), np.arange(30) % 3
    small = linear.fit(features, labels, 3, linear.Options(), 0).predict_proba(features)
    large = linear.fit(1000 * features, labels, 3, linear.Options(), 0)
    np.testing.assert_allclose(large.predict_proba(1000 * features), small, atol=1e-3)


def test_blocks_do_not_change_the_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((30, 5)).astype(np.float32), np.arange(30) % 3
    learner = linear.fit(features, labels, 3, linear.Options(), 0)
    whole = learner.predict_proba(features)
    monkeypatch.setattr(linear, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(learner.predict_proba(features), whole, rtol=1e-6)


def test_prediction_needs_no_library_of_fitting() -> None:
    code = (
        "import sys, numpy as np; from labelcycle.nn.learners import linear;"
        "learner = linear.from_state({'scale': 1.0, 'unit': True}, {'centre': np.zeros(3),"
        " 'weights': np.zeros((3, 2)), 'bias': np.zeros(2)});"
        "print(learner.predict_proba(np.ones((1, 3))));"
        "assert not {'scipy', 'sklearn', 'faiss', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[[0.5 0.5]]\n", "")


@pytest.mark.parametrize("classes", [2, 4])
def test_the_fit_is_that_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(40) % classes
    features = rng.standard_normal((40, 6)) + np.eye(6)[labels]
    learner = linear.fit(features, labels, classes, linear.Options(penalty=0.01), 0)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    # scikit-learn weighs the sum of the losses, and of two classes fits the difference
    strength = (2 if classes == 2 else 1) / (0.01 * 40)
    rows = (unit - learner.centre) / learner.scale
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=1000).fit(rows, labels)
    expected = theirs.predict_proba(rows)
    np.testing.assert_allclose(learner.predict_proba(features), expected, atol=1e-4)


def test_cross_validation_finds_a_penalty_that_tells_more_of_others() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4, 30))
    truth = rng.integers(0, 4, 700)
    features = (centres[truth] + 2.5 * rng.standard_normal((700, 30))).astype(np.float32)
    labels = np.where(np.arange(700) < 120, truth, -1)
    losses = []
    for penalty in (None, 1e-6):
        options = linear.Options(penalty=penalty)
        found = linear.fit(features, labels, 4, options, 0).predict_proba(features[120:])
        losses.append(-np.log(found[np.arange(580), truth[120:]]).mean())
    assert losses[0] < 0.7 * losses[1]


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2], [0, 0, 1]])
def test_cross_validation_with_hardly_any_labels(labels: list[int]) -> None:
    features = np.eye(4, dtype=np.float32)[: len(labels)]
    known = np.array(labels)
    options = linear.Options(penalty=None)
    found = linear.fit(features, known, 3, options, 0).predict_proba(features)
    assert (found.argmax(axis=1) == known).all()


def test_balanced_finds_more_of_the_rare_class() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(600) < 0.06).astype(np.int64)
    features = np.stack([0.8 * truth + rng.standard_normal(600), np.full(600, 3.0)], axis=1)
    recalls = []
    for balanced in (False, True):
        options = linear.Options(balanced=balanced)
        found = linear.fit(features.astype(np.float32), truth, 2, options, 0)
        predicted = found.predict_proba(features.astype(np.float32)).argmax(axis=1)
        recalls.append((predicted[truth == 1] == 1).mean())
    assert recalls[0] < 0.2 < 0.6 < recalls[1]
