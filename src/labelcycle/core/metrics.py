"""How good a classifier is on labelled samples, each main figure with an interval."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

BLOCK_CELLS = 4_000_000
"""Cells of resampled confusion matrices held at a time: 64 MiB with what is made of them."""


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval that holds it with the confidence asked for."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PerClass:
    """Figures of each class, (c,) float64; NaN where there is nothing to divide by.

    precision : share of the predictions of this class that are right
    recall : share of the samples of this class that were found
    f1 : harmonic mean of the two, 0 where nothing is right
    support : (c,) int64, samples of this class
    """

    precision: Values
    recall: Values
    f1: Values
    support: Counts


def confusion_matrix(truth: Counts, predicted: Counts, n_classes: int) -> Counts:
    """(c, c) int64: row is the true class, column the predicted one."""
    cells = np.bincount(truth * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes).astype(np.int64)


def per_class(confusion: Counts) -> PerClass:
    """Precision, recall, F1 and support of each class."""
    right = np.diagonal(confusion).astype(np.float64)
    called, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return PerClass(
        precision=_ratio(right, called),
        recall=_ratio(right, support),
        f1=_ratio(2 * right, called + support),
        support=support,
    )


def accuracy(confusion: Counts, confidence: float) -> Estimate:
    """Share of right predictions, with Wilson's interval (Wilson 1927)."""
    n = int(confusion.sum())
    return wilson(int(np.trace(confusion)), n, confidence)


def wilson(right: float, n: float, confidence: float) -> Estimate:
    """Wilson's interval of `right` out of `n` > 0: sound for few samples and near 0 or 1.

    Both may be expected counts, sums of probabilities. With `right` the sum of the shares, 0..1,
    of `n` independent units it is on the safe side: a share varies at most as a yes or no with the
    same mean (Bhatia and Davis, American Mathematical Monthly 107 (2000) 353-357).
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = right / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # at 0 and n the ends are exact in mathematics, and a rounding off in floating point
    low = 0.0 if right == 0 else float(middle - half)
    high = 1.0 if right == n else float(middle + half)
    return Estimate(share, low, high)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First share less second, of two independent samples, from their Wilson intervals.

    Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10: sound for few samples, too.
    """
    value = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, float(value - below), float(value + above))


def balanced_accuracy(confusion: NDArray[np.integer]) -> Values:
    """(...) float64: mean recall of the classes that occur, of (..., c, c) matrices."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    mean: Values = np.nanmean(_ratio(right, confusion.sum(axis=-1)), axis=-1)
    return mean


def macro_f1(confusion: NDArray[np.integer]) -> Values:
    """(...) float64: mean F1 of the classes that occur or are predicted; (..., c, c) in."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    either = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    mean: Values = np.nanmean(_ratio(2 * right, either), axis=-1)
    return mean


def bootstrap(
    confusion: Counts, confidence: float, draws: int, rng: np.random.Generator
) -> tuple[Estimate, Estimate]:
    """Balanced accuracy and macro F1, each with its percentile interval (Efron 1979).

    Drawing n samples anew with replacement is a multinomial draw of the n cells of the confusion
    matrix, so no sample is touched. A class that a draw leaves out does not count in it.
    """
    n, c = int(confusion.sum()), len(confusion)
    shares = confusion.ravel() / n
    block = max(1, BLOCK_CELLS // c**2)
    balanced, f1 = [], []
    for start in range(0, draws, block):
        size = min(block, draws - start)
        drawn = rng.multinomial(n, shares, size=size).reshape(size, c, c)
        balanced.append(balanced_accuracy(drawn))
        f1.append(macro_f1(drawn))
    return (
        _percentiles(float(balanced_accuracy(confusion)), np.concatenate(balanced), confidence),
        _percentiles(float(macro_f1(confusion)), np.concatenate(f1), confidence),
    )


def _percentiles(value: float, drawn: Values, confidence: float) -> Estimate:
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high))


def _ratio(part: NDArray[np.number], whole: NDArray[np.number]) -> Values:
    """part / whole, NaN where whole is 0."""
    result = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=result, where=np.asarray(whole) > 0)
    return result
