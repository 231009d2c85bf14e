"""The pretraining loop: batches, schedule, resuming, divergence."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from labelcycle.errors import DataError
from labelcycle.nn import simclr
from labelcycle.nn.progress import Progress


def images(count: int = 20, side: int = 8) -> np.ndarray[Any, np.dtype[np.uint8]]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def backbone(seed: int = 0) -> nn.Module:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )

    return simclr.initialised(build, seed)


OPTIONS = simclr.Options(epochs=3, batch=8, learning_rate=0.05, projection=8)


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@given(st.integers(1, 300), st.integers(2, 64), st.integers(0, 5))
def test_an_epoch_is_every_image_once_in_even_batches(n: int, batch: int, epoch: int) -> None:
    per_epoch = math.ceil(n / batch)
    steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
    parts = [simclr.batch_rows(n, batch, 1, step) for step in steps]
    assert sorted(torch.cat(parts).tolist()) == list(range(n))
    sizes = [len(part) for part in parts]
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1


def test_epochs_have_different_orders() -> None:
    assert not torch.equal(simclr.batch_rows(50, 50, 0, 0), simclr.batch_rows(50, 50, 0, 1))


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [simclr.schedule(step, 100, 0.1) for step in range(100)]
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(1)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_resumed_is_unbroken(stop: int) -> None:
    whole = backbone()
    losses = [p.loss for p in simclr.train(whole, images(), OPTIONS, 5)]
    broken = backbone()
    training = simclr.train(broken, images(), OPTIONS, 5)
    last: Progress | None = None
    for _ in range(stop):
        last = next(training)
    assert last is not None
    assert last.snapshot is not None
    state = last.snapshot()
    next(training, None)  # the snapshot must not move with the training
    resumed = backbone(seed=99)
    rest = [p.loss for p in simclr.train(resumed, images(), OPTIONS, 5, state)]
    assert rest == losses[stop:]
    assert same(resumed, whole)


def test_the_seed_decides_and_torchs_generator_does_not() -> None:
    first, again, other = backbone(), backbone(), backbone()
    torch.manual_seed(1)
    list(simclr.train(first, images(), OPTIONS, 5))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    list(simclr.train(again, images(), OPTIONS, 5))
    assert torch.equal(before, torch.get_rng_state())
    list(simclr.train(other, images(), OPTIONS, 6))
    assert same(first, again)
    assert not same(first, other)


def test_training_lowers_the_loss() -> None:
    options = simclr.Options(
        epochs=60, batch=32, learning_rate=0.1, projection=8, temperature=0.5, crop_min=0.9
    )
    losses = [p.loss or 0.0 for p in simclr.train(backbone(), images(32), options, 0)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3


@pytest.mark.parametrize("count", [1, 2, 9, 17])
def test_pools_of_every_size_train(count: int) -> None:
    steps = list(simclr.train(backbone(), images(count), OPTIONS, 0))
    assert len(steps) == 3 * math.ceil(count / 8)
    assert all(p.total == len(steps) and p.loss is not None for p in steps)


def test_divergence_is_an_error_that_names_the_remedy() -> None:
    net = backbone()
    nn.init.constant_(net[0].weight, float("nan"))  # type: ignore[index, arg-type]
    with pytest.raises(DataError, match=r"diverged at step 1 of 9.*lower learning_rate"):
        list(simclr.train(net, images(), OPTIONS, 0))


def test_a_grey_pool_is_trained_on_one_channel_a_coloured_one_on_three() -> None:
    grey = np.repeat(images()[..., :1], 3, axis=3)
    almost = grey.copy()
    almost[-1, -1, -1, 2] ^= 1
    trained = {}
    for name, pool in {"grey": grey, "almost": almost}.items():
        trained[name] = backbone()
        for _ in simclr.train(trained[name], pool, OPTIONS, 5):
            pass
    pairs = zip(*(net.state_dict().values() for net in trained.values()), strict=True)
    for one, three in pairs:
        torch.testing.assert_close(one, three, rtol=0.05, atol=0.05)
    assert not same(*trained.values())
