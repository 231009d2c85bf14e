"""`encoder: auto` is one encoder for the whole campaign, whatever machine goes on with it."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import made_records
import numpy as np
import pytest
import torch
import yaml
from params import set_params
from PIL import Image
from repositories import git as git_of
from squares import SETTINGS
from torchvision import models
from torchvision.models import WeightsEnum
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import load_encoder
from labelcycle.campaign.numpy_files import read_array
from labelcycle.campaign.sample_files import Sample, read_samples
from labelcycle.cli import doctor_checks
from labelcycle.cycle import encoder_choice, run_stage
from labelcycle.cycle.encoder_choice import EncoderChoice, choose, of_file
from labelcycle.errors import PoolExhausted, ServiceDown, SettingsError, StateError
from labelcycle.nn import encoders, pretrained_weights
from labelcycle.rounds import snapshots, trusted_places
from labelcycle.stages.sample_images import load_images

TRAINED = {"model": "resnet18", "weights": "IMAGENET1K_V1"}


def nowhere() -> str:
    raise ServiceDown("no network")


def here() -> str:
    return "trained weights are on this computer"


@pytest.fixture
def unnamed(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """The campaign with encoder: auto, on a computer with neither a GPU nor the internet."""
    set_params(campaign.root, pretrain={"encoder": "auto"})
    monkeypatch.setattr(encoder_choice, "PLAIN", "pixels")  # a hundred times as fast
    monkeypatch.setattr(encoder_choice, "has_gpu", lambda: False)
    return campaign


@pytest.fixture
def cancelled(unnamed: Campaign, flows, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The campaign once auto chose pixels and round 0 was cancelled; played once, then copied."""
    template = tmp_path_factory.getbasetemp() / "cancelled"
    if not template.exists():
        flows.run(str(unnamed.root))
        flows.end_early(str(unnamed.root), "cancel")
        shutil.copytree(unnamed.root, template)
    shutil.rmtree(unnamed.root)
    shutil.copytree(template, unnamed.root)
    return unnamed


def named(campaign: Campaign, revision: str = "") -> str:
    text = campaign.params.read_text()
    if revision:
        text = git.show(campaign.root, revision, "params.yaml").decode()
    return str(yaml.safe_load(text)["pretrain"]["encoder"])


@pytest.mark.parametrize(
    ("images", "download", "gpu", "encoder", "reason"),
    [
        (9, here, False, "torchvision_pretrained", "trained weights are on this computer"),
        (9000, here, True, "torchvision_pretrained", "trained weights are on this computer"),
        (9000, nowhere, False, "patches", "no trained weights (no network); and no GPU"),
        (2000, nowhere, True, "resnet18", "no trained weights (no network), but a GPU for SimCLR"),
        (
            1999,
            nowhere,
            True,
            "patches",
            "no trained weights (no network), and fewer than 2,000 images for SimCLR",
        ),
    ],
)
def test_what_is_best_here(images, download, gpu, encoder, reason) -> None:
    found = choose(images, False, download, lambda: gpu)
    assert found == EncoderChoice(encoder, reason, TRAINED if download is here else {})
    encoders.options_of(encoder, found.options)  # which exist


def test_a_gpu_is_not_looked_for_where_weights_are() -> None:
    choose(9000, False, here, lambda: pytest.fail("asked"))  # for that imports torch


def test_small_grey_images_want_no_weights() -> None:
    found = choose(9, True, lambda: pytest.fail("downloads"), lambda: False)
    reason = "small grey images, for which trained weights are no better; and no GPU"
    assert found == EncoderChoice("patches", reason)


