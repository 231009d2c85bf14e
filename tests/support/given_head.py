"""Pools whose model is a given last layer, and that model as scikit-activeml takes one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax
from skactiveml.base import SkactivemlClassifier

from labelcycle.core.pool import UNLABELED, Head, Pool


def pool_of(head: Head, labeled: Sequence[int] = (0,), features: np.ndarray | None = None) -> Pool:
    """A pool of the head's samples; its features are what the head sees, if no others are given."""
    n = len(head.hidden)
    labels = np.full(n, UNLABELED)
    labels[list(labeled)] = 0
    logits = head.hidden.astype(np.float64) @ head.weights + head.bias
    return Pool(
        head.hidden if features is None else features,
        labels,
        labels == UNLABELED,
        (np.arange(n) % 3).astype(np.int32),
        softmax(logits, axis=1).astype(np.float32),
        head,
    )


def random_head(seed: int, n: int, width: int = 6, classes: int = 4, copies: float = 0) -> Head:
    """A head of random weights; `copies` is the share of samples that are another once more."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, width)).astype(np.float32)
    again = rng.random(n) < copies
    hidden[again] = hidden[rng.integers(0, n, int(again.sum()))]
    weights = rng.standard_normal((width, classes)).astype(np.float32)
    return Head(hidden, weights, rng.standard_normal(classes).astype(np.float32))


class GivenHead(SkactivemlClassifier):
    """softmax(X @ weights + bias), whatever it is fitted to."""

    def __init__(
        self, head: Any = None, classes: Any = None, missing_label: float = np.nan
    ) -> None:
        super().__init__(classes=classes, missing_label=missing_label)
        self.head = head

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: object = None) -> "GivenHead":
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        shares: np.ndarray = softmax(X @ self.head.weights + self.head.bias, axis=1)
        return shares

    def predict(self, X: np.ndarray) -> np.ndarray:
        best: np.ndarray = self.predict_proba(X).argmax(axis=1)
        return best


def with_missing(pool: Pool) -> np.ndarray:
    """The labels as scikit-activeml takes them: NaN where there is none."""
    return np.where(pool.labeled, pool.labels, np.nan)


class GivenChoice(np.random.RandomState):
    """A generator whose `choice` is the one it is given."""

    def __init__(self, choice: Callable[..., np.ndarray]) -> None:
        super().__init__(0)
        self.given = choice

    def choice(self, *args: Any, **kwargs: Any) -> Any:
        return self.given(*args, **kwargs)


def drawing(kind: type, choice: Callable[..., np.ndarray]) -> type:
    """A strategy of scikit-activeml that draws by `choice`, where it would seed a new generator."""
    source = property(lambda _: GivenChoice(choice), lambda _self, _value: None)
    return type(kind.__name__, (kind,), {"random_state_": source})
