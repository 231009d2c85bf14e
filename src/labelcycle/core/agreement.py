"""How far people agree, with each other and with the labels that were accepted."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.answers import Answers, Numbers


def alpha(votes: NDArray[np.integer]) -> float | None:
    """Krippendorff's alpha for classes: 1 if all agree, 0 if no more than by chance.

    votes : (samples, classes), how many said what; samples with one answer or none do not count.
        None where nothing can be said: no two answers to a sample, or one class throughout.

    Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section D. His matrix of
    coincidences is not made; it would be classes by classes for each sample.
    """
    answers = votes.sum(axis=1)
    pairable, m = votes[answers > 1].astype(np.float64), answers[answers > 1]
    n, totals = float(m.sum()), pairable.sum(axis=0)
    if np.count_nonzero(totals) < 2:
        return None
    observed = float(((m**2 - (pairable**2).sum(axis=1)) / (m - 1)).sum())
    expected = float((n**2 - (totals**2).sum()) / (n - 1))
    return 1 - observed / expected


def with_accepted(answers: Answers, accepted: Numbers) -> tuple[Numbers, Numbers]:
    """For each annotator, the answers that are the accepted label, and those compared; int64.

    accepted : (samples,), the class accepted, negative for none. Answers to a sample that nobody
        else answered are not compared: they are the accepted label by themselves.
    """
    alone = np.bincount(answers.sample, minlength=len(answers.samples)) < 2
    label = np.where(alone, -1, accepted)[answers.sample]
    people = len(answers.annotators)
    right = np.bincount(answers.annotator[label == answers.said], minlength=people)
    compared = np.bincount(answers.annotator[label >= 0], minlength=people)
    return right.astype(np.int64), compared.astype(np.int64)
