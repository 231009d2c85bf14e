"""A campaign on ready-made features, with real DVC: their file is kept, a new one noticed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import SETTINGS, make_images

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.cycle import setup
from labelcycle.store import Campaign, read_array, read_json, read_samples, write_arrays

pytestmark = pytest.mark.slow


def write_features(campaign: Campaign, seed: int) -> None:
    names = [Path(sample.source).name for sample in read_samples(campaign.samples)]
    features = np.random.default_rng(seed).normal(size=(len(names), 5))
    write_arrays(campaign.data / "features.npz", files=np.array(names), features=features)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    make_images(tmp_path / "images")
    settings = {**SETTINGS, "pretrain": {"encoder": "precomputed"}}
    made = setup.init(tmp_path / "made", config.parse(settings))
    setup.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    write_features(made, 0)
    return made


def test_the_features_file_is_an_input_of_the_round(
    campaign: Campaign, flows, answer_all: Callable[[], None]
) -> None:
    flows.run(str(campaign.root))
    answer_all()
    flows.run(str(campaign.root))
    tracked = git.show(campaign.root, "open/000", "data/features.npz.dvc")
    assert b"features.npz" in tracked
    before = read_array(campaign.features / "pool.npy")[:].copy()
    code = read_json(campaign.code)["pretrain"]["data/features.npz"]

    write_features(campaign, 1)
    flows.open_now(str(campaign.root))
    assert read_json(campaign.code)["pretrain"]["data/features.npz"] != code
    assert not np.array_equal(read_array(campaign.features / "pool.npy"), before)
    assert git.show(campaign.root, "open/001", "data/features.npz.dvc") != tracked

    words = [sys.executable, "-m", "labelcycle", "verify", "round/000", "--from", "pretrain"]
    done = subprocess.run(words, cwd=campaign.root, capture_output=True, text=True)
    assert "round 0 is reproduced" in done.stdout, done.stdout + done.stderr
