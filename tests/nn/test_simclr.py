"""The pretraining loop: batches, schedule, resuming, divergence."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from labelcycle.errors import DataError
from labelcycle.nn import simclr
from labelcycle.nn.progress import Progress
from labelcycle.nn.projection_head import initialised


def images(count: int = 20, side: int = 8) -> np.ndarray[Any, np.dtype[np.uint8]]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def backbone(seed: int = 0) -> nn.Module:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )

    return initialised(build, seed)


OPTIONS = simclr.Options(epochs=3, batch=8, learning_rate=0.05, projection=8)


def trained(
    net: nn.Module, pool: np.ndarray[Any, np.dtype[np.uint8]], options: Any, seed: int = 0
) -> tuple[list[Progress], int]:
    """Every step, and the images a step at the end."""
    steps: list[Progress] = []
    training = simclr.train(net, pool, options, seed)
    while True:
        try:
            steps.append(next(training))
        except StopIteration as end:
            return steps, end.value


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@pytest.fixture(scope="module")
def unbroken() -> tuple[nn.Module, list[float | None]]:
    """A network that was trained without a break, and its losses."""
    whole = backbone()
    return whole, [p.loss for p in simclr.train(whole, images(), OPTIONS, 5)]


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_resumed_is_unbroken(stop: int, unbroken: tuple[nn.Module, list[float | None]]) -> None:
    whole, losses = unbroken
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


@pytest.mark.slow
def test_training_lowers_the_loss() -> None:
    options = simclr.Options(
        epochs=60,
        batch=32,
        learning_rate=0.1,
        warmup=0.05,
        projection=8,
        temperature=0.5,
        crop_min=0.9,
    )
    losses = [p.loss or 0.0 for p in simclr.train(backbone(), images(32), options, 0)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3


@pytest.mark.parametrize("count", [1, 2, 9, 17, 20])
def test_pools_of_every_size_train(count: int) -> None:
    steps, batch = trained(backbone(), images(count), OPTIONS)
    assert len(steps) == 3 * math.ceil(count / 8)
    assert all(p.total == len(steps) and p.loss is not None for p in steps)
    assert [p.epoch for p in steps] == [s // math.ceil(count / 8) for s in range(1, len(steps) + 1)]
    assert batch == 8


def test_images_all_alike_train_to_finite_weights() -> None:
    net = backbone()
    steps, _ = trained(net, np.full((20, 8, 8, 3), 7, np.uint8), OPTIONS)
    assert all(p.loss is not None and math.isfinite(p.loss) for p in steps)
    assert all(torch.isfinite(weight).all() for weight in net.state_dict().values())


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_the_precision_is_the_forward_passs(precision: str) -> None:
    seen: list[torch.dtype] = []
    net = backbone()
    net[0].register_forward_hook(lambda _, __, out: seen.append(out.dtype))  # type: ignore[index]
    options = OPTIONS.model_copy(update={"precision": precision})
    steps, _ = trained(net, images(), options)
    assert set(seen[1:]) == {torch.float32 if precision == "float32" else torch.bfloat16}
    assert all(weight.dtype != torch.bfloat16 for weight in net.state_dict().values())
    assert steps[-1].loss is not None
    assert math.isfinite(steps[-1].loss)


@pytest.mark.slow
def test_compiled_trains_as_eager_does() -> None:
    eager, compiled = backbone(), backbone()
    options = OPTIONS.model_copy(update={"batch": 20})
    expected, _ = trained(eager, images(), options)
    found, _ = trained(compiled, images(), options.model_copy(update={"compile": True}))
    losses = [[p.loss for p in steps] for steps in (expected, found)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    assert compiled.state_dict().keys() == eager.state_dict().keys()


def test_the_features_on_the_way_are_the_backbones_and_change_nothing() -> None:
    watched, alone = backbone(), backbone()
    rows = np.array([3, 0, 7])
    batch = torch.from_numpy(images()[rows]).permute(0, 3, 1, 2).float().div(255)
    for step in simclr.train(watched, images(), OPTIONS, 5):
        assert step.features is not None
        features = step.features(rows)
        with torch.inference_mode():
            expected = watched.eval()(batch)
        watched.train()
        np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-6)
    trained(alone, images(), OPTIONS, 5)
    assert same(watched, alone)


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


class Limited(nn.Module):
    """A backbone whose device has memory for some views only."""

    def __init__(self, views: int) -> None:
        super().__init__()
        self.network = backbone()
        self.views = views
        self.sizes: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.views:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        self.sizes.append(len(images))
        found: torch.Tensor = self.network(images)
        return found


def rate(step: Progress) -> float:
    assert step.snapshot is not None
    return float(step.snapshot()["optimizer"]["param_groups"][0]["lr"])


def test_when_memory_runs_out_batches_are_halved_and_the_rate_with_them() -> None:
    net = Limited(views=8)
    training = simclr.train(net, images(32), OPTIONS.model_copy(update={"batch": 16}), 5)
    first = next(training)
    assert first.note == "the GPU's memory ran out: going on with batches of 4 images"
    assert (first.step, first.total) == (1, 3 * 8)
    assert rate(first) == pytest.approx(OPTIONS.learning_rate * 4 / 16, rel=0.01)
    rest = list(training)
    assert [step.step for step in rest] == list(range(2, 25))
    assert all(step.note is None for step in rest)
    assert set(net.sizes[1:]) == {8}  # two views of each; the first one asks for the width


def test_memory_that_runs_out_on_the_way_leaves_every_image_its_turn() -> None:
    net = Limited(views=16)
    training = simclr.train(net, images(), OPTIONS, 5)
    steps = [next(training) for _ in range(4)]
    net.views = 8
    steps += training
    assert [step.total for step in steps] == [9] * 4 + [4 + 5 + 7] * 12
    assert sum(net.sizes[1:]) == 2 * 3 * 20
    rates = [rate(step) for step in steps]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 3, 6])
def test_resumed_after_memory_ran_out_is_unbroken(stop: int) -> None:
    whole, broken, resumed = Limited(8), Limited(8), Limited(8)
    _, batch = trained(whole, images(), OPTIONS, 5)
    training = simclr.train(broken, images(), OPTIONS, 5)
    steps = [next(training) for _ in range(stop)]
    assert steps[-1].snapshot is not None
    rest = simclr.train(resumed, images(), OPTIONS, 5, steps[-1].snapshot())
    assert all(step.note is None for step in rest)
    assert batch == 3
    assert same(resumed, whole)


def test_no_memory_for_two_images_is_an_error_that_names_the_remedy() -> None:
    net = Limited(views=3)
    with pytest.raises(
        DataError, match=r"memory ran out with 3 images.*the encoder's option batch"
    ):
        list(simclr.train(net, images(), OPTIONS, 0))


@pytest.mark.slow
def test_on_a_gpu_the_loss_is_read_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    options = OPTIONS.model_copy(update={"epochs": 8})
    each, _ = trained(backbone(), images(), options)
    gpu = property(lambda _: False, lambda *_: None)
    monkeypatch.setattr(simclr.Training, "on_cpu", gpu, raising=False)
    seldom, _ = trained(backbone(), images(), options)
    read = {step.step: step.loss for step in seldom if step.loss is not None}
    losses = [step.loss or 0 for step in each]
    assert read.keys() == {10, 20, 24}
    for end, start in {10: 0, 20: 10, 24: 20}.items():
        assert read[end] == pytest.approx(np.mean(losses[start:end]), rel=1e-5)


@pytest.mark.parametrize("count", [3, 5])
def test_no_step_compares_an_image_with_none(count: int) -> None:
    options = simclr.Options(epochs=2, batch=2, learning_rate=0.01, projection=8)
    steps, _ = trained(backbone(), images(count), options)
    assert all(step.loss is not None and step.loss > 1e-3 for step in steps)
