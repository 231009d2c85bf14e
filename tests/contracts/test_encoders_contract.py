"""The battery that every encoder passes."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoding import CPU, images, run
from numpy.typing import NDArray
from torchvision import models

from labelcycle.nn import encoders
from labelcycle.nn.progress import Progress

SIDE = 8
TRAINED = {"torchvision_pretrained": 256, "timm_pretrained": 168}
"""Encoders whose size is their network's, and that size."""

BY_PIXELS = encoders.that_see_images()
"""Every encoder that looks at images."""

QUICK: dict[str, dict[str, Any]] = {
    "patches": {"centres": 10, "grid": 2, "components": 5, "drawn": 200},
    "pixels": {"components": 5},
    "resnet18": {"epochs": 1, "batch": 4, "learning_rate": 0.01},
    "resnet34": {"epochs": 1, "batch": 4, "learning_rate": 0.01},
    "smallconv": {"epochs": 2, "batch": 8},
    "timm_pretrained": {"model": "test_resnet"},
}
"""Options of encoders that take long with their defaults."""

SLOW = ("resnet34", "timm_pretrained")
"""resnet34 is resnet18 with more layers; timm takes seconds to import."""


def every(*slow: str, without: str = "") -> list[Any]:
    """Every encoder; another quick test goes through the code of the `slow` ones."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] if name in (*slow, *SLOW) else [])
        for name in BY_PIXELS
        if name != without
    ]


UNLIKE = every("resnet18", "torchvision_pretrained", without="resnet34")
"""Encoders of code of their own, for what no number of layers changes."""


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with random weights for the encoders that want a file, NAME.pth."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(models.resnet18(weights=None).state_dict(), folder / "torchvision_pretrained.pth")
    return folder


def quick(name: str, weights: Path) -> Any:
    own = dict(QUICK.get(name, {}))
    file = weights / f"{name}.pth"
    if name == "timm_pretrained" and not file.exists():
        import timm

        torch.save(timm.create_model(own["model"]).state_dict(), file)
    return encoders.options_of(name, own | ({"file": str(file)} if name in TRAINED else {}))


def fitted(
    name: str, weights: Path, given: NDArray[np.uint8], seed: int = 3
) -> tuple[encoders.Encoder, list[Progress]]:
    module, options = encoders.get(name), quick(name, weights)
    return run(module.fit(given, options, seed, CPU))


def test_the_battery_names_encoders_that_are_there() -> None:
    assert {*QUICK, *SLOW, *TRAINED} <= set(BY_PIXELS)
    assert importlib.util.find_spec("timm"), "the tests want the package timm"


@pytest.mark.parametrize("name", every())
def test_contract(name: str, weights: Path) -> None:
    encoder, steps = fitted(name, weights, images(6))
    assert encoder.image_size == SIDE
    assert [s.step for s in steps] == list(range(1, steps[-1].total + 1))
    features = encoder.embed(images(9, seed=1))
    assert features.shape == (9, encoder.width)
    assert features.dtype == np.float32
    assert features.flags["C_CONTIGUOUS"]
    assert np.isfinite(features).all()
    assert len(np.unique(features, axis=0)) == 9
    assert encoder.embed(images(0)).shape == (0, encoder.width)
    alone = np.concatenate([encoder.embed(image[None]) for image in images(9, seed=1)])
    np.testing.assert_allclose(alone, features, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", every("resnet18"))
def test_state_rebuilds_the_encoder(name: str, weights: Path) -> None:
    encoder, _ = fitted(name, weights, images(6))
    meta, arrays = encoder.state()
    again = encoders.get(name).rebuild(meta, arrays, CPU)
    assert (again.image_size, again.width) == (encoder.image_size, encoder.width)
    np.testing.assert_array_equal(again.embed(images(5)), encoder.embed(images(5)))
    assert again.state()[0] == meta


@pytest.mark.parametrize("name", UNLIKE)
def test_same_seed_same_encoder(name: str, weights: Path) -> None:
    first, again = (fitted(name, weights, images(6))[0] for _ in range(2))
    np.testing.assert_array_equal(first.embed(images(5)), again.embed(images(5)))


@pytest.mark.parametrize("name", UNLIKE)
@pytest.mark.parametrize("count", [1, 2, 20])
def test_tiny_pools_and_a_last_batch_of_another_size(name: str, count: int, weights: Path) -> None:
    encoder, _ = fitted(name, weights, images(count))
    assert np.isfinite(encoder.embed(images(3))).all()


@pytest.mark.parametrize("name", UNLIKE)
@pytest.mark.parametrize("count", [1, 6])
def test_images_all_alike(name: str, count: int, weights: Path) -> None:
    encoder, _ = fitted(name, weights, np.full((count, SIDE, SIDE, 3), 7, np.uint8))
    assert np.isfinite(encoder.embed(images(2))).all()


@pytest.mark.parametrize("name", UNLIKE)
def test_grey_pools_and_a_coloured_image_later(name: str, weights: Path) -> None:
    encoder, _ = fitted(name, weights, images(6, grey=True))
    for later in (images(4, grey=True, seed=1), images(4, seed=1)):
        features = encoder.embed(later)
        assert np.isfinite(features).all()
        assert len(np.unique(features, axis=0)) == 4


@pytest.mark.parametrize("name", every())
def test_options_and_default_size(name: str, weights: Path) -> None:
    module, options = encoders.get(name), quick(name, weights)
    assert all(field.description for field in module.Options.model_fields.values())
    assert module.default_size(28, options) == TRAINED.get(name, 28)
    assert module.default_size(5000, options) <= 512
