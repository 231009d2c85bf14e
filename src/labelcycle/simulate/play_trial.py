"""One campaign, round by round, as the stages `cluster`, `query`, `train` and `evaluate` do it.

The draws of a seed are those of a campaign with that seed. Its pool and its clusters are the same
for every strategy.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.metrics import balanced_accuracy, confusion_matrix
from labelcycle.core.pool import UNLABELED, Pool, Selection
from labelcycle.core.seeding import derive
from labelcycle.nn import learner_inputs
from labelcycle.nn.learner_inputs import Pictures, Seen
from labelcycle.nn.learners import Learner, sees_images
from labelcycle.simulate.comparison import Features, Images, Problem
from labelcycle.simulate.plug_in_choice import Choice
from labelcycle.simulate.trial import Measured, Trial, needs, read_by
from labelcycle.stages import cluster, query

Assignment = NDArray[np.int32]
Labels = NDArray[np.int64]


def clustered(problem: Problem, clusterer: Choice, seed: int, number: int) -> Assignment:
    """The clusters of round `number` of a seed; no strategy changes them."""
    features = problem.source.data.train[problem.rows(seed)]
    return _clusters(problem, clusterer, features, seed, number)


def play(problem: Problem, trial: Trial, clusters: Sequence[Assignment] | None) -> Measured:
    """A whole campaign.

    clusters : those of each round; None if the strategy reads none, or if the features are the
        model's own: then each round has clusters of its own
    """
    seen, rows = _pool(problem, trial), problem.rows(trial.seed)
    truth = problem.source.data.train_labels[rows]
    labels = initial_labels(problem, truth, trial.seed)
    model = _fitted(problem, trial, seen, labels)
    confusions = [_confusion(problem, trial, model)] if problem.initial else []
    bought, stood_in = [], []
    classes = problem.source.classes
    clusterer = read_by(trial)
    for number, budget in problem.rounds():
        features = _features(problem, trial, seen, model)
        groups = clusters[number] if clusters else None
        if groups is None and clusterer:
            groups = _clusters(problem, clusterer, features, trial.seed, number)
        pool = pool_seen(trial, replace(seen, features=features), labels, groups, model, classes)
        selection = _picks(trial, pool, budget, number, seen, model)
        picks = selection.rows
        stood_in.append(selection.stand_ins)
        labels[picks] = truth[picks]
        bought.append(rows[picks].tolist())
        model = _fitted(problem, trial, seen, labels)
        confusions.append(_confusion(problem, trial, model))
    return Measured(
        [float(np.trace(matrix) / matrix.sum()) for matrix in confusions],
        [float(balanced_accuracy(matrix)) for matrix in confusions],
        bought,
        stood_in,
    )


def initial_labels(problem: Problem, truth: Labels, seed: int) -> Labels:
    """(n,) the classes of as many samples of the pool as have a label before round 0, else -1."""
    labels = np.full(len(truth), UNLABELED, dtype=np.int64)
    known = derive(seed, 0, "initial").choice(len(truth), problem.initial, replace=False)
    labels[known] = truth[known]
    return labels


def pool_seen(
    trial: Trial,
    seen: Seen,
    labels: Labels,
    clusters: Assignment | None,
    model: Learner,
    classes: int,
) -> Pool:
    """The pool with the clusters and the probabilities, if the strategy reads any.

    Who does not read these gets even ones, which say how many classes there are: probcover asks.
    """
    reads = needs(trial.strategy)
    if reads & {"probabilities", "head"}:
        chances = learner_inputs.probabilities(trial.learner.name, model, seen)
    else:
        chances = np.full((len(labels), classes), 1 / classes, dtype=np.float32)
    return Pool(
        seen.features,
        labels.copy(),
        labels == UNLABELED,
        clusters if "clusters" in reads else None,
        chances,
    )


def _pool(problem: Problem, trial: Trial) -> Seen:
    data, rows = problem.source.data, problem.rows(trial.seed)
    return Seen(data.train[rows], _pictures(trial, data.train_images, rows))


def _pictures(trial: Trial, images: Images | None, rows: Labels) -> Pictures | None:
    """For learners of images; rows : of the whole set, which these samples are."""
    if images is None or not sees_images(trial.learner.name):
        return None
    return Pictures(len(rows), lambda some: np.ascontiguousarray(images[rows[some]]))


def _features(problem: Problem, trial: Trial, seen: Seen, model: Learner) -> Features:
    """Those that clusters and strategy read: the encoder's, or the model's own if it has any."""
    if problem.features == "encoder":
        return seen.features
    network_features = learner_inputs.own_features(trial.learner.name, model, seen)
    return seen.features if network_features is None else network_features


def _clusters(
    problem: Problem, clusterer: Choice, features: Features, seed: int, number: int
) -> Assignment:
    settings = {"method": clusterer.name, "options": clusterer.options.model_dump()}
    options = problem.stage.model_copy(update=settings)
    rng = derive(seed, number, "cluster")
    return cluster.clustered(features, problem.budgets[number], options, rng).assignment


def _picks(
    trial: Trial, pool: Pool, budget: int, number: int, seen: Seen, model: Learner
) -> Selection:
    strategy = trial.strategy
    return query.selected(
        pool,
        strategy.name,
        strategy.options,
        budget,
        derive(trial.seed, number, "query"),
        lambda: learner_inputs.head(trial.learner.name, model, seen),
    )


def _fitted(problem: Problem, trial: Trial, seen: Seen, labels: Labels) -> Learner:
    learner, classes = trial.learner, problem.source.classes
    return learner_inputs.fitted(learner.name, seen, labels, classes, learner.options, trial.seed)


def _confusion(problem: Problem, trial: Trial, model: Learner) -> NDArray[np.int64]:
    data = problem.source.data
    pictures = _pictures(trial, data.test_images, np.arange(len(data.test)))
    shares = learner_inputs.probabilities(trial.learner.name, model, Seen(data.test, pictures))
    return confusion_matrix(data.test_labels, shares.argmax(axis=1), problem.source.classes)
