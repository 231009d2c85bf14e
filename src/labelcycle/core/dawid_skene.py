"""How reliable each person is, and how probable each class of a sample is by that.

Dawid & Skene 1979: the true classes are unknown; each person has a confusion matrix; both are
found by turns. crowd-kit does that on the samples that several people answered. From its
probabilities the matrices are counted here with pseudo-counts, so that somebody who gave few
answers is taken for an average person, and a sample with one answer can be judged too.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.answers import Answers

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
    people, c = len(answers.annotators), len(answers.classes)
    active = len(np.unique(shared.annotator))
    several = len(shared.said) >= per_class * active * c
    probable = _probable(shared, per_class=several)
    by_answer = np.zeros((people, c, c))
    np.add.at(by_answer, (shared.annotator, shared.said), probable[shared.sample])
    expected = by_answer.transpose(0, 2, 1)
    prior = (probable.sum(axis=0) + 1) / (len(probable) + c)
    confusion = _matrices(expected) if several else _coins(expected)
    return Model("per class" if several else "one coin", prior, confusion, expected)


def posterior(model: Model, answers: Answers) -> Values:
    """(samples, c) probability of each class, for answers of the same people and classes."""
    log = np.tile(np.log(model.prior), (len(answers.samples), 1))
    weights = np.log(model.confusion)
    np.add.at(log, answers.sample, weights[answers.annotator, :, answers.said])
    likely = np.exp(log - log.max(axis=1, keepdims=True))
    probabilities: Values = likely / likely.sum(axis=1, keepdims=True)
    return probabilities


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


def _probable(answers: Answers, per_class: bool) -> Values:
    """(samples, c): crowd-kit's probabilities; classes that nobody named have 0.

    Imported here: that takes seconds, and majority has no need of it.
    """
    import pandas as pd  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        # crowd-kit 1.4 still gives keywords that pandas 3 ignores and announces to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene

        frame = pd.DataFrame(
            {"task": answers.sample, "worker": answers.annotator, "label": answers.said}
        )
        fitted = (DawidSkene if per_class else OneCoinDawidSkene)().fit_predict_proba(frame)
    rows, columns = range(len(answers.samples)), range(len(answers.classes))
    ordered = fitted.reindex(index=rows, columns=columns, fill_value=0.0)
    return np.asarray(ordered, dtype=np.float64)
