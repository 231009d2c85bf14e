"""The fine-tuned network: learns, forgets nothing of its state, starts from an encoder."""

import json

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn
from torch.nn import functional as F

from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import classifier, encoders, learners
from labelcycle.nn.encoders import smallconv
from labelcycle.nn.learner_inputs import Pictures, Seen, own_features, probabilities
from labelcycle.nn.learners import finetune
from labelcycle.nn.learners.finetune import Options
from labelcycle.nn.network_encoder import NetworkEncoder

SMALL = Options(network="cnn", epochs=15, batch=16, learning_rate=0.05, shift=1, threads=1)


def stripes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with lines that lie, stand, or are not there."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n)
    images = rng.integers(0, 120, (n, 12, 12, 3))
    images[labels == 0, ::3] += 120
    images[labels == 1, :, ::3] += 120
    return images.astype(np.uint8), labels


def pictures(images: np.ndarray, **more: object) -> Pictures:
    return Pictures(len(images), lambda rows: images[rows], **more)


def fitted(images: np.ndarray, labels: np.ndarray, **changes: object) -> finetune.Finetuned:
    options = SMALL.model_copy(update=changes)
    return finetune.fit(pictures(images), labels, 4, options, 0)


@pytest.mark.slow
def test_what_it_saw_teaches_it_others() -> None:
    images, truth = stripes(260)
    labels = np.where(np.arange(260) < 60, truth, -1)
    found = fitted(images, labels).predict_proba(images[60:])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert (found.argmax(axis=1) == truth[60:]).mean() > 0.9
    assert (found[:, 3] < 1e-6).all()  # nobody named that class


def test_only_labelled_images_are_read() -> None:
    images, truth = stripes(40)
    asked: list[int] = []

    def read(rows: np.ndarray) -> np.ndarray:
        asked.extend(rows.tolist())
        return images[rows]

    labels = np.where(np.arange(40) % 4 == 1, truth, -1)
    finetune.fit(Pictures(40, read), labels, 4, SMALL.model_copy(update={"epochs": 1}), 0)
    assert asked == list(range(1, 40, 4))


def test_same_seed_same_network_and_torch_keeps_its_own_draws() -> None:
    images, truth = stripes(40)
    before = torch.get_rng_state()
    first, second = (fitted(images, truth, epochs=2).state()[1] for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("labels", [[], [1, 1]])
def test_without_two_classes_there_is_no_network(labels: list[int]) -> None:
    images, _ = stripes(10)
    known = np.array(labels + [-1] * (10 - len(labels)))
    model = fitted(images, known)
    wanted = np.eye(4)[1] if labels else np.full(4, 0.25)
    np.testing.assert_allclose(model.predict_proba(images), np.tile(wanted, (10, 1)))
    head = model.head(images)
    found = softmax(head.hidden @ head.weights + head.bias, axis=1)
    np.testing.assert_allclose(found, np.tile(wanted, (10, 1)), atol=1e-6)
    again = finetune.from_state(*model.state())
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))
    with pytest.raises(ValueError, match="no network"):
        model.embed(images)


@pytest.mark.parametrize("network", ["cnn", pytest.param("resnet18", marks=pytest.mark.slow)])
def test_the_state_is_the_learner(network: str) -> None:
    images, truth = stripes(12)
    model = fitted(images, truth, network=network, epochs=1)
    meta, arrays = model.state()
    again = finetune.from_state(json.loads(json.dumps(meta)), arrays)
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))
    assert model.embed(images).shape == (12, 64 if network == "cnn" else 512)
    head = model.head(images)
    logits = head.hidden @ head.weights + head.bias
    np.testing.assert_allclose(softmax(logits, axis=1), model.predict_proba(images), atol=1e-6)


def small_encoder(name: str, images: np.ndarray) -> encoders.Encoder:
    module = encoders.get(name)
    own = {"epochs": 1, "batch": 8}
    fitting = module.fit(images, module.Options(**own), 0, torch.device("cpu"))
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            return end.value


