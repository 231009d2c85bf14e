"""The valid answers of many people as arrays, for all that is computed from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """One answer a person and sample.

    samples, annotators, classes : the names that the numbers below stand for
    sample, annotator, label : (n,) int64, who said which class of which sample
    """

    samples: tuple[str, ...]
    annotators: tuple[str, ...]
    classes: tuple[str, ...]
    sample: Numbers
    annotator: Numbers
    label: Numbers

    def votes(self) -> Numbers:
        """(samples, classes) int64: how many said what of each sample."""
        shape = len(self.samples), len(self.classes)
        cells = np.bincount(self.sample * shape[1] + self.label, minlength=shape[0] * shape[1])
        return cells.astype(np.int64).reshape(shape)

    def shared(self) -> "Answers":
        """Those to samples that two or more answered; all annotators and classes keep numbers."""
        several = np.bincount(self.sample, minlength=len(self.samples)) > 1
        kept = several[self.sample]
        names = tuple(np.array(self.samples, dtype=object)[several])
        renumbered = np.cumsum(several) - 1
        return Answers(
            names,
            self.annotators,
            self.classes,
            renumbered[self.sample[kept]],
            self.annotator[kept],
            self.label[kept],
        )


def gather(triples: Iterable[tuple[str, str, str]], classes: Sequence[str]) -> Answers:
    """The answers (sample, annotator, class), at most one a person and sample.

    A class that is not among `classes` is a KeyError.
    """
    valid = list(triples)
    columns = list(zip(*valid, strict=True)) or [(), (), ()]
    samples, annotators = (tuple(sorted(set(column))) for column in columns[:2])
    names = (samples, annotators, tuple(classes))
    numbers = []
    for column, known in zip(columns, names, strict=True):
        place = {name: number for number, name in enumerate(known)}
        numbers.append(np.array([place[name] for name in column], dtype=np.int64))
    return Answers(*names, *numbers)
