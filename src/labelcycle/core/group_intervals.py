"""Intervals of figures of a model where samples come in groups, of one patient or camera each.

Samples of a group are alike, so 300 images of 10 patients tell less than 300 of 300. Groups are
drawn anew with replacement, each with all its samples: the cluster bootstrap (Davison and Hinkley,
Bootstrap Methods and their Application, 1997, section 3.8). With few groups its percentiles are too
narrow, so those of a higher level are taken (the expanded percentile interval of Hesterberg, The
American Statistician 69 (2015) 371-386). No interval is narrower than that of single samples, since
alike samples never tell more than others.

How often such intervals hold the true accuracy: tests/core/test_group_intervals.py.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import metrics
from labelcycle.core.metrics import BLOCK_CELLS, Counts, Estimate, Values

FEW = 5
"""With fewer groups a bootstrap tells nothing of the accuracy: each is as if it were one sample."""


def accuracy(
    groups: Counts,
    right: NDArray[np.bool_],
    confidence: float,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """Share of right predictions, with an interval by a bootstrap over groups.

    With fewer than `FEW` groups, and where all or none are right, it is Wilson's interval of as
    many samples as there are groups: that holds however alike the samples of a group are.

    groups : (n,) number of each sample's group, any numbers
    right : (n,) whether the model is right on it

    >>> groups = np.repeat(np.arange(10), 20)
    >>> found = accuracy(groups, groups > 1, 0.95, 1000, np.random.default_rng(0))
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (0.8, 0.5, 1.0)
    """
    _, numbers = np.unique(groups, return_inverse=True)
    single = metrics.wilson(int(right.sum()), len(right), confidence)
    share, count = single.value, int(numbers.max()) + 1
    if count < FEW or share in (0, 1):
        wide = metrics.wilson(share * count, count, confidence)
    else:
        sums = np.bincount(numbers, weights=right), np.bincount(numbers)
        counts = np.stack(sums, axis=1).astype(np.int64)
        drawn = np.concatenate(list(_drawn(counts, draws, rng)))
        wide = _expanded(share, drawn[:, 0] / drawn[:, 1], confidence, count)
    return _hull(single, wide)


def classwise(
    groups: Counts,
    cells: Counts,
    single: tuple[Estimate, Estimate],
    confidence: float,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Estimate, Estimate]:
    """Balanced accuracy and macro F1, each with an interval by a bootstrap over groups.

    groups : (n,) number of each sample's group, 0 to g - 1
    cells : (n, 2) true and predicted class. A class that a draw leaves out does not count in it
    single : both figures, with the intervals of single samples
    """
    c = int(cells.max()) + 1
    places = groups, cells[:, 0] * c + cells[:, 1]
    shape = int(groups.max()) + 1, c * c
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

    counts = csr_array((np.ones(len(groups), dtype=np.int64), places), shape=shape)
    balanced, f1 = [], []
    for part in _drawn(counts, draws, rng):
        matrices = part.reshape(-1, c, c)
        balanced.append(metrics.balanced_accuracy(matrices))
        f1.append(metrics.macro_f1(matrices))
    wide = (
        _expanded(each.value, np.concatenate(drawn), confidence, shape[0])
        for each, drawn in zip(single, (balanced, f1), strict=True)
    )
    one, other = (_hull(a, b) for a, b in zip(single, wide, strict=True))
    return one, other


def _drawn(counts: Any, draws: int, rng: np.random.Generator) -> Iterator[Counts]:
    """(draws, k) in parts: the sums of (g, k) counts over g groups drawn anew with replacement."""
    groups, k = counts.shape
    block = max(1, BLOCK_CELLS // (groups + k))
    even = np.full(groups, 1 / groups)
    for start in range(0, draws, block):
        yield rng.multinomial(groups, even, size=min(block, draws - start)) @ counts


def _expanded(value: float, drawn: Values, confidence: float, groups: int) -> Estimate:
    """The percentiles that are as far from the middle as Student's t of so few groups says."""
    from scipy.stats import norm, t  # type: ignore[import-untyped]

    tail = (1 - confidence) / 2
    if groups > 1:
        tail = float(norm.cdf(np.sqrt(groups / (groups - 1)) * t.ppf(tail, groups - 1)))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def _hull(one: Estimate, other: Estimate) -> Estimate:
    return Estimate(one.value, min(one.low, other.low), max(one.high, other.high))
