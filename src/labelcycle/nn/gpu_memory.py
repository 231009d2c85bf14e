"""Work whose images a GPU's memory may not hold at a time: half of them, until they fit."""

import re
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import nn

from labelcycle.core.counted_nouns import counted
from labelcycle.core.one_line_warnings import Advice
from labelcycle.errors import DataError

BLOCK = 256
"""Images that a network is asked about at a time, at most."""

Result = TypeVar("Result")

_room: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
"""Images at a time for which the memory sufficed, of networks for which it once did not."""


RAN_OUT = re.compile(
    r"out of memory|STATUS_\w*ALLOC(ATION)?_FAILED|STATUS_NOT_INITIALIZED.*alloc", re.I | re.S
)
"""What CUDA, cuBLAS and cuDNN say, each in its own kind of error."""


def attempted(
    work: Callable[[], Result],
    images: int,
    advice: str,
    least: int = 1,
    model: nn.Module | None = None,
) -> Result | None:
    """What `work` on so many images gives, or None if the GPU's memory ran out and half may fit.

    model : whose buffers are then as they were before: the statistics of batch norm move before
        the memory runs out

    Raises DataError with `advice` where half would be fewer than `least` images.
    """
    buffers = [] if model is None else list(model.buffers())
    before = [buffer.clone() for buffer in buffers]
    try:
        return work()
    except RuntimeError as error:
        if not (isinstance(error, torch.OutOfMemoryError) or RAN_OUT.search(str(error))):
            raise
        if images < 2 * least:
            raise DataError(
                f"the GPU's memory ran out with {counted(images, 'image')} at a time: wanted"
                f" room for them; {advice}"
            ) from error
    # not in the except block, which holds on to the tensors of the failed work
    torch.cuda.empty_cache()
    with torch.no_grad():
        for buffer, old in zip(buffers, before, strict=True):
            buffer.copy_(old)
    return None


def stepped(
    learnt: Callable[[], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    images: int,
    advice: str,
    model: nn.Module,
    least: int = 2,
) -> torch.Tensor | None:
    """Do a step of a training: what `learnt` gives, or None as `attempted`; then nothing moved.

    learnt : gives the loss of so many images, and leaves its gradient in the parameters
    """
    optimizer.zero_grad(set_to_none=True)  # before: a step that failed left some
    loss = attempted(learnt, images, advice, least, model)
    if loss is not None:  # apart: it must not be done twice, and half needs as much
        attempted(optimizer.step, images, advice, least=images)
    return loss


def note(images: int) -> str:
    """What to say of a batch that was halved to so many images."""
    return f"the GPU's memory ran out: going on with batches of {counted(images, 'image')}"


def in_parts(
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
        results = attempted(partial(work, part), images, advice)
        if results is None:
            _room[network] = images // 2
            warnings.warn(note(images // 2), Advice, stacklevel=2)
            continue
        yield results
        start += images
