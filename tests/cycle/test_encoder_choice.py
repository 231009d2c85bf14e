"""`encoder: auto` is one encoder for the whole campaign, whatever machine goes on with it."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from params import set_params
from PIL import Image
from squares import SETTINGS

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.cli import doctor_checks
from labelcycle.cycle import encoder_choice, run_stage
from labelcycle.cycle.encoder_choice import EncoderChoice, choose, of_file
from labelcycle.errors import ServiceDown, SettingsError, StateError
from labelcycle.nn import encoders
from labelcycle.rounds import snapshots

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


def test_a_file_of_an_unknown_model_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"got 'resnet18x.pth'\).*options model and file"):
        of_file("resnet18x.pth")


def test_round_0_chooses_and_the_commit_has_the_name(unnamed: Campaign, flows, capsys) -> None:
    flows.run(str(unnamed.root))
    reason = "no trained weights (LABELCYCLE_OFFLINE is set); and no GPU"
    said = f"pretrain.encoder: auto is pixels in this campaign: {reason};"
    assert said in capsys.readouterr().out
    assert f"  encoder: pixels  # chosen by auto: {reason}\n" in unnamed.params.read_text()
    assert named(unnamed, "open/000") == "pixels"


def test_it_stays_where_more_is_possible_later(
    unnamed: Campaign, flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows.run(str(unnamed.root))
    monkeypatch.setattr(encoder_choice, "downloaded", here)
    clone = unnamed.root.with_name("clone")
    subprocess.run(["git", "clone", "-q", str(unnamed.root), str(clone)], check=True)
    for place in (unnamed, Campaign(clone)):
        assert not encoder_choice.settle(snapshots.read(place.root), print)
        assert named(place) == "pixels"


def test_auto_written_again_is_the_encoder_of_the_rounds_before(
    unnamed: Campaign, flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows.run(str(unnamed.root))
    flows.end_early(str(unnamed.root), "cancel")
    monkeypatch.setattr(encoder_choice, "downloaded", here)
    set_params(unnamed.root, pretrain={"encoder": "auto"})
    said: list[str] = []
    assert encoder_choice.settle(snapshots.read(unnamed.root), said.append)
    assert named(unnamed) == "pixels"
    assert "as the rounds before have it" in said[0]


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
    lines = {line[0]: line[1:] for line in doctor_checks.all_checks(unnamed.root)}
    assert lines["pretrain.encoder"][:2] == (
        True,
        "auto: the next open chooses one, which then stays",
    )


def test_weights_outside_the_campaign_are_not_read_unasked(tmp_path: Path) -> None:
    from labelcycle.rounds import trusted_places

    assert trusted_places.places("pretrain: {weights: ../resnet18.pth}") == (
        "pretrain.options.file = ../resnet18.pth",
    )
