"""What select_speed.py selects from, and labelcycle's calls; the others' are in speed_peers.py.

What is made equal: the rows and which of them are labelled, the classifier (both sides compute the
probabilities within the call), K = 20, the radius, gamma = 1 (sigma = 1), masks and dropout rate;
of equal counts in ProbCover both take the one with the lowest of the same lots.
Where a strategy clusters, each side does so itself, once, from k-means++ starts, within the call.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import run_strategy, strategies
from labelcycle.core.clustering import kmeans
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import UNLABELED, Head, Pool
from labelcycle.core.typicality import typicality

PEERS = {
    "scikit-activeml": [
        *("typiclust", "coreset", "badge", "probcover", "maxherding", "dropquery"),
        *("margin", "entropy", "least_confidence", "random"),
    ],
    "lightly-mundig": ["typicality", "diversity"],
}
"""Who has what."""

OURS = {"typicality": None, "diversity": "coreset"}
"""What stands beside lightly-mundig's: a strategy, or None for typicality of the whole pool."""

CLUSTERED = {"typiclust", "supclust"}
"""Others want clusters for a first round without labels only: they get a single one here."""

COVERING = {"maxherding", "uherding", "trustherding", "probcover"}

RANDOM = {"badge", "bald", "dbal", "dropquery", "random"}
"""Draws differ between the libraries, and so do the picks."""

SEED = 0
"""Of our generator; its first numbers are the lots of probcover."""

NEIGHBOURS, RADIUS, GAMMA, MASKS, DROPOUT = 20, 0.6, 1.0, 3, 0.75

EQUAL: Mapping[str, dict[str, Any]] = {
    "typiclust": {"neighbours": NEIGHBOURS},
    "probcover": {"radius": RADIUS, "targets": None},
    "maxherding": {"sigma": GAMMA**-0.5, "targets": None},
    "dropquery": {"draws": MASKS, "dropout": DROPOUT, "candidates": 1},
}
"""Options of ours where another library stands beside it; else the defaults."""

PENALTY = 100.0
"""C of the logistic regression, on rows of length 1."""

WARM_ROWS = 500
"""A call on so many rows comes before the timed one: it loads what is loaded at first use."""


@dataclass(frozen=True)
class Case:
    """What is selected from.

    features : (n, d); labels : (n,) int64, -1 where there is none; weights : (d, c), bias : (c,) of
    the classifier, which sees the features
    hidden : (n, d) float32, the same features, or None where no strategy asks for them
    clusters : wanted number; given : (n,) int32, where the clustering is not part of the call
    """

    features: NDArray[np.floating]
    labels: NDArray[np.int64]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    hidden: NDArray[np.float32] | None
    budget: int
    clusters: int
    given: NDArray[np.int32] | None = None

    def warm(self) -> "Case":
        """A small case of the same kind."""
        labeled = np.flatnonzero(self.labels != UNLABELED)
        free = np.flatnonzero(self.labels == UNLABELED)[:WARM_ROWS]
        rows = np.sort(np.concatenate([labeled, free]))
        parts = {
            name: None if getattr(self, name) is None else getattr(self, name)[rows]
            for name in ("features", "labels", "hidden")
        }
        count = len(labeled) + 5
        given = None if self.given is None else np.arange(len(rows), dtype=np.int32) % count
        return replace(self, **parts, budget=5, clusters=count, given=given)

    def probabilities(self) -> NDArray[np.float32]:
        """(n, c) float32: softmax of features @ weights + bias."""
        result = np.empty((len(self.features), len(self.bias)), dtype=np.float32)
        for start in range(0, len(result), 65_536):
            rows = self.features[start : start + 65_536].astype(np.float32, copy=False)
            logits = rows @ self.weights + self.bias
            logits -= logits.max(axis=1, keepdims=True)
            np.exp(logits, out=logits)
            result[start : start + 65_536] = logits / logits.sum(axis=1, keepdims=True)
        return result


@dataclass(frozen=True)
class Answer:
    """Rows picked; the clusters they were picked from; multiplications that this takes, times 2."""

    rows: NDArray[np.integer]
    clusters: NDArray[np.int32] | None = None
    operations: dict[str, float] | None = None


