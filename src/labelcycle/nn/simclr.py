"""SimCLR: a backbone learns that two random views of an image show the same image.

Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations".
"""

import copy
import math
from collections.abc import Callable, Generator
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import augment, gpu_memory, training_processes
from labelcycle.nn.batches import VIEWS, TrainingPosition, seeded
from labelcycle.nn.device import Precision, autocast, compiled, repeatable
from labelcycle.nn.nt_xent import nt_xent
from labelcycle.nn.pool_pixels import PoolPixels
from labelcycle.nn.progress import Progress, TrainingState
from labelcycle.nn.projection_head import Projected, head_of

SIZE = "the size of the images (pretrain.image_size; in an experiment data.size)"

READ_EVERY = 10
"""Steps between two looks at the loss on a GPU, each of which waits for the GPU."""


class Options(augment.Options):
    """How a backbone is trained."""

    epochs: int = Field(500, ge=1, le=10000, description="passes over the pool")
    batch: int = Field(
        512,
        ge=2,
        le=65536,
        description="images a step, at most; halved when a GPU's memory does not suffice",
    )
    temperature: float = Field(0.1, gt=0, le=10, description="temperature of NT-Xent")
    learning_rate: float = Field(0.4, gt=0, le=100, description="highest learning rate of SGD")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of SGD")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="weight decay of SGD")
    warmup: float = Field(
        0.0, ge=0, le=0.5, description="share of the steps in which the learning rate rises"
    )
    projection: int = Field(128, ge=2, le=4096, description="width of the projection")
    precision: Precision = Field(
        "auto", description="float32, bf16, or auto: bf16 on GPUs that have it, else float32"
    )
    compile: bool = Field(
        False, description="torch.compile: a minute at the start, then faster steps on a GPU"
    )


def train(
    backbone: nn.Module,
    images: NDArray[np.uint8],
    options: Options,
    seed: int,
    resume: TrainingState | None = None,
) -> Generator[Progress, None, int]:
    """Train `backbone` in place, on the device where it is; yields a `Progress` a step.

    backbone : (b, 3, s, s) float32 in 0..1 to (b, d); images : (n, s, s, 3) uint8
    resume : a snapshot of the same training; going on from it gives on a CPU the very result of
        the unbroken run, for all random numbers come from the seed and the number of the step

    The same seed gives the same weights on a CPU with the same number of threads; for a GPU see
    `device.repeatable`. Returns the images a step at the end: `options.batch`, or less if a GPU's
    memory ran out; the learning rate falls with it. Raises DataError if the training diverges or
    memory runs out for two images.
    """
    training = Training(backbone, images, options, seed)
    place = training.first if resume is None else training.restore(resume)
    training.model.train()
    note = training.told()
    losses: list[torch.Tensor] = []
    while not place.done:
        loss = training.attempt(place)
        if loss is None:
            place = place.halved()
            note = gpu_memory.note(place.batch)
            continue
        losses.append(loss)
        place = place.after()
        mean = None
        if training.on_cpu or place.step % READ_EVERY == 0 or place.done:
            mean = training.mean(losses, place)
            losses = []
        yield training.progress(place, mean, note)
        note = None
    training.model.eval()
    return place.batch


