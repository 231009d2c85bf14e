"""What a strategy sees of a pool, and what it answers."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNLABELED = -1


@dataclass(frozen=True)
class Head:
    """The last layer of the current model: probabilities = softmax(hidden @ weights + bias).

    hidden : (n, h) float32, what the layer sees of each sample
    weights : (h, c) float32
    bias : (c,) float32, far below zero for a class that has no label

    >>> hidden, weights = np.ones((3, 2), "f4"), np.ones((2, 4), "f4")
    >>> head = Head(hidden, weights, bias=np.zeros(4, "f4"))
    >>> (head.hidden @ head.weights + head.bias).shape
    (3, 4)
    """

    hidden: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """The pool at the start of a round. All arrays have one row a sample, in pool order (by id).

    features : (n, d) float32 or float16, C-contiguous, may be memory-mapped
    labels : (n,) int64, class index, `UNLABELED` (-1) where there is no accepted label
    available : (n,) bool, True where the sample may be selected (no label, not rejected)
    clusters : (n,) int32, cluster of each sample, or None if nothing was clustered
    probabilities : (n, c) float32, the current model's class probabilities, or None
    head : the last layer of the current model and what it sees, or None

    >>> labels = np.array([UNLABELED, 2, UNLABELED])
    >>> pool = Pool(np.eye(3, dtype="f4"), labels, available=labels == UNLABELED)
    >>> pool.labeled.tolist()
    [False, True, False]
    """

    features: NDArray[np.floating]
    labels: NDArray[np.int64]
    available: NDArray[np.bool_]
    clusters: NDArray[np.int32] | None = None
    probabilities: NDArray[np.float32] | None = None
    head: Head | None = None

    @property
    def labeled(self) -> NDArray[np.bool_]:
        """(n,) bool, True where the sample has an accepted label."""
        labeled: NDArray[np.bool_] = self.labels != UNLABELED
        return labeled


@dataclass(frozen=True)
class Selection:
    """The samples a strategy picked, best first.

    rows : (b,) int64, rows of the pool, distinct
    score : (b,) float64, the value by which the strategy judged each sample at its turn
    why : name -> (b,) array of int or float: what the strategy knew of each pick, such as
        `cluster` or `typicality`
    stood_in : the strategy that picked instead, or None. One stands in where the model has nothing
        to say: no labels, one class, or the same answer for all samples
    stand_ins : how many of the picks another strategy made: all of them where one stood in, or the
        last ones, where the model doubts fewer samples than were asked for

    >>> why = {"distance": np.array([0.9, 0.4])}
    >>> Selection(np.array([5, 1]), score=why["distance"], why=why).rows.tolist()
    [5, 1]
    """

    rows: NDArray[np.int64]
    score: NDArray[np.float64]
    why: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    stood_in: str | None = None
    stand_ins: int = 0
