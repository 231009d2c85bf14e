"""Stages with a learner that sees images: trained, asked, measured, its own features used."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelcycle import config
from labelcycle.campaign import json_files, label_files, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import digests
from labelcycle.errors import SettingsError
from labelcycle.stages import cluster, embed, evaluate, pretrain, query, train
from labelcycle.stages.pool_files import read_pool

CLASSES = ("dark", "bright")
OPTIONS = train.Options(
    learner="finetune",
    options={"network": "cnn", "epochs": 20, "batch": 8, "shift": 0, "threads": 1},
)


def ignore(_: object) -> None:
    """No progress wanted."""


@pytest.fixture(autouse=True)
def _quick(without_charts: None) -> None:
    """Charts have tests of their own."""


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """24 samples in the pool, 10 in the hold-out: dark and bright noise of 12 x 12 pixels."""
    made = Campaign(tmp_path)
    made.images.mkdir(parents=True)
    write_migrations(made, ())
    rng = np.random.default_rng(0)
    samples, answers = [], []
    for row in range(34):
        pixels = rng.integers(0, 128, (12, 12, 3)) + 120 * (row % 2)
        path = made.images / "new.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        key = digests.file_digest(path)
        path.rename(made.images / f"{key}.png")
        split = "pool" if row < 24 else "holdout"
        samples.append(Sample(key, f"{key}.png", f"{row}.png", split, 12, 12))
        if split == "holdout":
            answers.append(Label(key, CLASSES[row % 2], None))
    sample_files.write_samples(made.samples, samples)
    label_files.write_labels(made.holdout, answers)
    pretrain.run(made, pretrain.Options(encoder="pixels"), 0, ignore)
    embed.run(made, 256, ignore)
    return made


def label_some(campaign: Campaign) -> None:
    samples = sample_files.read_samples(campaign.samples, "pool")[:12]
    known = [Label(s.id, CLASSES[int(s.source.partition(".")[0]) % 2], None) for s in samples]
    label_files.write_labels(campaign.labels / "000.jsonl", known)


def test_it_learns_from_the_images_of_the_campaign(campaign: Campaign) -> None:
    label_some(campaign)
    train.run(campaign, OPTIONS, CLASSES, 0)
    record = json_files.read_json(campaign.model / "model.json")
    assert (record["learner"], record["image_size"], record["labels"]) == ("finetune", 12, 12)
    evaluate.run(campaign, evaluate.Options(), CLASSES, 0)
    measured = json_files.read_json(campaign.metrics)
    assert measured["accuracy"]["value"] == 1
    assert 0 <= measured["calibration_error"] < 0.5


def test_a_strategy_that_asks_for_the_last_layer_gets_it(campaign: Campaign) -> None:
    label_some(campaign)
    train.run(campaign, OPTIONS, CLASSES, 0)
    cluster.run(campaign, cluster.Options(), 3, CLASSES, np.random.default_rng(0))
    options = query.Options(strategy="badge", budget=3)
    query.run(campaign, options, CLASSES, np.random.default_rng(0))
    found = json_files.read_json(campaign.selection)
    assert len(found["samples"]) == 3
    assert found["stood_in"] is None


@pytest.mark.slow
def test_clusters_may_read_the_models_own_features(campaign: Campaign) -> None:
    train.run(campaign, OPTIONS, CLASSES, 0, "model")
    assert not len(numpy_files.read_array(campaign.own_features))  # nothing was learnt yet
    encoded = read_pool(campaign, CLASSES, own_features=True)[1].features
    label_some(campaign)
    train.run(campaign, OPTIONS, CLASSES, 0, "model")
    own = read_pool(campaign, CLASSES, own_features=True)[1].features
    assert own.shape == (24, 64)
    assert encoded.shape[0] == 24
    cluster.run(campaign, cluster.Options(), 3, CLASSES, np.random.default_rng(0))
    assert numpy_files.read_arrays(campaign.clusters)["centres"].shape[1] == 64
    train.run(campaign, OPTIONS, CLASSES, 0)  # asked for no longer
    assert not len(numpy_files.read_array(campaign.own_features))


@pytest.mark.slow
def test_calibration_holds_images_out(campaign: Campaign) -> None:
    label_some(campaign)
    train.run(campaign, OPTIONS.model_copy(update={"calibrate": True}), CLASSES, 0)
    temperature = json_files.read_json(campaign.model / "model.json")["state"]["temperature"]
    assert 0 < temperature < 20
    evaluate.run(campaign, evaluate.Options(), CLASSES, 0)
    assert json_files.read_json(campaign.metrics)["accuracy"]["value"] == 1


def test_own_features_want_a_learner_with_a_network() -> None:
    raw = {"embed": {"features": "model"}, "campaign": {"classes": ["a", "b"]}}
    with pytest.raises(
        SettingsError,
        match=r"train.learner, for embed.features is model: .*\(finetune\), got linear",
    ):
        config.parse(raw)
    config.parse({**raw, "train": {"learner": "finetune"}})


def test_an_image_size_for_a_learner_of_features_is_refused(campaign: Campaign) -> None:
    with pytest.raises(SettingsError, match=r"image_size is 32.*linear sees features"):
        train.run(campaign, train.Options(image_size=32), CLASSES, 0)
