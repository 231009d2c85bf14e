"""The battery that every encoder passes, and what is special to some."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchvision import models

from labelcycle.errors import DataError, ServiceDown, SettingsError
from labelcycle.nn import encoders
from labelcycle.nn.encoders import smallconv, torchvision_pretrained
from labelcycle.nn.pca import principal_components
from labelcycle.nn.progress import Progress

CPU = torch.device("cpu")
SIDE = 8
QUICK: dict[str, dict[str, Any]] = {
    "pixels": {"components": 5},
    "resnet18": {"epochs": 1, "batch": 4, "learning_rate": 0.01},
    "resnet34": {"epochs": 1, "batch": 4, "learning_rate": 0.01},
    "smallconv": {"epochs": 2, "batch": 8},
    "torchvision_pretrained": {},
}


def every(*slow: str) -> list[Any]:
    """Every encoder; `slow` ones stand for code that another test of the quick part goes through.

    resnet34 is resnet18 with more layers.
    """
    return [
        pytest.param(name, marks=[pytest.mark.slow] if name in (*slow, "resnet34") else [])
        for name in encoders.names()
    ]


def images(count: int, side: int = SIDE, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def run(fitting: encoders.Fitting) -> tuple[encoders.Encoder, list[Progress]]:
    steps: list[Progress] = []
    while True:
        try:
            steps.append(next(fitting))
        except StopIteration as end:
            return end.value, steps


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a ResNet-18 with two classes."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(models.resnet18(weights=None, num_classes=2).state_dict(), path)
    return path


def quick(name: str, weights_file: Path) -> Any:
    own = {"file": str(weights_file)} if name == "torchvision_pretrained" else QUICK[name]
    return encoders.options_of(name, own)


def fitted(
    name: str, weights_file: Path, count: int = 6
) -> tuple[encoders.Encoder, list[Progress]]:
    module, options = encoders.get(name), quick(name, weights_file)
    return run(module.fit(images(count), options, 3, CPU))


def test_the_battery_knows_every_encoder() -> None:
    assert set(QUICK) == set(encoders.names())


@pytest.mark.parametrize("name", every())
def test_contract(name: str, weights_file: Path) -> None:
    encoder, steps = fitted(name, weights_file)
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
def test_state_rebuilds_the_encoder(name: str, weights_file: Path) -> None:
    encoder, _ = fitted(name, weights_file)
    meta, arrays = encoder.state()
    again = encoders.get(name).rebuild(meta, arrays, CPU)
    assert (again.image_size, again.width) == (encoder.image_size, encoder.width)
    np.testing.assert_array_equal(again.embed(images(5)), encoder.embed(images(5)))
    assert again.state()[0] == meta


@pytest.mark.parametrize("name", every("resnet18", "torchvision_pretrained"))
def test_same_seed_same_encoder(name: str, weights_file: Path) -> None:
    first, again = (fitted(name, weights_file)[0] for _ in range(2))
    np.testing.assert_array_equal(first.embed(images(5)), again.embed(images(5)))


@pytest.mark.parametrize("name", every("resnet18", "torchvision_pretrained"))
@pytest.mark.parametrize("count", [1, 2])
def test_pools_of_one_and_two(name: str, count: int, weights_file: Path) -> None:
    encoder, _ = fitted(name, weights_file, count)
    assert np.isfinite(encoder.embed(images(3))).all()


@pytest.mark.parametrize("name", every("resnet18", "torchvision_pretrained"))
def test_images_all_alike(name: str, weights_file: Path) -> None:
    module, options = encoders.get(name), quick(name, weights_file)
    encoder, _ = run(module.fit(np.full((6, SIDE, SIDE, 3), 7, np.uint8), options, 0, CPU))
    assert np.isfinite(encoder.embed(images(2))).all()


@pytest.mark.parametrize("name", every())
def test_options_and_default_size(name: str, weights_file: Path) -> None:
    module, options = encoders.get(name), quick(name, weights_file)
    assert all(field.description for field in module.Options.model_fields.values())
    size = module.default_size(28, options)
    assert size == (256 if name == "torchvision_pretrained" else 28)
    assert module.default_size(5000, options) <= 512


def test_unknown_encoder_gets_the_near_names() -> None:
    with pytest.raises(SettingsError, match=r"unknown encoder 'smalconv'.*mean smallconv"):
        encoders.get("smalconv")


def test_unknown_option_gets_the_near_name() -> None:
    with pytest.raises(SettingsError, match=r"pixels: component: unknown key.*mean 'components'"):
        encoders.options_of("pixels", {"component": 3})


def test_option_out_of_range_is_named() -> None:
    with pytest.raises(SettingsError, match=r"encoder pixels: components: wanted .*got 0"):
        encoders.options_of("pixels", {"components": 0})


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (12, 12), (2, 5)])
def test_principal_components_are_those_of_the_svd(shape: tuple[int, int]) -> None:
    data = np.random.default_rng(0).normal(size=shape)
    data -= data.mean(axis=0)
    found = principal_components(data, 4)
    slow = np.linalg.svd(data, full_matrices=False)[2][: len(found)]
    np.testing.assert_allclose(np.abs(np.sum(found * slow, axis=1)), 1, atol=1e-9)
    largest = np.abs(found).argmax(axis=1)
    assert (found[np.arange(len(found)), largest] > 0).all()
    assert len(found) == min(4, *shape, shape[0] - 1)


def test_small_images_keep_their_resolution_in_a_resnet() -> None:
    resnet = importlib.import_module("labelcycle.nn.resnet")
    small, large = resnet.backbone("resnet18", 63), resnet.backbone("resnet18", 64)
    assert small[1].conv1.stride == (1, 1)
    assert isinstance(small[1].maxpool, torch.nn.Identity)
    assert large[1].conv1.stride == (2, 2)


def pretrained(**options: str) -> Any:
    return encoders.options_of("torchvision_pretrained", options)


def test_pretrained_features_are_those_before_the_last_layer(weights_file: Path) -> None:
    encoder, _ = run(
        torchvision_pretrained.fit(images(1, 256), pretrained(file=str(weights_file)), 0, CPU)
    )
    network = models.resnet18(weights=None, num_classes=2)
    network.load_state_dict(torch.load(weights_file, weights_only=True))
    preset = models.ResNet18_Weights.DEFAULT.transforms()
    batch = preset(torch.from_numpy(images(2, 256)).permute(0, 3, 1, 2))
    with torch.inference_mode():
        logits = network.eval()(batch)
        expected = network.fc(torch.from_numpy(encoder.embed(images(2, 256))))
    torch.testing.assert_close(expected, logits, rtol=1e-3, atol=1e-3)
    assert encoder.width == 512


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"model": "resnet19"}, SettingsError, r"unknown model 'resnet19'.*resnet1"),
        ({"weights": "BEST"}, SettingsError, r"unknown weights 'BEST' of resnet18.*DEFAULT"),
        ({"file": "none.pth"}, DataError, r"cannot read none.pth: wanted weights of resnet18"),
        ({"model": "squeezenet1_0", "file": "x"}, SettingsError, r"has no linear last layer"),
    ],
)
def test_pretrained_errors(options: dict[str, str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        run(torchvision_pretrained.fit(images(1), pretrained(**options), 0, CPU))


def test_pretrained_weights_of_another_model(weights_file: Path) -> None:
    options = pretrained(model="resnet34", file=str(weights_file))
    with pytest.raises(DataError, match=r"do not fit resnet34: no .*set pretrain.options.model"):
        run(torchvision_pretrained.fit(images(1), options, 0, CPU))


def test_pretrained_file_that_is_no_weights_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"cannot read .*weights.pth"):
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(path)), 0, CPU))


def test_pretrained_download_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ServiceDown, match=r"cannot download the weights of resnet18: .*try again"):
        run(torchvision_pretrained.fit(images(1), pretrained(), 0, CPU))


@pytest.mark.slow
def test_pretrained_image_size_a_transformer_refuses(tmp_path: Path) -> None:
    path = tmp_path / "vit.pth"
    torch.save(models.vit_b_32(weights=None).state_dict(), path)
    options = pretrained(model="vit_b_32", file=str(path))
    with pytest.raises(SettingsError, match=r"image_size is 8, which vit_b_32 does not take"):
        run(torchvision_pretrained.fit(images(1), options, 0, CPU))


@pytest.mark.parametrize("side", [28, 32, 20])
def test_pooling_on_a_grid_is_the_adaptive_one(side: int) -> None:
    network = smallconv.Convolutions(4)
    batch = torch.rand((3, 3, side, side), generator=torch.Generator().manual_seed(0))
    last = network.layers((batch - 0.5) * 4)
    for grid in (2, 4):
        expected = torch.nn.functional.adaptive_avg_pool2d(last, grid).flatten(1)
        torch.testing.assert_close(network.pooled(batch, grid), expected)