@pytest.mark.parametrize(
    ("side", "colour", "found"), [(32, False, True), (33, False, False), (32, True, False)]
)
def test_images_are_small_and_grey(tmp_path: Path, side: int, colour: bool, found: bool) -> None:
    campaign, samples = Campaign(tmp_path), []
    campaign.images.mkdir(parents=True)
    for number in range(3):
        pixels = np.full((side, side + 9, 3), 60 * number, np.uint8)
        pixels[:, :, 2] += 9 * (colour and number == 2)
        samples.append(Sample(str(number), f"{number}.png", "", "pool", side + 9, side))
        Image.fromarray(pixels).save(campaign.images / f"{number}.png")
    assert encoder_choice.small_and_grey(campaign, samples) == found


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("weights/resnet50-0676ba61.pth", "resnet50"),
        ("efficientnet_b0_rwightman-7f5810bc.pth", "efficientnet_b0"),
        ("../ViT_B_16.safetensors", "vit_b_16"),
    ],
)
def test_a_file_says_its_model_by_its_name(file: str, model: str) -> None:
    found = of_file(file)
    assert (found.encoder, found.options) == (
        "torchvision_pretrained",
        {"model": model, "file": file},
    )


@pytest.mark.parametrize("file", ["fasterrcnn_resnet50_fpn-258fb6c6.pth", "raft_large_C_T.pth"])
def test_a_model_that_says_no_class_of_an_image_is_none_of_ours(file: str) -> None:
    with pytest.raises(SettingsError, match=rf"name begins .* torchvision model.*got '{file}'"):
        of_file(file)


def test_the_encoder_of_the_rounds_before_comes_with_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"model": "resnet18", "file": "w.pth"}
    before = {"pretrain": {"encoder": "torchvision_pretrained", "options": options}}
    shown: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        git, "show", lambda *given: shown.append(given) or yaml.safe_dump(before).encode()
    )
    for weights in (None, "w.pth"):
        now = made_records.snapshot(tmp_path, number=3, pretrain={"weights": weights})
        assert encoder_choice.certain(now) == EncoderChoice(
            "torchvision_pretrained", "as the rounds before have it", options
        )
    assert shown == [(now.campaign.root, "open/002", "params.yaml")] * 2


def test_a_file_of_an_unknown_model_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"got 'resnet18x.pth'\).*options model and file"):
        of_file("resnet18x.pth")


def test_a_file_of_a_model_without_a_linear_last_layer_is_refused() -> None:
    said = (
        r"linear last layer.*got 'w/squeezenet1_0-b66bff10.pth' of squeezenet1_0, which ends .*Conv"
    )
    with pytest.raises(SettingsError, match=said + r"2d\); name a file of another model"):
        of_file("w/squeezenet1_0-b66bff10.pth")
    assert of_file("regnet_x_400mf-adf1edd5.pth").options["model"] == "regnet_x_400mf"


def test_round_0_chooses_and_the_commit_has_the_name(unnamed: Campaign, flows, capsys) -> None:
    flows.run(str(unnamed.root))
    reason = "no trained weights (LABELCYCLE_OFFLINE is set); and no GPU"
    said = f"pretrain.encoder: auto is pixels in this campaign: {reason};"
    assert said in capsys.readouterr().out
    assert f"  encoder: pixels  # chosen by auto: {reason}\n" in unnamed.params.read_text()
    assert named(unnamed, "open/000") == "pixels"


