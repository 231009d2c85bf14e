"""Encoders with trained weights, from files made here: nothing is downloaded."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from encoding import CPU, images, run
from torchvision import models
from torchvision.models import WeightsEnum
from websites import Page, served

from labelcycle.errors import DataError, ServiceDown, SettingsError
from labelcycle.nn import encoders, pretrained_weights, resnet, start_weights
from labelcycle.nn.downloaded_weights import OFFLINE
from labelcycle.nn.encoders import timm_pretrained, torchvision_pretrained


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a ResNet-18 with two classes."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(models.resnet18(weights=None, num_classes=2).state_dict(), path)
    return path


def pretrained(**options: str) -> Any:
    return encoders.options_of("torchvision_pretrained", options)


@pytest.mark.slow
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
        (
            {"model": "squeezenet1_0", "file": "x"},
            SettingsError,
            r"linear last layer .*got squeezenet1_0, which ends with Conv2d; choose another",
        ),
    ],
)
def test_pretrained_errors(options: dict[str, str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        run(torchvision_pretrained.fit(images(1), pretrained(**options), 0, CPU))


def test_pretrained_weights_of_another_model(weights_file: Path) -> None:
    options = pretrained(model="resnet34", file=str(weights_file))
    with pytest.raises(DataError, match=r"do not fit resnet34: no .*set pretrain.options.model"):
        run(torchvision_pretrained.fit(images(1), options, 0, CPU))


WRONG = {
    "a list": ([torch.zeros(3)], r"holds no weights: .*resnet18.*got a list; write them with"),
    "a tensor": (torch.zeros(3), r"holds no weights: .*got a Tensor; write them"),
    "nothing": ({}, r"holds no weights: .*got none; write them"),
    "settings": ({"epoch": 3}, r"holds no weights: .*got a int as epoch; write them"),
    "a whole network": (torch.nn.Linear(2, 2), r"holds no weights: .*a pickled model or other obj"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_holds_no_state_dict(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    value, said = WRONG[kind]
    torch.save(value, path)
    with pytest.raises(DataError, match=rf"^{path} {said}") as raised:
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(path)), 0, CPU))
    assert "weights_only" not in str(raised.value)  # which would let the file run code


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_weights_in_a_checkpoint(key: str, weights_file: Path, tmp_path: Path) -> None:
    weights = torch.load(weights_file, weights_only=True)
    torch.save({"epoch": 3, key: weights}, tmp_path / "w.pth")
    found = pretrained_weights.from_file(str(tmp_path / "w.pth"), "resnet18")
    assert found.keys() == weights.keys()


@pytest.mark.parametrize(
    ("value", "suffix"), [(float("nan"), "pth"), (float("inf"), "safetensors")]
)
def test_weights_of_a_training_that_went_wrong(
    value: float, suffix: str, weights_file: Path, tmp_path: Path
) -> None:
    weights = torch.load(weights_file, weights_only=True)
    weights["layer1.0.conv1.weight"][0, 0] = value
    path = tmp_path / f"w.{suffix}"
    if suffix == "pth":
        torch.save(weights, path)
    else:
        safetensors.torch.save_file(weights, path)
    said = rf"^{path} holds broken weights: wanted finite .*got 9 others in layer1.0.conv1.weight"
    with pytest.raises(DataError, match=said):
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(path)), 0, CPU))
    with pytest.raises(DataError, match=said):
        started(32, file=str(path))


def test_weights_for_grey_images(weights_file: Path, tmp_path: Path) -> None:
    weights = torch.load(weights_file, weights_only=True)
    weights["conv1.weight"] = weights["conv1.weight"][:, :1].clone()
    path = tmp_path / "w.pth"
    torch.save(weights, path)
    said = rf"in {path} are for images of 1 channels: .*\(64, 3, 7, 7\), got \(64, 1, 7, 7\)"
    with pytest.raises(DataError, match=rf"{said}.*take weights of resnet18 for colour images"):
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(path)), 0, CPU))
    with pytest.raises(DataError, match="are for images of 1 channels"):
        started(64, file=str(path))


def test_weights_under_other_names(weights_file: Path, tmp_path: Path) -> None:
    weights = torch.load(weights_file, weights_only=True)
    path = tmp_path / "w.pth"
    torch.save({f"module.{name}": value for name, value in weights.items()}, path)
    with pytest.raises(DataError, match=r"do not fit resnet18: no conv1.weight, got module.conv1"):
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(path)), 0, CPU))


def test_weights_of_a_wider_network(weights_file: Path, tmp_path: Path) -> None:
    weights = torch.load(weights_file, weights_only=True)
    weights["bn1.weight"] = torch.ones(32)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"do not fit resnet18: wanted bn1.weight of shape \(64,"):
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(tmp_path / "w.pth")), 0, CPU))


def test_pretrained_file_that_is_no_weights_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"cannot read .*weights.pth.*got another kind of file"):
        run(torchvision_pretrained.fit(images(1), pretrained(file=str(path)), 0, CPU))


def test_pretrained_download_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv(OFFLINE)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ServiceDown, match=r"cannot download the weights of resnet18: .*try again"):
        run(torchvision_pretrained.fit(images(1), pretrained(), 0, CPU))


@pytest.mark.parametrize("encoder", ["torchvision_pretrained", "resnet18"])
def test_a_named_encoder_without_its_weights_where_nothing_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoder: str
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    options = encoders.options_of(encoder, {"weights": "IMAGENET1K_V1"})
    wanted = (
        r"^LABELCYCLE_OFFLINE is set, so the weights of resnet18 are not downloaded: .*"
        rf"put resnet18-f37072fd.pth into {tmp_path}/hub/checkpoints, set pretrain.options.file"
    )
    with pytest.raises(SettingsError, match=wanted):
        run(encoders.get(encoder).fit(images(2), options, 0, CPU))


def test_pretrained_weights_that_were_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    kept = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"PK")
    with pytest.raises(DataError, match=rf"^{kept} is cut or another file: .*remove it"):
        run(torchvision_pretrained.fit(images(1), pretrained(weights="IMAGENET1K_V1"), 0, CPU))


def test_pretrained_weights_that_a_server_sends_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(OFFLINE)
    torch.save({}, tmp_path / "other.pth")
    name = "resnet18-f37072fd.pth"
    with served({f"/{name}": Page((tmp_path / "other.pth").read_bytes())}) as site:
        real = models.ResNet18_Weights.IMAGENET1K_V1.value
        sent = WeightsEnum("Sent", {"V1": replace(real, url=f"{site.url}/{name}")})
        monkeypatch.setattr(pretrained_weights, "preset", lambda model, weights: sent[weights])
        with pytest.raises(ServiceDown, match=r"cannot download the weights of resnet18: .*hash"):
            pretrained_weights.from_torchvision("resnet18", "V1", None)


@pytest.mark.slow
def test_pretrained_image_size_a_transformer_refuses(tmp_path: Path) -> None:
    path = tmp_path / "vit.pth"
    torch.save(models.vit_b_32(weights=None).state_dict(), path)
    options = pretrained(model="vit_b_32", file=str(path))
    with pytest.raises(SettingsError, match=r"image_size is 8, which vit_b_32 does not take"):
        run(torchvision_pretrained.fit(images(1), options, 0, CPU))


def timm_options(**options: str) -> Any:
    return encoders.options_of("timm_pretrained", {"model": "test_vit", **options})


@pytest.fixture(scope="session")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of timm's smallest vision transformer, with two classes."""
    timm = pytest.importorskip("timm", reason="the package timm is not installed")
    path = tmp_path_factory.mktemp("weights") / "transformer.safetensors"
    network = timm.create_model("test_vit", num_classes=2)
    safetensors.torch.save_file(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_timm_features_are_those_before_the_last_layer(transformer: Path) -> None:
    import timm

    options = timm_options(file=str(transformer))
    size = timm_pretrained.default_size(28, options)
    encoder, _ = run(timm_pretrained.fit(images(1, size), options, 0, CPU))
    network = timm.create_model("test_vit", num_classes=2).eval()
    network.load_state_dict(safetensors.torch.load_file(transformer))
    side = network.pretrained_cfg["input_size"][-1]
    start = (size - side) // 2
    pixels = torch.from_numpy(images(2, size)).permute(0, 3, 1, 2).float() / 255
    batch = (pixels[:, :, start : start + side, start : start + side] - 0.5) / 0.5
    with torch.inference_mode():
        expected = network.forward_head(network.forward_features(batch), pre_logits=True)
    assert encoder.width == 64
    np.testing.assert_allclose(encoder.embed(images(2, size)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_transformers_positions_are_resampled_to_another_size(transformer: Path) -> None:
    encoder, _ = run(
        timm_pretrained.fit(images(1, 84), timm_options(file=str(transformer)), 0, CPU)
    )
    again = timm_pretrained.rebuild(*encoder.state(), CPU)
    np.testing.assert_array_equal(again.embed(images(2, 84)), encoder.embed(images(2, 84)))


@pytest.mark.slow
def test_timm_weights_that_lack_a_layer_are_refused(transformer: Path, tmp_path: Path) -> None:
    weights = safetensors.torch.load_file(transformer)
    del weights["blocks.1.attn.qkv.weight"]
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": weights}, path)
    with pytest.raises(DataError, match=r"do not fit test_vit: .*blocks.1.attn.qkv.weight"):
        run(timm_pretrained.fit(images(1, 168), timm_options(file=str(path)), 0, CPU))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"model": "vit_small_dino"}, SettingsError, r"unknown model .*near: .*vit_small"),
        ({"file": "none.pth"}, DataError, r"cannot read none.pth: wanted weights of test_vit"),
    ],
)
def test_timm_errors(options: dict[str, str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        run(timm_pretrained.fit(images(1, 168), timm_options(**options), 0, CPU))


@pytest.mark.slow
def test_timm_images_smaller_than_a_patch(transformer: Path) -> None:
    with pytest.raises(SettingsError, match=r"image_size is 8, which test_vit does not take"):
        run(timm_pretrained.fit(images(1), timm_options(file=str(transformer)), 0, CPU))


TIMM_OFFLINE = """
from encoding import CPU, images, run
from labelcycle.nn import encoders
module = encoders.get("timm_pretrained")
options = encoders.options_of("timm_pretrained", {"model": "test_vit"})
try:
    run(module.fit(images(1, 168), options, 0, CPU))
except encoders.SettingsError as error:
    print(error)
    import huggingface_hub
    print(huggingface_hub.constants.HF_HUB_OFFLINE)
"""


@pytest.mark.slow
def test_timm_downloads_nothing_where_that_is_switched_off(tmp_path: Path) -> None:
    pytest.importorskip("timm", reason="the package timm is not installed")
    support = Path(__file__).parents[1] / "support"
    done = subprocess.run(
        [sys.executable, "-c", TIMM_OFFLINE],
        env={**os.environ, "HF_HOME": str(tmp_path), "PYTHONPATH": str(support)},
        capture_output=True,
        text=True,
        check=True,
    )
    text, asks_nobody = done.stdout.splitlines()
    assert "LABELCYCLE_OFFLINE is set, so the weights of test_vit are not downloaded" in text
    assert "cache of huggingface_hub" in text
    assert asks_nobody == "True"


@pytest.mark.slow
def test_timm_models_of_no_hub_are_refused_where_nothing_is_downloaded() -> None:
    pytest.importorskip("timm", reason="the package timm is not installed")
    options = timm_options(model="gcvit_xxtiny.in1k")
    size = timm_pretrained.default_size(28, options)
    wanted = r"of gcvit_xxtiny.in1k are not downloaded: .*; take a model of"
    with pytest.raises(SettingsError, match=wanted):
        run(timm_pretrained.fit(images(1, size), options, 0, CPU))


def test_without_timm_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SettingsError, match=r"needs the package timm.*labelcycle\[timm\]"):
        timm_pretrained.default_size(28, timm_options())


def started(side: int, **options: str | None) -> Any:
    return start_weights.started(
        resnet.backbone("resnet18", side), "resnet18", start_weights.Options(**options)
    )[1].state_dict()


@pytest.mark.slow
def test_a_training_starts_from_the_weights_of_a_file(weights_file: Path) -> None:
    given = torch.load(weights_file, weights_only=True)
    large, small = (started(side, file=str(weights_file)) for side in (64, 32))
    for name, value in large.items():
        assert torch.equal(value, given[name])
    assert torch.equal(small["conv1.weight"], given["conv1.weight"][:, :, 2:5, 2:5])
    assert all(torch.equal(small[name], given[name]) for name in small if name != "conv1.weight")


@pytest.mark.slow
def test_a_training_of_no_steps_to_speak_of_keeps_the_weights(weights_file: Path) -> None:
    options = encoders.options_of(
        "resnet18", {"file": str(weights_file), "epochs": 1, "learning_rate": 1e-12}
    )
    encoder, _ = run(encoders.get("resnet18").fit(images(4), options, 0, CPU))
    given = torch.load(weights_file, weights_only=True)
    kept = encoder.state()[1]["1.layer4.1.conv2.weight"]
    np.testing.assert_allclose(kept, given["layer4.1.conv2.weight"], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"weights": "BEST"}, SettingsError, r"unknown weights 'BEST' of resnet18.*DEFAULT"),
        ({"file": "none.pth"}, DataError, r"cannot read none.pth"),
    ],
)
def test_starting_errors(options: dict[str, str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        started(32, **options)


def test_a_training_does_not_start_from_another_networks_weights(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"do not fit resnet18: no bn1.weight"):
        started(64, file=str(tmp_path / "w.pth"))
