"""What every learner promises."""

import json
from pathlib import Path

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from labelcycle import options as base
from labelcycle.core.pool import Head
from labelcycle.errors import SettingsError
from labelcycle.nn import learner_inputs, learners
from labelcycle.nn.device import threads_set
from labelcycle.nn.learner_inputs import Pictures, Seen
from labelcycle.nn.learners import Learner, finetune
from labelcycle.nn.temperature_scaling import Calibrated

ALL = learners.names()

QUICK: dict[str, base.Options] = {
    "finetune": finetune.Options(
        network="cnn",
        epochs=40,
        batch=50,
        optimizer="adam",
        learning_rate=3e-3,
        shift=0,
        flip=False,
        threads=1,
    )
}
"""Options of learners that take long with their defaults."""


def seen(features: np.ndarray) -> Seen:
    """Samples with these features, and images of four fields that show the first twelve."""
    fields = np.zeros((len(features), 12))
    fields[:, : features.shape[1]] = features[:, :12]
    pixels = np.clip(128 + 12 * fields, 0, 255).astype(np.uint8).reshape(-1, 2, 2, 3)
    images = pixels.repeat(4, axis=1).repeat(4, axis=2)
    return Seen(features, Pictures(len(images), lambda rows: images[rows]))


def fitted(
    name: str, features: np.ndarray, labels: list[int], classes: int, **changes: object
) -> Learner:
    options = QUICK.get(name) or learners.get(name).Options()
    options = options.model_copy(update=changes)
    known = np.array(labels, dtype=np.int64)
    return learner_inputs.fitted(name, seen(features), known, classes, options, 0)


def epochs(name: str, count: int) -> dict[str, object]:
    """The change of options that trains so often, for learners that train."""
    return {"epochs": count} if name in QUICK else {}


def said(name: str, model: Learner, features: np.ndarray) -> np.ndarray:
    return learner_inputs.probabilities(name, model, seen(features))


def head(name: str, model: Learner, features: np.ndarray) -> Head:
    return learner_inputs.head(name, model, seen(features))


def check(found: np.ndarray, n: int, classes: int) -> None:
    assert (found.shape, found.dtype) == ((n, classes), np.float32)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
@tries(8)
@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(0, 20),
    classes=st.integers(2, 6),
    kind=st.sampled_from([np.float32, np.float16]),
    levels=st.sampled_from([1, 2, 100]),
)
def test_any_labels_give_probabilities(
    name: str, seed: int, m: int, classes: int, kind: type, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.integers(0, levels, (m, 4)).astype(kind)
    labels = rng.integers(0, classes, m).tolist()
    others = rng.integers(0, levels, (9, 4)).astype(kind)
    learner = fitted(name, features, labels, classes, **epochs(name, 2))
    found = said(name, learner, others)
    check(found, 9, classes)
    unseen = [c for c in range(classes) if c not in labels]
    if m:
        assert (found[:, unseen] < 1e-6).all()
    else:
        np.testing.assert_allclose(found, 1 / classes, rtol=1e-6)
    meta, arrays = learner.state()
    again = learners.get(name).from_state(json.loads(json.dumps(meta)), arrays)
    np.testing.assert_array_equal(said(name, again, others), found)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("labels", [0, 1, 60])
def test_the_head_gives_the_probabilities(name: str, labels: int) -> None:
    features, truth = blobs(200, 3)
    learner = fitted(name, features[:labels], truth[:labels].tolist(), 4)
    last = head(name, learner, features)
    assert {last.hidden.dtype, last.weights.dtype, last.bias.dtype} == {np.dtype(np.float32)}
    found = softmax(last.hidden @ last.weights + last.bias, axis=1)
    np.testing.assert_allclose(found, said(name, learner, features), atol=2e-5)


def blobs(n: int, classes: int, d: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((classes, d))
    labels = rng.integers(0, classes, n)
    return (centres[labels] + rng.standard_normal((n, d))).astype(np.float32), labels


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("classes", [2, 5])
def test_clear_classes_are_learnt(name: str, classes: int) -> None:
    features, labels = blobs(300, classes)
    learner = fitted(name, features[:100], labels[:100].tolist(), classes)
    predicted = said(name, learner, features[100:]).argmax(axis=1)
    assert np.mean(predicted == labels[100:]) > 0.95


@pytest.mark.parametrize("name", ALL)
def test_one_class_alone_is_certain(name: str) -> None:
    features, _ = blobs(10, 3)
    for labels in (1, 4):
        model = fitted(name, features[:labels], [1] * labels, 3)
        np.testing.assert_allclose(said(name, model, features)[:, 1], 1, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_one_and_two_threads_learn_the_same(name: str) -> None:
    features, labels = blobs(400, 4, d=64)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads), threads_set(threads):  # of numpy, of torch
            learner = fitted(name, features[:200], labels[:200].tolist(), 4, **epochs(name, 2))
            found.append(said(name, learner, features))
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param(n, count, marks=[pytest.mark.slow] * (count > (10 if n in QUICK else 100)))
        for n in ALL
        for count in (10, 100, 1000, 10_000)
    ],
)
def test_many_labels_and_the_same_seed(name: str, count: int) -> None:
    features, labels = blobs(count + 200, 6)
    known = np.where(np.arange(count + 200) < count, labels, -1).tolist()
    changes = epochs(name, min(40, max(2, 6_000 // count)))
    found = [
        said(name, fitted(name, features, known, 6, **changes), features[count:]) for _ in range(2)
    ]
    assert found[0].tobytes() == found[1].tobytes()
    check(found[0], 200, 6)
    if count > 10:
        assert np.mean(found[0].argmax(axis=1) == labels[count:]) > 0.95


@pytest.mark.parametrize("name", ALL)
def test_a_temperature_gives_no_chance_to_a_class_without_a_label(name: str) -> None:
    features, labels = blobs(120, 3)
    plain = fitted(name, features[:30], labels[:30].tolist(), 40)
    warm = Calibrated(plain, 15.0)
    found = said(name, warm, features)
    check(found, 120, 40)
    assert (found[:, 3:] < 1e-6).all()
    last = head(name, warm, features)
    again = softmax(last.hidden @ last.weights + last.bias, axis=1)
    assert (again[:, 3:] < 1e-6).all()


@pytest.mark.parametrize("name", [name for name in ALL if not learners.sees_images(name)])
def test_features_may_be_mapped_from_a_file(name: str, tmp_path: Path) -> None:
    features, labels = blobs(50, 3)
    np.save(tmp_path / "f.npy", features)
    learner = fitted(name, features, labels.tolist(), 3)
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    np.testing.assert_array_equal(learner.predict_proba(mapped), learner.predict_proba(features))


def test_an_unknown_learner_names_the_near_one() -> None:
    with pytest.raises(SettingsError, match=r"unknown learner 'linaer'.*did you mean 'linear'"):
        learners.get("linaer")