Call = Callable[[], Answer]


def exists(strategy: str) -> bool:
    """Whether labelcycle has what is called `strategy` here."""
    name = OURS.get(strategy, strategy)
    return name is None or name in strategies.names()


def fitted(rows: NDArray[np.floating], labels: NDArray[np.int64]) -> Any:
    """The classifier of all sides."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=PENALTY, max_iter=2000).fit(rows, labels)


def ours(strategy: str, case: Case, equal: bool) -> Call:
    """labelcycle's call; `equal`: with the options and the work that another library has."""
    name = OURS.get(strategy, strategy)
    if name is None:
        return partial(_typicality, case)
    needs = strategies.get(name).NEEDS
    known = None if equal or "probabilities" not in needs else case.probabilities()
    options = EQUAL.get(name, {}) if equal else {}
    return partial(_select, name, case, needs, known, options)


def _select(
    name: str,
    case: Case,
    needs: frozenset[str],
    known: NDArray[np.float32] | None,
    options: dict[str, Any],
) -> Answer:
    rng = np.random.default_rng(SEED)
    free = case.labels == UNLABELED
    clusters = np.zeros(len(free), dtype=np.int32) if "clusters" in needs else None
    lloyd = 0.0
    if name in CLUSTERED:
        with _lloyds() as passes:
            clusters = kmeans(case.features, case.clusters, rng, starts=1).assignment
        lloyd = sum(passes)
    if known is None and "probabilities" in needs:
        known = case.probabilities()
    head = Head(case.hidden, case.weights, case.bias) if "head" in needs else None
    pool = Pool(case.features, case.labels, free, clusters, known, head)
    found = run_strategy.select(name, pool, case.budget, rng, options)
    if np.any(found.why.get("cold_start", 0)):
        raise RuntimeError(f"{name} left the work to its cold start: another strategy was timed")
    operations = _operations(name, case, found.why.get("cluster"), clusters, lloyd)
    return Answer(found.rows, clusters if name in CLUSTERED else None, operations)


def _typicality(case: Case) -> Answer:
    values = typicality(unit_rows(case.features), NEIGHBOURS, False)
    return Answer(np.argsort(-values, kind="stable")[: case.budget])


@contextmanager
def _lloyds() -> Iterator[list[float]]:
    """Collects the operations of each of faiss's k-means runs: 2 rows K d for each iteration."""
    import faiss

    train, passes = faiss.Kmeans.train, []

    def counted(engine: Any, points: NDArray[np.float32], *args: Any, **named: Any) -> Any:
        result = train(engine, points, *args, **named)
        passes.append(2.0 * len(points) * engine.k * engine.d * len(engine.obj))
        return result

    faiss.Kmeans.train = counted
    try:
        yield passes
    finally:
        faiss.Kmeans.train = train


def _operations(
    name: str,
    case: Case,
    picked: NDArray[np.generic] | None,
    clusters: NDArray[np.int32] | None,
    lloyd: float,
) -> dict[str, float] | None:
    """Floating point operations (2 for each multiplication) of the products that are needed.

    k-means: Lloyd's iterations as they were run, and each row to its nearest centre. search: all
    pairs of each cluster that was picked from, 2 m^2 d; for those that cover, all pairs once, 2
    candidates targets d; for coreset, all rows with what is labelled and picked.
    None where no product of matrices is the work.
    """
    n, d = case.features.shape
    free = case.labels == UNLABELED
    if name in CLUSTERED and clusters is not None and picked is not None:
        sizes = np.bincount(clusters[free], minlength=clusters.max() + 1)[np.unique(picked)]
        nearest = 2.0 * n * (clusters.max() + 1) * d
        searched = float((sizes.astype(np.float64) ** 2).sum())
        return {"k-means": lloyd + nearest, "search": 2 * searched * d}
    if name in COVERING:
        candidates = int(free.sum())
        targets = strategies.get(name).Options().targets or candidates
        return {"search": 2.0 * candidates * min(targets, candidates) * d}
    return {"search": 2.0 * n * (n - free.sum() + case.budget) * d} if name == "coreset" else None
