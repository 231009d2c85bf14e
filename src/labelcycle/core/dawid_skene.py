"""How reliable each person is, and how probable each class of a sample is by that.

Dawid and Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm",
Applied Statistics 28 (1979) 20-28: the true classes are unknown, each person has a confusion
matrix, and expectation-maximisation finds both. It runs on the samples that several people
answered. From its probabilities the matrices are counted once more with pseudo-counts. So a person
with few answers is taken for an average one, and a sample with one answer can be judged too.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.valid_answers import Answers

Values = NDArray[np.float64]

PEOPLE = 3
"""Fewest people: from two alone nobody can tell who of them is wrong."""
SHARED = 50
"""Fewest samples that two or more answered."""
PER_CLASS = 200
"""Shared answers a person and class, on average, from which people have a matrix each; below, one
skill each. With fewer a matrix fits noise and is far too sure (benchmarks/crowd.py)."""
STRENGTH = 10.0
"""Answers of an average person that are added to everybody's own."""
TURNS = 100
"""Most turns of expectation-maximisation."""
GAIN = 1e-5
"""The turns end when one raises the log-likelihood of an answer, on average, by less."""
LEAST = 1e-10
"""Least probability within the turns: a class that seems impossible can still come back."""


@dataclass(frozen=True)
class Model:
    """What was learned of the people.

    kind : "one coin", a skill a person (Zhang et al. 2016), or "per class"
    prior : (c,), how frequent the classes are
    confusion : (p, c, c), probability that a person says [2] of the true class [1]
    expected : (p, c, c), the answers to shared samples by person, probable class and class said
    """

    kind: Literal["one coin", "per class"]
    prior: Values
    confusion: Values
    expected: Values


def lacking(answers: Answers) -> str | None:
    """Why these answers are too few to fit, or None if they are enough."""
    shared = answers.shared()
    people = len(np.unique(shared.annotator))
    if people < PEOPLE:
        return f"answers to samples with several came from {people} people, wanted {PEOPLE}"
    if len(shared.samples) < SHARED:
        return f"samples with several answers are {len(shared.samples)}, wanted {SHARED}"
    return None


def fit(answers: Answers, per_class: float = PER_CLASS) -> Model:
    """What the answers say of the people; `lacking` must be None.

    per_class : shared answers a person and class from which everybody has a matrix
    """
    shared = answers.shared()
    active, c = len(np.unique(shared.annotator)), len(answers.classes)
    several = len(shared.label) >= per_class * active * c
    probable = maximise(shared, per_class=several)
    expected = _counts(shared, probable)
    prior = (probable.sum(axis=0) + 1) / (len(probable) + c)
    confusion = _matrices(expected) if several else _coins(expected)
    return Model("per class" if several else "one coin", prior, confusion, expected)


def posterior(model: Model, answers: Answers) -> Values:
    """(samples, c) probability of each class, for answers of the same people and classes."""
    return _judge(answers, model.prior, model.confusion)[0]


def maximise(answers: Answers, per_class: bool) -> Values:
    """(samples, c) probability of each class, by expectation-maximisation from the shares of votes.

    Every sample must have an answer. A class that nobody named has probability 0.

    per_class : whether everybody has a confusion matrix, or one skill with errors spread evenly
    """
    named, said = np.unique(answers.label, return_inverse=True)
    few = replace(answers, classes=tuple(answers.classes[n] for n in named), label=said)
    votes = few.votes()
    probable: Values = votes / votes.sum(axis=1, keepdims=True)
    before = -np.inf
    for _ in range(TURNS):
        counts, prior = _counts(few, probable), probable.mean(axis=0)
        confusion = _shares(counts) if per_class else _skills(counts)
        probable, likelihood = _judge(few, prior, confusion)
        if likelihood - before < GAIN * len(said):
            break
        before = likelihood
    every = np.zeros((len(answers.samples), len(answers.classes)))
    every[:, named] = probable
    return every


def _counts(answers: Answers, probable: Values) -> Values:
    """(p, c, c): the answers by person, probable class and class said."""
    people, c = len(answers.annotators), len(answers.classes)
    cell = answers.annotator * c + answers.label
    columns = [np.bincount(cell, column[answers.sample], people * c) for column in probable.T]
    return np.array(columns, dtype=np.float64).reshape(c, people, c).transpose(1, 0, 2)


def _judge(answers: Answers, prior: Values, confusion: Values) -> tuple[Values, float]:
    """The probability of each class of each sample, and the log-likelihood of all answers."""
    n, log = len(answers.samples), np.log(np.maximum(confusion, LEAST))
    columns = [
        np.bincount(answers.sample, log[answers.annotator, true, answers.label], n)
        for true in range(len(prior))
    ]
    joint = np.stack(columns, axis=1) + np.log(np.maximum(prior, LEAST))
    most = joint.max(axis=1, keepdims=True)
    likely = np.exp(joint - most)
    all_ = likely.sum(axis=1, keepdims=True)
    probable: Values = likely / all_
    return probable, float((most + np.log(all_)).sum())


def _shares(counts: Values) -> Values:
    """(p, c, c): of each person and true class, the share of each class said."""
    share: Values = counts / np.maximum(counts.sum(axis=-1, keepdims=True), LEAST)
    return share


def _skills(counts: Values) -> Values:
    """(p, c, c): of each person the share of right answers, errors spread evenly."""
    c = counts.shape[-1]
    answered = np.maximum(counts.sum(axis=(1, 2)), LEAST)
    skill = (counts.trace(axis1=1, axis2=2) / answered)[:, None, None]
    return np.where(np.eye(c, dtype=bool), skill, (1 - skill) / max(c - 1, 1))


def _coins(expected: Values) -> Values:
    """(p, c, c): a skill a person, errors spread evenly."""
    c = expected.shape[-1]
    right, all_ = expected.trace(axis1=1, axis2=2), expected.sum(axis=(1, 2))
    average = (right.sum() + 1) / (all_.sum() + 2)
    skill = ((right + STRENGTH * average) / (all_ + STRENGTH))[:, None, None]
    matrices: Values = np.where(np.eye(c, dtype=bool), skill, (1 - skill) / (c - 1))
    return matrices


def _matrices(expected: Values) -> Values:
    """(p, c, c): a matrix a person, leaning on the average one, and that on the average skill."""
    together = expected.sum(axis=0)
    average = _rows(together, _coins(together[None])[0])
    return _rows(expected, average)


def _rows(counts: Values, lean: Values) -> Values:
    share: Values = (counts + STRENGTH * lean) / (counts.sum(axis=-1, keepdims=True) + STRENGTH)
    return share
