"""A campaign without people: labels are bought round by round from a set that has them all.

What happens in a round is what the stages `cluster`, `query`, `train` and `evaluate` do, with the
same draws for a campaign seed; the pool of a seed and its clusters are those of every strategy.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from label_sets import LabelSet
from numpy.typing import NDArray

from labelcycle.core import clusterers, query, strategies
from labelcycle.core.metrics import balanced_accuracy, confusion_matrix
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.registry import parse_options
from labelcycle.core.seeding import derive
from labelcycle.errors import SettingsError
from labelcycle.nn import learners
from labelcycle.nn.learners import Learner
from labelcycle.options import Options
from labelcycle.stages import cluster

Assignment = NDArray[np.int32]


@dataclass(frozen=True)
class Choice:
    """A strategy, learner or clusterer as typed, `name` or `name:key=value:key=value`."""

    text: str
    name: str
    options: Options

    def record(self) -> dict[str, Any]:
        """Name and all options, defaults included."""
        return {"name": self.name, "options": self.options.model_dump(mode="json")}


def choice(text: str, package: ModuleType) -> Choice:
    """The part of `package` that the text names. Raises SettingsError."""
    name, *pairs = text.split(":")
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise SettingsError(f"{text}: wanted name:key=value:key=value (got {wrong[0]!r})")
    values = {key: _value(value) for key, value in (pair.split("=", 1) for pair in pairs)}
    return Choice(text, name, parse_options(package.get(name).Options, values, text))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Problem:
    """What all campaigns have in common.

    pool : rows of the training set that a seed draws, all if there are fewer
    budgets : labels after each round, rising
    """

    source: LabelSet
    pool: int
    budgets: tuple[int, ...]
    learner: Choice
    clusterer: Choice

    def rounds(self) -> list[tuple[int, int]]:
        """Number, and labels bought, of each round."""
        return list(enumerate(after - before for before, after in pairwise((0, *self.budgets))))


@dataclass(frozen=True)
class Measured:
    """Shares of the test set after each round: right answers, and mean recall of the classes."""

    accuracy: list[float]
    balanced: list[float]


def needs(strategy: Choice) -> frozenset[str]:
    """What the strategy reads of the pool."""
    return strategies.get(strategy.name).NEEDS


def pool_rows(problem: Problem, seed: int) -> NDArray[np.int64]:
    """The training rows of a seed's pool, rising."""
    n = len(problem.source.data.train)
    if n <= problem.pool:
        return np.arange(n)
    return np.sort(derive(seed, 0, "pool").choice(n, problem.pool, replace=False))


def clustered(problem: Problem, seed: int, number: int) -> Assignment:
    """The clusters of round `number` of a seed; no strategy changes them."""
    features = problem.source.data.train[pool_rows(problem, seed)]
    wanted, stage = problem.budgets[number], cluster.Options()
    found = clusterers.get(problem.clusterer.name).fit(
        features,
        min(wanted, stage.max_clusters),
        derive(seed, number, "cluster"),
        problem.clusterer.options,
        stage.normalise,
    )
    return found.assignment


def play(
    problem: Problem, strategy: Choice, seed: int, clusters: Sequence[Assignment] | None
) -> Measured:
    """A whole campaign; clusters : those of each round, None if the strategy reads none."""
    data, rows = problem.source.data, pool_rows(problem, seed)
    features, truth = data.train[rows], data.train_labels[rows]
    labels = np.full(len(rows), UNLABELED, dtype=np.int64)
    model = _fitted(problem, features, labels, seed)
    found = []
    for number, budget in problem.rounds():
        assignment = clusters[number] if clusters else None
        pool = _seen(features, labels, assignment, model, needs(strategy))
        rng = derive(seed, number, "query")
        picks = query.select(strategy.name, pool, budget, rng, strategy.options).rows
        labels[picks] = truth[picks]
        model = _fitted(problem, features, labels, seed)
        predicted = model.predict_proba(data.test).argmax(axis=1)
        found.append(confusion_matrix(data.test_labels, predicted, problem.source.classes))
    return Measured(
        [float(np.trace(matrix) / matrix.sum()) for matrix in found],
        [float(balanced_accuracy(matrix)) for matrix in found],
    )


def _fitted(
    problem: Problem, features: NDArray[np.floating], labels: NDArray[np.int64], seed: int
) -> Learner:
    module, options = learners.get(problem.learner.name), problem.learner.options
    return module.fit(features, labels, problem.source.classes, options, seed)


def _seen(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    clusters: Assignment | None,
    model: Learner,
    needed: frozenset[str],
) -> Pool:
    """The pool with what the strategy needs, and the probabilities, as the stage has them.

    Who does not need these may still read off how many classes there are: probcover does.
    """
    return Pool(
        features,
        labels.copy(),
        labels == UNLABELED,
        clusters if "clusters" in needed else None,
        model.predict_proba(features),
        model.head(features) if "head" in needed else None,
    )
