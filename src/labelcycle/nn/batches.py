"""Which images each step of a training takes, and the random numbers of a step."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

BACKBONE, HEAD, ORDER, VIEWS = range(4)
"""What a derived seed is for."""


def seeded(seed: int, purpose: int, number: int = 0) -> torch.Generator:
    """A generator on the CPU for one purpose and one step of a training."""
    entropy = np.random.SeedSequence([seed, purpose, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(entropy[0]) >> 1)


@dataclass(frozen=True)
class TrainingPosition:
    """Where a training stands between two steps.

    images, epochs : how many there are of each
    batch : images a step, at most
    epoch, start : whole passes done, and images done of the present one
    step : steps done

    A pass is a random order in even parts, none above `batch`. Even parts leave a remainder of one
    image only where `batch` is 1, or 2 and their number is odd.
    """

    images: int
    epochs: int
    batch: int
    epoch: int = 0
    start: int = 0
    step: int = 0

    @property
    def done(self) -> bool:
        """True after the last step."""
        return self.epoch >= self.epochs

    @property
    def per_epoch(self) -> int:
        """Steps of a pass."""
        return math.ceil(self.images / self.batch)

    @property
    def position(self) -> int:
        """Steps that would be done, had the batch been what it is now from the start."""
        return (self.epoch + 1) * self.per_epoch - self._parts

    @property
    def total(self) -> int:
        """Steps done and to come."""
        return self.step + self.epochs * self.per_epoch - self.position

    @property
    def count(self) -> int:
        """Number of images of the next step."""
        return math.ceil((self.images - self.start) / self._parts)

    @property
    def _parts(self) -> int:
        return math.ceil((self.images - self.start) / self.batch)

    def rows(self, seed: int) -> torch.Tensor:
        """(count,) int64: the images of the next step."""
        return _order(self.images, seed, self.epoch)[self.start : self.start + self.count]

    def compared(self, seed: int) -> torch.Tensor:
        """(r,) int64: the images of the next step for who compares them with each other.

        They are `rows`; one alone has the one before it in the pass beside it, if there is one.
        """
        start = self.start - 1 if self.count == 1 and self.start else self.start
        return _order(self.images, seed, self.epoch)[start : self.start + self.count]

    def after(self) -> "TrainingPosition":
        """The place after the next step."""
        start = self.start + self.count
        if start == self.images:
            return replace(self, epoch=self.epoch + 1, start=0, step=self.step + 1)
        return replace(self, start=start, step=self.step + 1)

    def halved(self) -> "TrainingPosition":
        """The same place with batches of half the size of the next step's."""
        return replace(self, batch=self.count // 2)

    def factor(self, first: "TrainingPosition", warmup: float) -> float:
        """Factor of the learning rate of the next step, by `schedule`.

        It falls with a batch that was halved since the `first` step, linearly, as Chen et al. 2020
        (section 2.2) scale it by the size of the batch.
        """
        return schedule(self.position, self.epochs * self.per_epoch, warmup) * self.kept(first)

    def kept(self, first: "TrainingPosition") -> float:
        """The part that is left of the batches of the `first` step: 1 if none was halved."""
        return min(self.batch / first.count, 1)


@lru_cache(maxsize=1)
def _order(images: int, seed: int, epoch: int) -> torch.Tensor:
    return torch.randperm(images, generator=seeded(seed, ORDER, epoch))


def schedule(step: float, total: float, warmup: float) -> float:
    """Factor of the learning rate: a linear rise, then half a cosine down to 0.001."""
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    progress = (step - rising) / max(total - rising, 1)
    return 0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * progress))
