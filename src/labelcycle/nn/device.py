"""Where networks compute, in what precision, and on how many threads."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

from labelcycle.nn import process_rank

Precision = Literal["auto", "float32", "bf16"]


def best_device() -> torch.device:
    """The first CUDA device if there is one, else the CPU; of several processes each its own."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = process_rank.own()
    return torch.device("cuda") if rank is None else torch.device("cuda", rank.number)


def compiled(network: torch.nn.Module) -> Callable[..., Any]:
    """The network, compiled by torch at its first call.

    Where TORCHINDUCTOR_CACHE_DIR names a folder, all temporary files of this process go there from
    now on, too: torch keeps precompiled headers below the folder of temporary files whatever that
    variable says, and another account may take their place in /tmp.
    """
    folder = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    if folder:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["TMPDIR"] = folder
        tempfile.tempdir = None  # to be looked for again
    compiling: Callable[..., Any] = torch.compile(network)
    return compiling


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """A context in which networks compute in that precision.

    auto : bf16 on a GPU that has units for it, else float32; on CPUs without them bf16 is slower
        than float32 (measured: three times)
    """
    able = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bf16" or (precision == "auto" and able)
    )


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """Torch computes with so many CPU threads inside: another number rounds sums differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def repeatable() -> Iterator[None]:
    """cuDNN takes only algorithms that add in one order inside, and tries out none for speed.

    float32 is computed as such, not with the 10 bits of TF32's mantissa; bf16 is as fast as ever.

    On a GPU two trainings from one seed so take the same initial weights, batches and views, and
    cuDNN's sums are the same; other kernels that add atomically (as the gradient of overlapping
    max pooling) may round differently each time, and the two may end apart. On a CPU nothing
    changes.
    """
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32
    cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = True, False, False
    products.allow_tf32 = False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32 = before
