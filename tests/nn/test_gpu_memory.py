"""A GPU's memory runs out, as a network plays that refuses batches above a size."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from labelcycle.errors import DataError
from labelcycle.nn import classifier, gpu_memory, simclr
from labelcycle.nn.network_encoder import NetworkEncoder, raw_features
from labelcycle.nn.projection_head import initialised


class Limited(nn.Module):
    """(b, 3, s, s) to (b, 4), for at most so many images."""

    def __init__(self, most: int, says: Exception | None = None) -> None:
        super().__init__()
        self.says = says or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        self.layer = initialised(lambda: nn.Conv2d(3, 4, 3), 0)
        self.most = most
        self.sizes: list[int] = []
        self.refused = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.most:
            self.refused += 1
            raise self.says
        self.sizes.append(len(images))
        features: torch.Tensor = self.layer(images).mean(dim=(2, 3))
        return features


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("most", [1, 3, 64])
@pytest.mark.parametrize("count", [1, 65, 130])
def test_features_are_the_same_however_many_images_fit(most: int, count: int) -> None:
    network, pool = Limited(most), images(count)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = np.concatenate(list(raw_features(network, pool)))
    whole = np.concatenate(list(raw_features(Limited(1000), pool)))
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)
    assert sum(network.sizes) == count
    assert len(said) == network.refused
    if count > most:
        assert str(said[-1].message) == gpu_memory.note(network.sizes[0])


def test_a_network_is_not_asked_again_about_what_did_not_fit() -> None:
    network = Limited(200)
    encoder = NetworkEncoder(network, 6, {})
    with pytest.warns(UserWarning, match="memory ran out: going on with batches of 128 images"):
        encoder.embed(images(256))
    encoder.embed(images(256))
    assert (network.refused, network.sizes) == (1, [1] + [128] * 4)


def test_no_memory_for_one_image_is_an_error_that_names_the_remedy() -> None:
    pool = images(1)
    with pytest.raises(DataError, match=r"out with 1 image at a time.*lower pretrain\.image_size"):
        list(raw_features(Limited(0), pool))
    with pytest.raises(
        DataError, match=r"room for them; lower train\.image_size; in an experiment"
    ):
        list(raw_features(Limited(0), pool, "train.image_size"))


def test_the_features_of_a_pretraining_are_halved_too() -> None:
    network, pool = Limited(1000), images(40)
    training = simclr.train(network, pool, simclr.Options(epochs=1, batch=8, projection=4), 0)
    step = next(training)
    assert step.features is not None
    whole = step.features(np.arange(40))
    network.most = 30
    with pytest.warns(UserWarning, match="going on with batches of 20 images"):
        found = step.features(np.arange(40))
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)
    assert network.training


def trained(most: int, count: int, **changes: object) -> classifier.Classifier:
    network = Limited(most)
    model = initialised(lambda: classifier.Classifier(network, 4, 2), 1)
    assert isinstance(model, classifier.Classifier)
    options = classifier.Options(epochs=3, batch=8, shift=0, threads=1).model_copy(update=changes)
    classifier.train(model, images(count), np.arange(count) % 2, options, 5)
    return model


def test_a_training_on_labels_goes_on_with_half_the_batch() -> None:
    with pytest.warns(UserWarning, match="going on with batches of 4 images: another result"):
        model = trained(5, 16)
    network = model.backbone
    assert isinstance(network, Limited)
    assert (network.refused, network.sizes) == (1, [4] * 12)
    assert not model.training


@pytest.mark.parametrize("cosine", [True, False])
def test_the_learning_rate_falls_with_the_batch(cosine: bool) -> None:
    with pytest.warns(UserWarning, match="batches of 4 images"):
        halved = trained(5, 16, cosine=cosine)
    wanted = trained(99, 16, batch=4, learning_rate=0.025 / 2, cosine=cosine)
    pairs = zip(halved.state_dict().values(), wanted.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("count", [2, 3])
def test_no_memory_for_two_labelled_images_is_an_error(count: int) -> None:
    wanted = (
        rf"out with {count} images at a time.*lower the learner's option batch, or .*data\.size"
    )
    with pytest.raises(DataError, match=wanted):
        trained(1, count)


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED\nTried to allocate 8 MiB",
        "CUDA error: out of memory",
    ],
)
def test_the_libraries_say_it_in_their_own_words(text: str) -> None:
    network = Limited(100, RuntimeError(text))
    with pytest.warns(UserWarning, match="going on with batches of 64 images"):
        found = np.concatenate(list(raw_features(network, images(128))))
    assert len(found) == 128


def test_another_error_is_not_about_memory() -> None:
    network = Limited(100, RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"))
    with pytest.raises(RuntimeError, match="NOT_INITIALIZED"):
        list(raw_features(network, images(128)))


class Refused(torch.autograd.Function):
    """What it is given; the memory runs out on the way back."""

    @staticmethod
    def forward(context: object, values: torch.Tensor) -> torch.Tensor:
        del context
        return values.clone()

    @staticmethod
    def backward(context: object, *gradients: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")


class Normed(nn.Module):
    """(b, 3, s, s) to (b, 4) with batch norm, whose way back has room for so many images."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.layers = initialised(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), 0)
        self.most = most

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.layers(images).mean(dim=(2, 3))
        fits = len(images) <= self.most or not torch.is_grad_enabled()
        return features if fits else Refused.apply(features)  # type: ignore[no-any-return]


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_pretraining_whose_way_back_failed_is_that_with_the_smaller_batch() -> None:
    networks = Normed(8), Normed(99)  # two views of each image
    for network, batch, rate in zip(networks, (8, 4), (0.4, 0.2), strict=True):
        options = simclr.Options(epochs=3, batch=batch, learning_rate=rate, projection=4)
        steps = list(simclr.train(network, images(16), options, 0))
        assert len(steps) == 12
    assert same(*networks)


def test_a_training_on_labels_whose_way_back_failed_is_that_with_the_smaller_batch() -> None:
    models = []
    for most, batch, rate in ((5, 8, 0.025), (99, 4, 0.0125)):
        network = Normed(most)
        model = initialised(lambda network=network: classifier.Classifier(network, 4, 2), 1)
        assert isinstance(model, classifier.Classifier)
        options = classifier.Options(epochs=3, batch=batch, learning_rate=rate, shift=0, threads=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            classifier.train(model, images(16), np.arange(16) % 2, options, 5)
        models.append(model)
    assert same(*models)


def test_an_update_is_not_done_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(optimizer: object, closure: object = None) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(torch.optim.SGD, "step", refused)
    with pytest.raises(DataError, match="out with 8 images at a time"):
        trained(99, 16)
