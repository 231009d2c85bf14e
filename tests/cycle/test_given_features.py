"""A campaign on ready-made features: their file is kept, held while a round is open, noticed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from squares import SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.numpy_files import read_array, write_arrays
from labelcycle.campaign.sample_files import read_samples
from labelcycle.core.digests import file_digest
from labelcycle.cycle import new_campaign
from labelcycle.errors import ServiceDown, StateError

pytestmark = pytest.mark.slow


def write_features(campaign: Campaign, seed: int) -> None:
    names = [Path(sample.source).name for sample in read_samples(campaign.samples)]
    features = np.random.default_rng(seed).normal(size=(len(names), 5))
    write_arrays(campaign.data / "features.npz", files=np.array(names), features=features)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return make_campaign(tmp_path)


def make_campaign(tmp_path: Path) -> Campaign:
    make_images(tmp_path / "images")
    settings = {**SETTINGS, "pretrain": {"encoder": "precomputed"}}
    made = new_campaign.init(tmp_path / "made", config.parse(settings))
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
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


def test_the_features_file_is_held_while_a_round_is_open(
    tmp_path: Path, without_dvc: None, flows, backend: WatchedFiles
) -> None:
    campaign = make_campaign(tmp_path)
    root, file = str(campaign.root), campaign.data / "features.npz"
    flows.run(root)
    planned, kept = file_digest(file), file.read_bytes()
    assert read_json(campaign.round(0) / "plan.json")["files"] == {"data/features.npz": planned}
    for key in backend.ids:
        backend.answer(key, "dark")

    write_features(campaign, 1)
    changed = (
        rf"^data/features.npz, .* since round 0 was planned: wanted digest {planned}, got"
        rf" {file_digest(file)}; put it back .*, or give the round up with `labelcycle cancel`$"
    )
    for close in (flows.run, flows.close_now, lambda root: flows.end_early(root, "incomplete")):
        with pytest.raises(StateError, match=changed):
            close(root)
    assert not (campaign.round(0) / "annotations.jsonl").exists()
    file.unlink()
    with pytest.raises(StateError, match=rf"wanted digest {planned}, got no such file; put it"):
        flows.run(root)

    file.write_bytes(kept)
    flows.run(root)
    assert "round/000" in git.tags(campaign.root)


def test_a_round_whose_features_file_is_lost_can_be_cancelled(
    tmp_path: Path, without_dvc: None, flows, backend: WatchedFiles
) -> None:
    campaign = make_campaign(tmp_path)
    root = str(campaign.root)
    flows.run(root)
    backend.answer(min(backend.ids), "dark")
    write_features(campaign, 1)
    flows.end_early(root, "cancel")
    assert "round/000" in git.tags(campaign.root)
    flows.open_now(root)
    plan = read_json(campaign.round(1) / "plan.json")
    assert plan["files"] == {"data/features.npz": file_digest(campaign.data / "features.npz")}


def test_a_features_file_that_changes_before_anybody_is_asked_stops_the_open(
    tmp_path: Path, without_dvc: None, flows, backend: WatchedFiles
) -> None:
    campaign = make_campaign(tmp_path)
    backend.push_dies_after = 0
    with pytest.raises(ServiceDown, match="broke off"):
        flows.run(str(campaign.root))
    write_features(campaign, 1)
    with pytest.raises(StateError, match=r"data/features.npz, .* since round 0 was planned"):
        flows.run(str(campaign.root))
    flows.end_early(str(campaign.root), "cancel")
    flows.run(str(campaign.root))
    assert len(backend.ids) > 0


def test_no_round_is_planned_without_its_features_file(
    tmp_path: Path, without_dvc: None, flows, backend: WatchedFiles
) -> None:
    campaign = make_campaign(tmp_path)
    file = campaign.data / "features.npz"
    kept = file.read_bytes()
    file.unlink()
    wanted = (
        r"^no file data/features.npz in the campaign: wanted the file that"
        r" pretrain.options.file of params.yaml names, .*; put it there, or name another$"
    )
    with pytest.raises(StateError, match=wanted):
        flows.run(str(campaign.root))
    assert not (campaign.round(0) / "plan.json").exists()
    tracked = campaign.data / "features.npz.dvc"
    tracked.write_text("outs:\n- path: features.npz\n")
    with pytest.raises(StateError, match=r"put it there: dvc checkout data/features.npz.dvc, or"):
        flows.run(str(campaign.root))
    tracked.unlink()

    file.write_bytes(kept)
    flows.run(str(campaign.root))
    assert len(backend.ids) > 0


def test_git_does_not_keep_a_features_file_that_is_there_before_the_images(tmp_path: Path) -> None:
    make_images(tmp_path / "images")
    settings = {**SETTINGS, "pretrain": {"encoder": "precomputed"}}
    campaign = new_campaign.init(tmp_path / "made", config.parse(settings))
    (campaign.data / "features.npz").write_bytes(b"features")
    new_campaign.add_images(campaign.root, [str(tmp_path / "images")], lambda step: None)
    kept = git.present(campaign.root, "data/*")
    assert "data/features.npz.dvc" in kept
    assert "data/features.npz" not in kept