@pytest.mark.parametrize(
    "written",
    [pytest.param("", marks=pytest.mark.slow), "auto"],
    ids=["as committed", "auto written again"],
)
def test_a_better_machine_goes_on_with_the_same_encoder(
    unnamed: Campaign, flows, answer_all, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    flows.run(str(unnamed.root))
    answer_all()
    flows.run(str(unnamed.root))
    other = Campaign(unnamed.root.with_name("other"))
    git_of(unnamed.root.parent, "clone", "-q", str(unnamed.root), str(other.root))
    for folder in ("data", "work"):  # which `labelcycle pull` brings
        shutil.copytree(unnamed.root / folder, other.root / folder, dirs_exist_ok=True)
    monkeypatch.setattr(encoder_choice, "downloaded", here)
    monkeypatch.setattr(encoder_choice, "has_gpu", lambda: True)
    if written:
        set_params(other.root, pretrain={"encoder": written})
    before = (other.encoder / "weights.safetensors").read_bytes()
    flows.open_now(str(other.root))
    assert named(other, "open/001") == "pixels"
    assert (other.encoder / "weights.safetensors").read_bytes() == before


@pytest.mark.parametrize("lacking", ["backend", "budget", "gold"])
def test_nothing_is_chosen_for_a_round_that_cannot_open(
    unnamed: Campaign, flows, backend: WatchedFiles, lacking: str
) -> None:
    settings = {"budget": {"query": {"budget": 99}}, "gold": {"push": {"gold_share": 0.5}}}
    backend.down = lacking == "backend"
    set_params(unnamed.root, **settings.get(lacking, {}))
    with pytest.raises((ServiceDown, PoolExhausted, SettingsError)):
        flows.run(str(unnamed.root))
    assert named(unnamed) == "auto"  # which images that come by then may change


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:strategies compare directions")
def test_weights_in_torchs_folder_become_features(
    unnamed: Campaign, flows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights, under a name with their digest as torchvision gives them out."""
    path = tmp_path / "resnet18.pth"
    torch.save(models.resnet18(weights=None).state_dict(), path)
    name = f"resnet18-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    kept = tmp_path / "torch" / "hub" / "checkpoints" / name
    kept.parent.mkdir(parents=True)
    path.rename(kept)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    real = models.ResNet18_Weights.IMAGENET1K_V1.value
    ours = WeightsEnum("Ours", {"IMAGENET1K_V1": replace(real, url=f"https://example.org/{name}")})
    monkeypatch.setattr(pretrained_weights, "preset", lambda model, weights: ours[weights])
    set_params(unnamed.root, pretrain={"image_size": 32})
    flows.run(str(unnamed.root))
    found = config.parse(yaml.safe_load(git.show(unnamed.root, "open/000", "params.yaml"))).pretrain
    assert (found.encoder, found.options) == ("torchvision_pretrained", TRAINED)
    encoder = load_encoder(unnamed.encoder)
    assert encoder.width == 512
    images = load_images(unnamed, read_samples(unnamed.samples, "pool")[:2], 32)
    features = read_array(unnamed.split_features("pool"))
    np.testing.assert_allclose(features[:2], encoder.embed(images), rtol=1e-3, atol=1e-4)


def test_auto_written_again_is_the_encoder_of_the_rounds_before(
    cancelled: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_choice, "downloaded", here)
    set_params(cancelled.root, pretrain={"encoder": "auto"})
    said: list[str] = []
    assert encoder_choice.settle(snapshots.read(cancelled.root), said.append)
    assert named(cancelled) == "pixels"
    assert "as the rounds before have it" in said[0]


def test_weights_do_not_change_the_encoder_of_the_rounds_before(cancelled: Campaign, flows) -> None:
    file = "resnet18-f37072fd.pth"
    (cancelled.root / file).touch()
    set_params(cancelled.root, pretrain={"encoder": "auto", "weights": file})
    wanted = (
        r"^pretrain.weights: wanted null with encoder: auto after round 0, .*rounds before, pixels"
        rf" \(got '{file}'\); .*write encoder: torchvision_pretrained"
    )
    with pytest.raises(SettingsError, match=wanted):
        flows.open_now(str(cancelled.root))
    assert config.load(cancelled.params).pretrain.weights == file


def test_a_round_before_that_names_no_encoder_is_of_another_version(cancelled: Campaign) -> None:
    text = yaml.safe_load(cancelled.params.read_text())
    del text["pretrain"]["encoder"]
    cancelled.params.write_text(yaml.safe_dump(text))
    git_of(cancelled.root, "commit", "-q", "-a", "-m", "as another version had it")
    git_of(cancelled.root, "tag", "-f", "open/000")
    wanted = r"^params.yaml of open/000 names no encoder: .*another version of labelcycle wrote it"
    with pytest.raises(StateError, match=wanted):
        encoder_choice.settle(snapshots.read(cancelled.root), print)


def test_a_file_of_weights_is_taken_without_a_download(unnamed: Campaign) -> None:
    file = "resnet18-f37072fd.pth"
    set_params(unnamed.root, pretrain={"weights": file})
    with pytest.raises(StateError, match=rf"^no file {file} in the campaign: .*weights: null$"):
        encoder_choice.settle(snapshots.read(unnamed.root), print)
    (unnamed.root / file).touch()
    assert encoder_choice.settle(snapshots.read(unnamed.root), print)
    found = config.load(unnamed.params).pretrain
    assert (found.encoder, found.weights) == ("torchvision_pretrained", None)
    assert found.options == {"model": "resnet18", "file": file}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            {"encoder": "auto", "options": {"epochs": 3}},
            r"pretrain.options: wanted none with encoder: auto, .*\(got epochs\); name the encoder",
        ),
        (
            {"encoder": "pixels", "weights": "resnet18.pth"},
            r"pretrain.weights: wanted null with encoder: pixels, .*\(got 'resnet18.pth'\)",
        ),
    ],
)
def test_settings_of_another_encoder_are_refused(values, error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        config.parse({**SETTINGS, "pretrain": values})


def test_a_stage_run_by_hand_does_not_choose(unnamed: Campaign) -> None:
    with pytest.raises(SettingsError, match=r"none was chosen yet.*`labelcycle run`"):
        run_stage.run_stage("pretrain", unnamed.root, print)


def test_doctor_says_that_it_is_still_open(unnamed: Campaign) -> None:
    said = "auto: the next open chooses one, which then stays"
    assert told_by_doctor(unnamed) == {"pretrain.encoder": (True, said)}


def test_doctor_says_what_the_rounds_before_have(cancelled: Campaign) -> None:
    set_params(cancelled.root, pretrain={"encoder": "auto"})
    said = "auto: the next open takes pixels: as the rounds before have it"
    assert told_by_doctor(cancelled) == {"pretrain.encoder": (True, said)}


def test_doctor_looks_at_the_file_of_weights_as_the_next_run_does(unnamed: Campaign) -> None:
    odd, file = unnamed.root / "mine.pth", unnamed.root / "resnet18-mine.pth"
    found = []
    for name, there in ((odd.name, False), (odd.name, True), (file.name, True)):
        set_params(unnamed.root, pretrain={"weights": name})
        if there:
            (unnamed.root / name).write_bytes(b"no weights")
        found.append(told_by_doctor(unnamed))
    torch.save({"a": torch.zeros(1)}, file)
    found.append(told_by_doctor(unnamed))
    for each, problem in zip(found, ("no file mine.pth", "wanted a file whose name"), strict=False):
        well, said = each["pretrain.encoder"]
        assert not well
        assert problem in said
    key = f"pretrain.weights, {file.name}"
    assert found[2][key][1].startswith(f"cannot read {file.name}: wanted weights of resnet18")
    assert (found[2][key][0], found[3][key]) == (False, (True, "1 arrays of weights"))
    said = "auto: the next open takes torchvision_pretrained: pretrain.weights named them"
    assert found[3]["pretrain.encoder"] == (True, said)


def told_by_doctor(campaign: Campaign) -> dict[str, tuple[bool | None, str]]:
    lines = doctor_checks.all_checks(campaign.root)
    return {line[0]: line[1:3] for line in lines if line[0].startswith("pretrain.")}


def test_a_misspelt_auto_is_recognised() -> None:
    wanted = r"unknown encoder 'atuo'; did you mean 'auto'\? wanted one of auto, patches"
    with pytest.raises(SettingsError, match=wanted):
        config.parse({**SETTINGS, "pretrain": {"encoder": "atuo"}})


def test_weights_outside_the_campaign_are_not_read_unasked(tmp_path: Path) -> None:
    assert trusted_places.places("pretrain: {weights: ../resnet18.pth}") == (
        "pretrain.weights = ../resnet18.pth",
    )


def test_confirmed_weights_are_confirmed_where_auto_writes_them(
    unnamed: Campaign, tmp_path: Path
) -> None:
    (tmp_path / "resnet18.pth").touch()
    set_params(unnamed.root, pretrain={"weights": "../resnet18.pth"})
    git_of(unnamed.root, "commit", "-q", "-a", "-m", "weights of ours")
    clone = Campaign(tmp_path / "clone")
    git_of(tmp_path, "clone", "-q", str(unnamed.root), str(clone.root))
    with pytest.raises(StateError, match=r"came from elsewhere .*: pretrain.weights = \.\./resnet"):
        trusted_places.check(clone)
    trusted_places.confirm(clone)
    assert encoder_choice.settle(snapshots.read(clone.root), print)
    trusted_places.check(clone)
    assert trusted_places.places(clone.params.read_text()) == (
        "pretrain.options.file = ../resnet18.pth",
    )
