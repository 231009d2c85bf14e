"""Labels held out of the labels there are: each third once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import UNLABELED

FOLDS = 3


def thirds(labels: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows held out (h,) and rows left (m,), both by class, for each third of the labelled.

    A class is spread over all thirds. Held-out rows of a class that the others do not have are
    left out, and so is a third of such rows alone.
    """
    known = np.flatnonzero(labels != UNLABELED)
    known = known[np.argsort(labels[known], kind="stable")]
    for fold in range(FOLDS):
        held, left = known[fold::FOLDS], np.delete(known, np.s_[fold::FOLDS])
        held = held[np.isin(labels[held], labels[left])]
        if len(held):
            yield held, left
