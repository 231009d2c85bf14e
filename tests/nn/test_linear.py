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
        "learner = linear.from_state({'scale': 1.0}, {'centre': np.zeros(3),"
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
