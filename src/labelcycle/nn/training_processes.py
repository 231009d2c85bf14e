"""One training in several processes of this machine, each with its own device.

Every process holds the whole pool and takes its part of each batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from labelcycle.errors import SettingsError
from labelcycle.nn import process_rank


def rank() -> int:
    """Number of this process, from 0; the first one writes the files."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """The processes know each other within: over NCCL on GPUs, over gloo on CPUs.

    They meet by the file that `process_rank.Rank` names, at no server. Raises SettingsError
    if there are more processes on this machine than GPUs.
    """
    mine = process_rank.own()
    if mine is None:
        yield
        return
    if device.type == "cuda":
        gpus = torch.cuda.device_count()
        if mine.count > gpus:
            raise SettingsError(
                f"pretraining in {mine.count} processes: wanted at most one a GPU, of which there"
                f" are {gpus}; lower pretrain.processes"
            )
        torch.cuda.set_device(device)
    store = dist.FileStore(str(mine.store), mine.count)  # type: ignore[attr-defined]
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=mine.number, world_size=mine.count)
    try:
        yield
    finally:
        dist.destroy_process_group()


def part(total: int) -> slice:
    """The rows of `total` that are this process's: even parts, in the order of the processes."""
    start = sum(_sizes(total)[: rank()])
    return slice(start, start + _sizes(total)[rank()])


def gathered(part: torch.Tensor, total: int) -> torch.Tensor:
    """(total, d): the rows of all processes in order; the gradient flows into this one's.

    part : (part of `total`, d)

    A loss of them, times the number of processes, has after DDP's averaging the gradient of the
    loss in one process, for each process adds what its own rows contribute.
    """
    if count() == 1:
        return part
    sizes = _sizes(total)
    padded = torch.zeros((max(sizes), part.shape[1]), dtype=part.dtype, device=part.device)
    padded[: len(part)] = part.detach()
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    rows = [other[:size] for other, size in zip(parts, sizes, strict=True)]
    rows[rank()] = part
    return torch.cat(rows)


def _sizes(total: int) -> list[int]:
    whole, more = divmod(total, count())
    return [whole + (number < more) for number in range(count())]