@pytest.mark.slow
def test_it_starts_where_the_encoder_ended() -> None:
    images, truth = stripes(8)
    encoder = small_encoder("resnet18", images)
    before = encoder.embed(images)
    options = SMALL.model_copy(
        update={"start": "encoder", "epochs": 1, "learning_rate": 1e-12, "batch": 8}
    )
    source = pictures(images, encoder=("resnet18", encoder))
    model = finetune.fit(source, truth, 4, options, 0)
    np.testing.assert_array_equal(encoder.embed(images), before)  # the encoder itself is not moved
    scratch = fitted(images, truth, network="resnet18", epochs=1, learning_rate=1e-12)
    gap = np.abs(model.embed(images) - before).mean()
    assert gap < 0.5 * np.abs(scratch.embed(images) - before).mean()
    again = finetune.from_state(*model.state())
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))


def test_an_encoder_that_cannot_be_trained_is_refused() -> None:
    images, truth = stripes(8)
    options = SMALL.model_copy(update={"start": "encoder"})
    for encoder in (None, ("smallconv", small_encoder("smallconv", images))):
        with pytest.raises(SettingsError, match=r"start is encoder.*wanted one that is a network"):
            finetune.fit(pictures(images, encoder=encoder), truth, 4, options, 0)
    assert not smallconv.Features.trainable


@pytest.mark.parametrize("side", [1, 3])
def test_images_too_small_for_the_network_are_refused(side: int) -> None:
    images = np.zeros((4, side, side, 3), np.uint8)
    with pytest.raises(SettingsError, match=rf"{side} pixels are too small.*wanted 4 or more"):
        fitted(images, np.arange(4) % 2)


class OneSizeOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8 * 8 * 3, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layer(images.flatten(1))
        return found


def test_an_encoder_of_another_size_is_refused() -> None:
    images, truth = stripes(4)
    encoder = NetworkEncoder(OneSizeOnly(), 8, {})
    options = SMALL.model_copy(update={"start": "encoder"})
    with pytest.raises(SettingsError, match=r"image_size is 12, which.*one does not.*, for 8"):
        finetune.fit(pictures(images, encoder=("one", encoder)), truth, 4, options, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "count", "batch"), [("cnn", 2, 1), ("cnn", 3, 2), ("resnet18", 3, 2)]
)
def test_a_batch_of_one_small_image_trains(network: str, count: int, batch: int) -> None:
    images, truth = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3)), np.arange(count)
    model = fitted(images.astype(np.uint8), truth, network=network, batch=batch, epochs=1)
    assert np.isfinite(model.embed(images.astype(np.uint8))).all()


def test_a_training_that_diverges_says_so() -> None:
    images, truth = stripes(20)
    with pytest.raises(DataError, match=r"diverged.*lower learning_rate"):
        fitted(images, truth, learning_rate=100.0, epochs=8, momentum=0.99)


def test_views_are_shifts_and_mirrors_of_the_image() -> None:
    image = torch.arange(25.0).reshape(1, 1, 5, 5).expand(64, 3, 5, 5) + 1
    options = Options(shift=2)
    found = classifier._views(image, options, torch.Generator().manual_seed(0))
    padded = F.pad(image[:1], [2] * 4)
    wanted = {
        turned[0, 0, dy : dy + 5, dx : dx + 5].numpy().tobytes()
        for turned in (padded, padded.flip(3))
        for dy in range(5)
        for dx in range(5)
    }
    each = {view[0].contiguous().numpy().tobytes() for view in found}
    assert each <= wanted
    assert len(each) > 20


def test_balanced_weights_are_the_classes_shares() -> None:
    weights = classifier._class_weights(torch.tensor([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(weights[[0, 2]], [4 / 6, 2.0])


def test_a_pool_is_asked_about_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    images, truth = stripes(30)
    model = fitted(images, truth, epochs=1)
    whole = model.predict_proba(images)
    monkeypatch.setattr("labelcycle.nn.learner_inputs.BLOCK_ROWS", 7)
    seen = Seen(np.zeros((30, 1), np.float32), pictures(images))
    np.testing.assert_allclose(probabilities("finetune", model, seen), whole, atol=1e-6)
    found = own_features("finetune", model, seen)
    assert found is not None
    np.testing.assert_allclose(found, model.embed(images), atol=1e-5)


def test_every_learner_says_what_it_sees() -> None:
    assert {name for name in learners.names() if learners.sees_images(name)} == {"finetune"}
