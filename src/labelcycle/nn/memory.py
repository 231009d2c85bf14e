"""Work whose images a GPU's memory may not hold at a time: half of them, until they fit."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import nn

from labelcycle.errors import DataError

BLOCK = 256
"""Images that a network is asked about at a time, at most."""

Result = TypeVar("Result")

_room: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
"""Images at a time for which the memory sufficed, of networks for which it once did not."""


def attempted(
    work: Callable[[], Result], images: int, advice: str, least: int = 1
) -> Result | None:
    """What `work` on so many images gives, or None if the GPU's memory ran out and half may fit.

    Raises DataError with `advice` where half would be fewer than `least` images.
    """
    try:
        return work()
    except torch.OutOfMemoryError as error:
        if images < 2 * least:
            raise DataError(
                f"the GPU's memory ran out with {images} images at a time: wanted room for them;"
                f" {advice}"
            ) from error
    # not in the except block, which holds on to the tensors of the failed work
    torch.cuda.empty_cache()
    return None


def note(images: int) -> str:
    """What to say of a batch that was halved to so many images."""
    return f"the GPU's memory ran out: going on with batches of {images} images"


def asked(
    network: nn.Module, work: Callable[[slice], Result], count: int, advice: str
) -> Iterator[Result]:
    """`work` of `count` images in order, at most 256 at a time, fewer once memory ran out.

    A warning says so; the network is asked about no more at a time from then on. As long as `work`
    makes each row from its own image alone, the results are the same to float32's rounding.
    """
    start = 0
    while start < count:
        images = min(_room.get(network, BLOCK), count - start)
        part = slice(start, start + images)
        found = attempted(partial(work, part), images, advice)
        if found is None:
            _room[network] = images // 2
            warnings.warn(note(images // 2), stacklevel=2)
            continue
        yield found
        start += images
