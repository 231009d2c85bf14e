"""How far people agree: all of them, and each with the others."""

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.valid_answers import Answers, Numbers


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


def with_others(answers: Answers) -> tuple[NDArray[np.float64], Numbers]:
    """For each annotator, agreement with the others, summed over samples, and those samples.

    (people,) float64 and int64. On a sample it is the share of the others' answers that say the
    same class, 0..1; samples that nobody else answered do not count. The mean of the people of a
    sample is its agreement in Fleiss, "Measuring nominal scale agreement among many raters",
    Psychological Bulletin 76 (1971) 378-382.
    """
    votes = answers.votes()
    others = votes.sum(axis=1)[answers.sample] - 1
    same = votes[answers.sample, answers.label] - 1
    people, met = len(answers.annotators), others > 0
    who = answers.annotator[met]
    total = np.bincount(who, weights=same[met] / others[met], minlength=people)
    return total.astype(np.float64), np.bincount(who, minlength=people).astype(np.int64)
