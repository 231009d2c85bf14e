"""SimCLR: a backbone learns that two random views of an image show the same image.

Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations".
"""

import copy
import math
from collections.abc import Callable, Generator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from labelcycle.errors import DataError
from labelcycle.nn import augment
from labelcycle.nn.nt_xent import nt_xent
from labelcycle.nn.progress import Progress, State

_BACKBONE, _HEAD, _ORDER, _VIEWS = range(4)
"""What a derived seed is for."""


class Options(augment.Options):
    """How a backbone is trained."""

    epochs: int = Field(500, ge=1, le=10000, description="passes over the pool")
    batch: int = Field(512, ge=2, le=65536, description="images a step, at most")
    temperature: float = Field(0.1, gt=0, le=10, description="temperature of NT-Xent")
    learning_rate: float = Field(0.4, gt=0, le=100, description="highest learning rate of SGD")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of SGD")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="weight decay of SGD")
    warmup: float = Field(
        0.05, ge=0, le=0.5, description="share of the steps in which the learning rate rises"
    )
    projection: int = Field(128, ge=2, le=4096, description="width of the projection")


def seeded(seed: int, purpose: int, number: int = 0) -> torch.Generator:
    """A generator on the CPU for one purpose and one step of a training."""
    entropy = np.random.SeedSequence([seed, purpose, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(entropy[0]) >> 1)


def initialised(build: Callable[[], nn.Module], seed: int, purpose: int = _BACKBONE) -> nn.Module:
    """What `build` makes, its weights drawn from the seed; torch's own generator is not moved."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(seeded(seed, purpose).get_state())
        return build()


def train(
    backbone: nn.Module,
    images: NDArray[np.uint8],
    options: Options,
    seed: int,
    resume: State | None = None,
) -> Generator[Progress, None, None]:
    """Train `backbone` in place, on the device where it is; yields a `Progress` a step.

    backbone : (b, 3, s, s) float32 in 0..1 to (b, d); images : (n, s, s, 3) uint8
    resume : a snapshot of the same training; going on from it gives on a CPU the very result of
        the unbroken run, for all random numbers come from the seed and the number of the step

    Raises DataError if the training diverges.
    """
    device = next(backbone.parameters()).device
    pixels = _pixels(images)
    head = _head(backbone, pixels[:1].to(device), options.projection, seed)
    model = nn.ModuleDict({"backbone": backbone, "head": head})
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.0, momentum=options.momentum, weight_decay=options.weight_decay
    )
    done = 0 if resume is None else _restored(model, optimizer, resume)
    total = options.epochs * math.ceil(len(images) / options.batch)
    model.train()
    for step in range(done, total):
        rows = batch_rows(len(images), options.batch, seed, step)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * schedule(step, total, options.warmup)
        loss = _step(model, optimizer, pixels[rows].to(device), options, seeded(seed, _VIEWS, step))
        if not math.isfinite(loss):
            raise DataError(
                f"pretraining diverged at step {step + 1} of {total}: wanted a finite loss,"
                f" got {loss}; lower learning_rate (now {options.learning_rate})"
            )
        yield Progress(step + 1, total, loss, partial(_snapshot, model, optimizer, step + 1))
    model.eval()


def _pixels(images: NDArray[np.uint8]) -> torch.Tensor:
    """(n, c, s, s) uint8: one channel where all images are grey, for cheaper views; else three."""
    grey = bool((images == images[..., :1]).all())
    return torch.from_numpy(images[..., :1] if grey else images).permute(0, 3, 1, 2)


def _restored(model: nn.Module, optimizer: torch.optim.Optimizer, state: State) -> int:
    """The number of steps done in a snapshot, from which model and optimizer go on."""
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _snapshot(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> State:
    """The state after `step` steps, apart from the tensors that the next step changes."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    return copy.deepcopy(state)


def _step(
    model: nn.ModuleDict,
    optimizer: torch.optim.Optimizer,
    batch: torch.Tensor,
    options: Options,
    generator: torch.Generator,
) -> float:
    """Loss of one step on (b, c, s, s) uint8 images, before its update."""
    images = batch.float().div(255)
    views = torch.cat([augment.view(images, options, generator) for _ in range(2)])
    views = views.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
    # bf16 is slower than float32 on CPUs without units for it (measured: three times)
    with torch.autocast("cuda", torch.bfloat16, enabled=views.is_cuda):
        projections = model["head"](model["backbone"](views))
    first, second = projections.float().chunk(2)
    loss = nt_xent(first, second, options.temperature)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def _head(backbone: nn.Module, image: torch.Tensor, projection: int, seed: int) -> nn.Module:
    """(b, d) to (b, projection), one hidden layer of width d; on the device of `image`."""
    with torch.inference_mode():
        width = backbone.eval()(image.float().expand(-1, 3, -1, -1)).shape[1]

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, projection))

    return initialised(build, seed, _HEAD).to(image.device)


def batch_rows(n: int, batch: int, seed: int, step: int) -> torch.Tensor:
    """Rows of the images of a step. An epoch is a random order in even parts, none above `batch`.

    Even parts leave no remainder of one image, which would have nothing to be compared with.
    """
    per_epoch = math.ceil(n / batch)
    epoch, part = divmod(step, per_epoch)
    order = torch.randperm(n, generator=seeded(seed, _ORDER, epoch))
    return order.tensor_split(per_epoch)[part]


def schedule(step: int, total: int, warmup: float) -> float:
    """Factor of the learning rate: a linear rise, then half a cosine down to 0.001."""
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    progress = (step - rising) / max(total - rising, 1)
    return 0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * progress))