class Training:
    """Backbone, head, optimizer and images of one training."""

    def __init__(
        self, backbone: nn.Module, images: NDArray[np.uint8], options: Options, seed: int
    ) -> None:
        self._options = options
        self._seed = seed
        device = next(backbone.parameters()).device
        self.on_cpu = device.type == "cpu"
        self._pixels = PoolPixels(images, device)
        example = self._pixels.take(torch.zeros(1, dtype=torch.int64)).expand(-1, 3, -1, -1)
        self.model = Projected(backbone, head_of(backbone, example, options.projection, seed))
        self.first = TrainingPosition(len(images), options.epochs, options.batch)
        self._forward = self._prepared(min(len(images), options.batch))
        self._optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=0.0,
            momentum=options.momentum,
            weight_decay=options.weight_decay,
        )

    def _prepared(self, batch: int) -> Callable[..., torch.Tensor]:
        """What a step calls: the model, in several processes one that averages gradients."""
        forward: nn.Module = self.model
        if training_processes.count() > 1:
            if batch < 2 * training_processes.count():
                raise SettingsError(
                    f"{training_processes.count()} processes for batches of {batch} images:"
                    " wanted two images or more for each; lower pretrain.processes"
                )
            device = self._pixels.device
            if not self.on_cpu:
                nn.SyncBatchNorm.convert_sync_batchnorm(self.model)  # type: ignore[no-untyped-call]
            forward = nn.parallel.DistributedDataParallel(
                self.model, device_ids=None if self.on_cpu else [device.index]
            )
        return compiled(forward) if self._options.compile else forward

    def told(self) -> str | None:
        """What the user should know about where the images are."""
        if self._pixels.resident:
            return None
        return (
            f"the images take {self._pixels.gigabytes:.1f} GB, more than half of the GPU's free"
            " memory: they stay in the machine's, which is slower"
        )

    def attempt(self, place: TrainingPosition) -> torch.Tensor | None:
        """Do the step after `place`: its loss before the update, or None if memory ran out."""
        alone = training_processes.count() == 1  # several would have to agree on another batch
        advice = f"lower the encoder's option batch, or {SIZE}"
        least = 2 if alone else place.count
        learnt = partial(self._learnt, place)
        with repeatable():
            return gpu_memory.stepped(
                learnt, self._optimizer, place.count, advice, self.model, least
            )

    def _learnt(self, place: TrainingPosition) -> torch.Tensor:
        """The loss of the step after `place`; its gradient is left in the parameters."""
        options = self._options
        views = self._views(place)
        self._set_rate(place)
        with autocast(views.device, options.precision):
            projections = self._forward(views)
        first, second = (
            training_processes.gathered(half, place.count) for half in projections.float().chunk(2)
        )
        loss = nt_xent(first, second, options.temperature)
        (loss * training_processes.count()).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _views(self, place: TrainingPosition) -> torch.Tensor:
        """(2 b, 3, s, s): two views of each image of this process."""
        rows = place.compared(self._seed)
        rows_here = training_processes.part(len(rows))
        images = self._pixels.take(rows[rows_here])
        generator = seeded(self._seed, VIEWS, place.step)
        views = []
        for _ in range(2):
            draws = augment.draw(len(rows), self._options, generator)[:, rows_here]
            views.append(augment.view(images, self._options, draws.to(images.device)))
        both = torch.cat(views).expand(-1, 3, -1, -1)
        return both.contiguous(memory_format=torch.channels_last)

    def _set_rate(self, place: TrainingPosition) -> None:
        """The learning rate of the next step."""
        rate = self._options.learning_rate * place.factor(self.first, self._options.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def mean(self, losses: list[torch.Tensor], place: TrainingPosition) -> float:
        """The mean of the losses. Raises DataError if it is not finite."""
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise DataError(
                f"pretraining diverged at step {place.step} of {place.total}: wanted a finite"
                f" loss, got {loss}; lower learning_rate (now {self._options.learning_rate})"
            )
        return loss

    def progress(self, place: TrainingPosition, loss: float | None, note: str | None) -> Progress:
        """The step that led to `place`, as others see it."""
        snapshot = partial(self._snapshot, place)
        return Progress(place.step, place.total, loss, snapshot, place.epoch, self._features, note)

    def _snapshot(self, place: TrainingPosition) -> TrainingState:
        """The state at `place`, apart from the tensors that the next step changes."""
        parts: dict[str, Any] = {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "place": asdict(place),
        }
        return copy.deepcopy(parts)

    def restore(self, state: TrainingState) -> TrainingPosition:
        """The place of a snapshot, from which model and optimizer go on."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        return TrainingPosition(**state["place"])

    def _features(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        def features(part: slice) -> NDArray[np.float32]:
            images = self._pixels.take(torch.from_numpy(rows[part])).expand(-1, 3, -1, -1)
            images = images.contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(), autocast(images.device, self._options.precision):
                return np.asarray(self.model.backbone(images).float().cpu().numpy())

        self.model.eval()
        blocks = gpu_memory.in_parts(self.model.backbone, features, len(rows), f"lower {SIZE}")
        features_of_all = np.concatenate(list(blocks))
        self.model.train()
        return features_of_all
