"""The stages pretrain and embed on a small campaign."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from labelcycle.campaign import json_files, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import load_encoder
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import encoders, process_rank
from labelcycle.nn.progress import Progress
from labelcycle.stages import embed, pretrain, pretrain_training
from labelcycle.stages.sample_images import load_images, median_side

PIXELS = pretrain.Options(encoder="pixels", options={"components": 4})
PATCHES = pretrain.Options(
    encoder="patches", options={"centres": 6, "grid": 2, "components": 4, "drawn": 200}
)
SMALL = pretrain.Options(
    encoder="smallconv", threads=1, options={"epochs": 3, "batch": 8, "width": 4, "components": 6}
)


def ignore(progress: Progress) -> None:
    """Show nothing."""


def weights(campaign: Campaign) -> dict[str, Any]:
    return safetensors.numpy.load_file(campaign.encoder / "weights.safetensors")


def same_weights(first: dict[str, Any], second: dict[str, Any]) -> bool:
    assert first.keys() == second.keys()
    return all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("options", [PIXELS, SMALL], ids=["pixels", "smallconv"])
def test_end_to_end(small_campaign: Campaign, options: pretrain.Options) -> None:
    shown: list[Progress] = []
    pretrain.run(small_campaign, options, 7, shown.append)
    embed.run(small_campaign, 8, shown.append)
    pool = numpy_files.read_array(small_campaign.features / "pool.npy")
    holdout = numpy_files.read_array(small_campaign.features / "holdout.npy")
    encoder = load_encoder(small_campaign.encoder)
    assert pool.shape == (20, encoder.width)
    assert holdout.shape == (5, encoder.width)
    assert pool.dtype == holdout.dtype == np.float32
    assert encoder.image_size == 12
    assert (shown[-1].step, shown[-1].total) == (25, 25)
    assert not list(small_campaign.checkpoints.glob("*"))


def test_rows_stand_in_the_order_of_the_samples(small_campaign: Campaign) -> None:
    pretrain.run(small_campaign, PIXELS, 7, ignore)
    embed.run(small_campaign, 3, ignore)
    encoder = load_encoder(small_campaign.encoder)
    for split in ("pool", "holdout"):
        features = numpy_files.read_array(small_campaign.features / f"{split}.npy")
        for row, sample in enumerate(sample_files.read_samples(small_campaign.samples, split)):
            alone = encoder.embed(load_images(small_campaign, [sample], 12))
            np.testing.assert_allclose(features[row], alone[0], atol=1e-4)


@pytest.mark.parametrize("damage", ["overwritten", "shorter", "deleted"])
@pytest.mark.parametrize("split", ["pool", "holdout"])
def test_features_that_were_damaged_are_made_anew(
    small_campaign: Campaign, split: str, damage: str
) -> None:
    pretrain.run(small_campaign, PIXELS, 7, ignore)
    embed.run(small_campaign, 8, ignore)
    path = small_campaign.split_features(split)
    right = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    else:
        rows = numpy_files.read_array(path)
        numpy_files.write_array(path, rows + 1 if damage == "overwritten" else rows[1:])
    embed.run(small_campaign, 8, ignore)
    assert path.read_bytes() == right


def test_features_that_are_right_are_not_made_again(small_campaign: Campaign) -> None:
    pretrain.run(small_campaign, PIXELS, 7, ignore)
    embed.run(small_campaign, 8, ignore)
    shown: list[Progress] = []
    embed.run(small_campaign, 8, shown.append)
    assert shown == []


def test_the_features_are_the_backbones(small_campaign: Campaign) -> None:
    options = SMALL.model_copy(update={"options": {**SMALL.options, "projection": 3}})
    pretrain.run(small_campaign, options, 7, ignore)
    assert not any("head" in name for name in weights(small_campaign))
    assert load_encoder(small_campaign.encoder).width == 6


def test_the_holdout_is_never_seen(small_campaign: Campaign) -> None:
    for sample in sample_files.read_samples(small_campaign.samples, "holdout"):
        (small_campaign.images / sample.file).unlink()
    pretrain.run(small_campaign, PIXELS, 7, ignore)
    assert load_encoder(small_campaign.encoder).width == 4


def test_killed_and_started_again_is_as_unbroken(
    small_campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretrain.run(small_campaign, SMALL, 7, ignore)
    whole = weights(small_campaign)
    monkeypatch.setattr(pretrain_training, "SAVE_EVERY_S", 0.0)

    def kill(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt("killed")

    with pytest.raises(KeyboardInterrupt, match="killed"):
        pretrain.run(small_campaign, SMALL, 7, kill)
    assert len(list(small_campaign.checkpoints.glob("pretrain-*/state.pt"))) == 1
    steps: list[int] = []
    pretrain.run(small_campaign, SMALL, 7, lambda progress: steps.append(progress.step))
    assert steps == [6, 7, 8, 9]
    assert same_weights(weights(small_campaign), whole)
    assert not list(small_campaign.checkpoints.glob("*"))


@pytest.mark.parametrize("change", ["seed", "options", "pool", "code"])
def test_a_checkpoint_of_another_training_is_not_used(
    small_campaign: Campaign, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(pretrain_training, "SAVE_EVERY_S", 0.0)

    def kill(progress: Progress) -> None:
        raise KeyboardInterrupt("killed")

    with pytest.raises(KeyboardInterrupt, match="killed"):
        pretrain.run(small_campaign, SMALL, 7, kill)
    seed, options = 7, SMALL
    if change == "seed":
        seed = 8
    if change == "options":
        options = SMALL.model_copy(update={"options": {**SMALL.options, "epochs": 2}})
    if change == "pool":
        samples = sample_files.read_samples(small_campaign.samples)
        gone = next(row for row, sample in enumerate(samples) if sample.split == "pool")
        sample_files.write_samples(small_campaign.samples, samples[:gone] + samples[gone + 1 :])
    if change == "code":
        json_files.write_json(small_campaign.code, {"pretrain": {"modules": "other"}})
    steps: list[int] = []
    pretrain.run(small_campaign, options, seed, lambda progress: steps.append(progress.step))
    assert steps[0] == 1


def test_a_damaged_checkpoint_is_named(
    small_campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrain_training, "SAVE_EVERY_S", 0.0)

    def kill(progress: Progress) -> None:
        raise KeyboardInterrupt("killed")

    with pytest.raises(KeyboardInterrupt, match="killed"):
        pretrain.run(small_campaign, SMALL, 7, kill)
    next(small_campaign.checkpoints.glob("*/state.pt")).write_bytes(b"PK damaged")
    with pytest.raises(DataError, match=r"cannot read the checkpoint .*delete it"):
        pretrain.run(small_campaign, SMALL, 7, ignore)


@pytest.mark.slow
def test_the_number_of_threads_is_put_back(small_campaign: Campaign) -> None:
    before = torch.get_num_threads()
    pretrain.run(small_campaign, SMALL.model_copy(update={"threads": before + 1}), 7, ignore)
    assert torch.get_num_threads() == before


def test_an_empty_pool(small_campaign: Campaign) -> None:
    sample_files.write_samples(small_campaign.samples, [])
    with pytest.raises(DataError, match=r"the pool is empty.*labelcycle ingest"):
        pretrain.run(small_campaign, PIXELS, 7, ignore)


def test_a_missing_image_is_named(small_campaign: Campaign) -> None:
    sample = sample_files.read_samples(small_campaign.samples, "pool")[0]
    (small_campaign.images / sample.file).unlink()
    with pytest.raises(DataError, match=rf"cannot read .*{sample.file}.*dvc checkout"):
        pretrain.run(small_campaign, PIXELS, 7, ignore)


def test_damaged_weights_are_named(small_campaign: Campaign) -> None:
    pretrain.run(small_campaign, PIXELS, 7, ignore)
    (small_campaign.encoder / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match=r"cannot read .*weights.safetensors.*stage pretrain"):
        embed.run(small_campaign, 256, ignore)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"encoder": "pixel"}, r"unknown encoder 'pixel'.*did you mean 'pixels'"),
        ({"encoder": "smallconv", "options": {"epoch": 3}}, r"epoch: unknown key.*'epochs'"),
    ],
)
def test_wrong_options_are_named(
    small_campaign: Campaign, section: dict[str, Any], text: str
) -> None:
    with pytest.raises(SettingsError, match=text):
        pretrain.run(small_campaign, pretrain.Options(**section), 7, ignore)


def test_image_size_may_be_set(small_campaign: Campaign) -> None:
    pretrain.run(small_campaign, PIXELS.model_copy(update={"image_size": 9}), 7, ignore)
    assert load_encoder(small_campaign.encoder).image_size == 9


def test_median_of_the_shorter_sides(small_campaign: Campaign) -> None:
    sizes = [(28, 28), (40, 20), (10, 30), (99, 98)]
    samples = [Sample(str(i), "", "", "pool", w, h) for i, (w, h) in enumerate(sizes)]
    assert median_side(samples) == 20


def test_features_that_are_not_finite_are_refused(
    small_campaign: Campaign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretrain.run(small_campaign, PIXELS, 7, ignore)
    meta, arrays = load_encoder(small_campaign.encoder).state()
    arrays["mean"] = np.full_like(arrays["mean"], np.nan)
    broken = encoders.get("pixels").rebuild(meta, arrays, torch.device("cpu"))
    monkeypatch.setattr(embed, "load_encoder", lambda _: broken)
    with pytest.raises(DataError, match=r"features that are not finite"):
        embed.run(small_campaign, 256, ignore)


@pytest.mark.parametrize(
    ("options", "lacking"), [(PIXELS, "image_size"), (PATCHES, "colour"), (SMALL, "width")]
)
def test_an_encoder_of_another_version_is_refused(
    small_campaign: Campaign, options: pretrain.Options, lacking: str
) -> None:
    pretrain.run(small_campaign, options, 7, ignore)
    path = small_campaign.encoder / "encoder.json"
    described = json_files.read_json(path)
    del described["meta"][lacking]
    json_files.write_json(path, described)
    wanted = rf"wanted '{lacking}' of an encoder {options.encoder}, got none; another version of"
    with pytest.raises(DataError, match=wanted):
        load_encoder(small_campaign.encoder)


WITHOUT = """
import sys
from pathlib import Path
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.stages import embed, pretrain
campaign = Campaign(Path(sys.argv[1]))
pretrain.run(campaign, pretrain.Options(encoder=sys.argv[2]), 7, lambda step: None)
embed.run(campaign, 8, lambda step: None)
print("torch" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["pixels", "patches"])
def test_an_encoder_that_needs_no_torch_loads_none(small_campaign: Campaign, encoder: str) -> None:
    command = [sys.executable, "-c", WITHOUT, str(small_campaign.root), encoder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert not encoders.needs_torch(encoder)
    assert encoders.needs_torch("smallconv")
    assert (small_campaign.features / "pool.npy").exists()


def test_of_several_processes_one_fits_an_encoder_that_needs_no_torch(
    small_campaign: Campaign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[int] = []
    for number, expected in ((1, False), (0, True)):
        rank = process_rank.Rank(number, 2, tmp_path / "store")
        monkeypatch.setattr(process_rank, "own", lambda rank=rank: rank)
        pretrain.run(small_campaign, PIXELS, 7, lambda progress: steps.append(progress.step))
        assert (small_campaign.encoder / "encoder.json").exists() == expected
    assert steps == [1]
