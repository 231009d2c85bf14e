"""Probabilities that mean what they say: one temperature, judged on labels held out.

Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), section 4.2. They fit it to a
validation set; here no label is spent on one: each third of the labels is held out once from a
learner of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import UNLABELED, Head
from labelcycle.nn.label_folds import thirds
from labelcycle.nn.learner_inputs import Seen, fitted, probabilities
from labelcycle.nn.learners import Learner, LearnerModule
from labelcycle.nn.learners.linear import NO_CHANCE
from labelcycle.options import Options

FEWEST_LABELS = 10

RANGE = (0.05, 20.0)
"""Least and greatest temperature."""

LEAST = 1e-30
"""Smallest probability, so that each has a logarithm."""

NEVER = 1e-25
"""No greater probability is that of a class without a label, which stays without a chance."""


@dataclass(frozen=True)
class Calibrated:
    """A learner whose logits are divided by a temperature."""

    learner: Learner
    temperature: float

    def predict_proba(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n, c) float32: class probabilities."""
        from scipy.special import softmax  # type: ignore[import-untyped]  # slow to import

        before = self.learner.predict_proba(features)
        logits = np.where(before > NEVER, _logits(before) / self.temperature, -np.inf)
        shares: NDArray[np.float32] = softmax(logits, axis=1)
        return shares.astype(np.float32)

    def head(self, features: NDArray[np.floating]) -> Head:
        """The learner's last layer, with what the temperature makes of it."""
        head = self.learner.head(features)
        factor = np.float32(1 / self.temperature)
        bias = np.where(head.bias <= NO_CHANCE / 2, head.bias, head.bias * factor)
        return Head(head.hidden, head.weights * factor, bias)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The learner's, and the temperature."""
        meta, arrays = self.learner.state()
        return {**meta, "temperature": self.temperature}, arrays


def temperature_of(
    learner: str,
    seen: Seen,
    labels: NDArray[np.int64],
    n_classes: int,
    options: Options,
    seed: int,
) -> float:
    """The temperature at which labels held out are likeliest.

    1 where there is too little to tell from: fewer than 10 labels, or fewer than two classes
    with two of them. Samples of a class that the other thirds do not have are left out.
    """
    counts = np.bincount(labels[labels != UNLABELED], minlength=n_classes)
    if counts.sum() < FEWEST_LABELS or np.count_nonzero(counts >= 2) < 2:
        return 1.0
    logits, truth = [], []
    for held, left in thirds(labels):
        rest = np.full_like(labels, UNLABELED)
        rest[left] = labels[left]
        model = fitted(learner, seen, rest, n_classes, options, seed)
        logits.append(_logits(probabilities(learner, model, seen.some(held))))
        truth.append(labels[held])
    return _likeliest(np.concatenate(logits), np.concatenate(truth))


def _likeliest(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]  # slow to import
    from scipy.special import log_softmax

    def loss(power: float) -> float:
        scaled = log_softmax(logits / np.exp(power), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    optimum = minimize_scalar(loss, bounds=tuple(np.log(RANGE)), method="bounded")
    return float(np.exp(optimum.x))


def _logits(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), LEAST))
    return logits


def rebuilt(
    module: LearnerModule, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> Learner:
    """The learner that gave this `state`, calibrated or not."""
    learner = module.from_state(meta, arrays)
    return Calibrated(learner, meta["temperature"]) if "temperature" in meta else learner
