"""One measurement of encoder_speed.py in this process: a line of JSON for each line that it reads.

The first line that it prints says on which device, and in which precision.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from labelcycle.nn import resnet, simclr
from labelcycle.nn.device import autocast, best_device
from labelcycle.nn.network_encoder import NetworkEncoder
from labelcycle.nn.projection_head import Projected, head_of, initialised

Settings = SimpleNamespace


def backbone(settings: Settings) -> nn.Module:
    """The network that all rows share."""
    built = initialised(lambda: resnet.backbone(settings.network, settings.side), 0)
    return built.to(best_device()).to(memory_format=torch.channels_last)


def pool(settings: Settings) -> NDArray[np.uint8]:
    shape = (settings.images, settings.side, settings.side, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def fixed(count: int, settings: Settings) -> torch.Tensor:
    """(count, 3, s, s) random numbers in 0..1, as a network likes them best."""
    drawn = torch.rand((count, 3, settings.side, settings.side), device=best_device())
    return drawn.contiguous(memory_format=torch.channels_last)


def pretrain_labelcycle(settings: Settings) -> Iterator[int]:
    options = simclr.Options(
        batch=settings.batch, epochs=10000, precision=settings.precision, compile=settings.compile
    )
    for _ in simclr.train(backbone(settings), pool(settings), options, 0):
        yield settings.batch


def pretrain_bare(settings: Settings) -> Iterator[int]:
    network, views = backbone(settings), fixed(2 * settings.batch, settings)
    model = Projected(network, head_of(network, views[:1], 128, 0)).train()
    while True:
        model.zero_grad(set_to_none=True)
        with autocast(views.device, settings.precision):
            out = model(views)
        out.float().square().mean().backward()
        yield settings.batch


class Pictures(torch.utils.data.Dataset):
    """The pool as torchvision's data sets hold CIFAR-10: PIL images through a transform."""

    def __init__(self, settings: Settings, transform: Callable) -> None:
        self._images = pool(settings)
        self._transform = transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        return self._transform(Image.fromarray(self._images[row])), 0


def pretrain_lightly(settings: Settings) -> Iterator[int]:
    """The loop of lightly's documentation, with the strength of our views."""
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.transforms import SimCLRTransform

    device = best_device()
    head = SimCLRProjectionHead(512, 512, 128, batch_norm=False)
    model = nn.Sequential(resnet.backbone(settings.network, settings.side), head).to(device).train()
    criterion = NTXentLoss(temperature=0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.4, momentum=0.9, weight_decay=1e-4)
    transform = SimCLRTransform(
        input_size=settings.side, cj_strength=0.5, min_scale=0.2, gaussian_blur=0.0
    )
    loader = loaded(settings, transform, shuffle=True)
    for batch in chain.from_iterable(repeat(loader)):
        first, second = (views.to(device) for views in batch[0])
        loss = criterion(model(first), model(second))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield len(first)


def loaded(settings: Settings, transform: Callable, shuffle: bool) -> torch.utils.data.DataLoader:
    """The loader of lightly's documentation; its workers live on from pass to pass."""
    return torch.utils.data.DataLoader(
        Pictures(settings, transform),
        batch_size=settings.batch,
        shuffle=shuffle,
        drop_last=True,
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
    )


def embed_labelcycle(settings: Settings) -> Iterator[int]:
    encoder, images = NetworkEncoder(backbone(settings), settings.side, {}), pool(settings)
    while True:
        for start in range(0, len(images) - settings.batch + 1, settings.batch):
            yield len(encoder.embed(images[start : start + settings.batch]))


def embed_bare(settings: Settings) -> Iterator[int]:
    network, images = backbone(settings).eval(), fixed(settings.batch, settings)
    while True:
        with torch.inference_mode():
            network(images)
        yield settings.batch


def embed_lightly(settings: Settings) -> Iterator[int]:
    from torchvision.transforms import ToTensor

    device = best_device()
    network = resnet.backbone(settings.network, settings.side).to(device).eval()
    for batch in chain.from_iterable(repeat(loaded(settings, ToTensor(), shuffle=False))):
        with torch.inference_mode():
            features = network(batch[0].to(device)).cpu().numpy()
        yield len(features)


def timed(steps: Iterator[int], settings: Settings) -> dict[str, object]:
    """Images and seconds of the next `settings.steps` steps, after those that warm up."""
    for _ in range(settings.warm):
        next(steps)
    wall, processor = now()
    images = sum(next(steps) for _ in range(settings.steps))
    ended = now()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # for the others
    return {"images": images, "wall_s": ended[0] - wall, "cpu_s": ended[1] - processor}


def now() -> tuple[float, float]:
    """Seconds on the wall and on the processors, when the device is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter(), spent()


def spent() -> float:
    """Processor seconds of this process and of a loader's workers, which live as long."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def facts(settings: Settings) -> dict[str, str]:
    device = best_device()
    own = settings.precision
    if settings.what == "embed" or settings.whose == "lightly":
        own = "float32"
    with autocast(device, own):
        precision = "bf16" if torch.is_autocast_enabled(device.type) else "float32"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {"device": name, "precision": precision}


def main() -> None:
    settings = SimpleNamespace(**json.loads(sys.argv[1]))
    torch.set_num_threads(settings.threads)
    steps = globals()[f"{settings.what}_{settings.whose}"](settings)
    print(json.dumps(facts(settings)), flush=True)
    for _ in sys.stdin:
        print(json.dumps(timed(steps, settings)), flush=True)
    steps.close()


if __name__ == "__main__":
    main()
