"""One temperature from labels held out."""

import json

import numpy as np
import pytest
from scipy.special import softmax

from labelcycle.core.calibration import calibration_error
from labelcycle.nn.learner_inputs import Seen
from labelcycle.nn.learners import linear, propagate
from labelcycle.nn.temperature_scaling import Calibrated, rebuilt, temperature_of


def noisy(n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that overlap."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((3, 20))
    labels = rng.integers(0, 3, n)
    return (centres[labels] + noise * rng.standard_normal((n, 20))).astype(np.float32), labels


def test_an_overconfident_learner_is_brought_down() -> None:
    features, truth = noisy(600, 2.0)
    labels = np.where(np.arange(600) < 90, truth, -1)
    options = linear.Options(penalty=1e-6)  # so weak that it is right about every label it has
    temperature = temperature_of("linear", Seen(features), labels, 3, options, 0)
    assert temperature > 2
    plain = linear.fit(features, labels, 3, options, 0)
    errors = []
    for model in (plain, Calibrated(plain, temperature)):
        chances = model.predict_proba(features[90:])
        right = chances.argmax(axis=1) == truth[90:]
        errors.append(calibration_error(chances.max(axis=1).astype(np.float64), right))
    assert errors[1] < 0.75 * errors[0]


def test_a_learner_without_confidence_is_brought_up() -> None:
    features, truth = noisy(400, 0.3)
    labels = np.where(np.arange(400) < 30, truth, -1)
    options = propagate.Options(alpha=0.999)
    assert temperature_of("propagate", Seen(features), labels, 3, options, 0) < 1


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 0], [1] * 12, list(range(12))])
def test_too_little_to_tell_from_changes_nothing(labels: list[int]) -> None:
    features = np.random.default_rng(0).standard_normal((len(labels), 4)).astype(np.float32)
    known = np.array(labels)
    assert temperature_of("linear", Seen(features), known, 12, linear.Options(), 0) == 1


def test_a_class_held_out_whole_does_not_count() -> None:
    features, truth = noisy(40, 0.3)
    labels = truth.copy()
    labels[0] = 3  # the only one of its class
    found = temperature_of("linear", Seen(features), labels, 4, linear.Options(), 0)
    assert 0.05 <= found < 20


def test_head_and_state_carry_the_temperature() -> None:
    features, truth = noisy(60, 1.0)
    model = Calibrated(linear.fit(features, truth, 3, linear.Options(), 0), 2.5)
    head = model.head(features)
    found = softmax(head.hidden @ head.weights + head.bias, axis=1)
    np.testing.assert_allclose(found, model.predict_proba(features), atol=2e-5)
    meta, arrays = model.state()
    again = rebuilt(linear, json.loads(json.dumps(meta)), arrays)
    np.testing.assert_array_equal(again.predict_proba(features), model.predict_proba(features))


def test_a_third_in_which_nothing_can_be_told_is_left_out() -> None:
    features = np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)
    labels = np.array([0, 1, 1, 2, 3, 3, 4, 5, 5, 6])
    found = temperature_of("linear", Seen(features), labels, 7, linear.Options(), 0)
    assert 0.05 <= found <= 20
