"""Networks that tell classes: a backbone and one linear layer, and how they are trained on labels.

Training draws all random numbers from the seed and the number of the step.
"""

import math
import warnings
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from labelcycle import options as base
from labelcycle.core.one_line_warnings import Advice
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import gpu_memory
from labelcycle.nn.batches import VIEWS, TrainingPosition, seeded
from labelcycle.nn.device import Precision, autocast, repeatable
from labelcycle.nn.pool_pixels import PoolPixels
from labelcycle.nn.resnet import Centred

SMALLEST = 4
"""Side of the smallest image that `Convolutions` takes."""

ADVICE = (
    "lower the learner's option batch, or the size of the images (train.image_size; in an"
    " experiment data.size)"
)


class Options(base.Options):
    """How a network is trained on labels; the defaults are those of TypiClust's repository.

    ResNet18 from scratch, 200 epochs, batches of 100, SGD with Nesterov's momentum, learning rate
    0.025 with half a cosine, weight decay 3e-4, random crops after 4 pixels of padding, flips. It
    keeps the best of its epochs by 5,000 more labels; here the last epoch counts and no label is
    spent on choosing.
    """

    epochs: int = Field(200, ge=1, le=10_000, description="passes over the labelled images")
    batch: int = Field(
        100,
        ge=1,
        le=65_536,
        description="images a step, at most; halved when a GPU's memory does not suffice",
    )
    optimizer: str = Field("sgd", pattern="^(sgd|adam)$", description="sgd or adam")
    learning_rate: float = Field(0.025, gt=0, le=100, description="highest learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov's, of SGD")
    weight_decay: float = Field(3e-4, ge=0, le=1, description="weight decay")
    cosine: bool = Field(True, description="the learning rate falls by half a cosine; else stays")
    shift: int = Field(
        4, ge=0, le=64, description="pixels by which a view may be shifted; 0: never"
    )
    flip: bool = Field(True, description="mirror half of the views left to right")
    balanced: bool = Field(False, description="every class weighs the same in the loss")
    threads: int = Field(
        2, ge=1, le=256, description="CPU threads; another number rounds sums differently"
    )
    precision: Precision = Field(
        "auto", description="float32, bf16, or auto: bf16 on GPUs that have it, else float32"
    )


class Convolutions(nn.Module):
    """Two 3x3 convolutions of 16 and 32 channels, each followed by pooling, then 64 hidden units.

    (b, 3, s, s) float32 in 0..1 to (b, 64). Raises SettingsError if s is below 4.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < SMALLEST:
            raise SettingsError(
                f"images of {size} pixels are too small for network cnn, which halves them twice:"
                f" wanted {SMALLEST} or more; raise train.image_size (in an experiment"
                " data.size), or take network: resnet18"
            )
        self.layers = nn.Sequential(
            Centred(),
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * (size // 4) ** 2, 64),
            nn.ReLU(),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The hidden units."""
        hidden: torch.Tensor = self.layers(images)
        return hidden


class Classifier(nn.Module):
    """A backbone and its last layer."""

    def __init__(self, backbone: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.last = nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, 3, s, s) float32 in 0..1 to (b, classes) logits."""
        logits: torch.Tensor = self.last(self.backbone(images))
        return logits


def train(
    model: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    options: Options,
    seed: int,
) -> None:
    """Train `model` in place, on the device where it is.

    images : (m, s, s, 3), m >= 1; labels : (m,), classes of the last layer

    The same seed gives the same weights on a CPU with the same number of threads; for a GPU see
    `device.repeatable`. If a GPU's memory runs out, the batches and with them the learning rate
    are halved for the rest of the training, and so the result is another: a warning says so.
    Raises DataError if the training diverges or memory runs out for two images.
    """
    steps = _Steps(model, images, labels, options, seed)
    place = steps.first
    model.train()
    with repeatable():
        while not place.done:
            loss = steps.attempt(place)
            if loss is None:
                place = place.halved()
                note = f"{gpu_memory.note(place.batch)}: another result"
                warnings.warn(note, Advice, stacklevel=2)
                continue
            last, place = loss, place.after()
    _check_finite(float(last), options)
    model.eval()


class _Steps:
    """A network, its optimizer, and the images that it is trained on."""

    def __init__(
        self,
        model: Classifier,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        options: Options,
        seed: int,
    ) -> None:
        self._model, self._options, self._seed = model, options, seed
        self._device = next(model.parameters()).device
        self._pixels = PoolPixels(images, self._device)
        self._truth = torch.from_numpy(labels).to(self._device)
        classes = model.last.out_features
        self._weights = _class_weights(self._truth, classes) if options.balanced else None
        self._optimizer = _optimizer(model, options)
        self.first = TrainingPosition(len(images), options.epochs, options.batch)

    def attempt(self, place: TrainingPosition) -> torch.Tensor | None:
        """Do the step after `place`: its loss before the update, or None if memory ran out."""
        learnt = partial(self._learnt, place)
        return gpu_memory.stepped(learnt, self._optimizer, place.count, ADVICE, self._model)

    def _learnt(self, place: TrainingPosition) -> torch.Tensor:
        """The loss of the step after `place`; its gradient is left in the parameters."""
        options = self._options
        rate = place.factor(self.first, 0.0) if options.cosine else place.kept(self.first)
        for group in self._optimizer.param_groups:
            group["lr"] = options.learning_rate * rate
        rows = _pair(place.rows(self._seed))
        shown = self._pixels.take(rows).expand(-1, 3, -1, -1)
        views = _views(shown, options, seeded(self._seed, VIEWS, place.step))
        with autocast(self._device, options.precision):
            logits = self._model(views)
        truth = self._truth[rows.to(self._device)]
        loss = F.cross_entropy(logits.float(), truth, self._weights)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()


def _pair(rows: torch.Tensor) -> torch.Tensor:
    """The rows; one alone twice, as two views, for batch norm compares the values of a batch."""
    return rows if len(rows) > 1 else rows.repeat(2)


def _check_finite(loss: float, options: Options) -> None:
    if not math.isfinite(loss):
        raise DataError(
            f"the training of the classifier diverged: wanted a finite loss, got {loss};"
            f" lower learning_rate among the learner's options (now {options.learning_rate})"
        )


def _optimizer(model: nn.Module, options: Options) -> torch.optim.Optimizer:
    if options.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), weight_decay=options.weight_decay)
    return torch.optim.SGD(
        model.parameters(),
        lr=0.0,
        momentum=options.momentum,
        nesterov=options.momentum > 0,
        weight_decay=options.weight_decay,
    )


def _class_weights(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """(c,): the mean number of labels of the classes that occur over each class's own."""
    counts = torch.bincount(labels, minlength=classes).float()
    return len(labels) / (counts.clamp(min=1) * (counts > 0).sum())


def _views(images: torch.Tensor, options: Options, generator: torch.Generator) -> torch.Tensor:
    """(b, 3, s, s): each image shifted within black borders, and mirrored or not."""
    b, _, s, _ = images.shape
    draws = torch.rand((3, b), generator=generator).to(images.device)
    if options.flip:
        images = torch.where((draws[2] < 0.5)[:, None, None, None], images.flip(3), images)
    if options.shift:
        padded = F.pad(images, [options.shift] * 4)
        first = (draws[:2] * (2 * options.shift + 1)).long()
        lines = first[0][:, None] + torch.arange(s, device=images.device)
        columns = first[1][:, None] + torch.arange(s, device=images.device)
        each = torch.arange(b, device=images.device)[:, None, None]
        images = padded[each, :, lines[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return images.contiguous(memory_format=torch.channels_last)
