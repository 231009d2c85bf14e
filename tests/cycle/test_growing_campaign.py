"""A campaign that grows: between two rounds and while one is open, with real git and DVC."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from params import set_params
from PIL import Image
from squares import CLASSES, SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.numpy_files import read_array
from labelcycle.campaign.sample_files import read_samples
from labelcycle.cycle import new_campaign
from labelcycle.ingest.ingest_images import Report
from labelcycle_flows import ingesting

pytestmark = pytest.mark.slow


def labelcycle(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "labelcycle", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """24 images in the pool and 6 in the hold-out, with real DVC."""
    make_images(tmp_path / "images")
    made = new_campaign.init(tmp_path / "made", config.parse(SETTINGS))
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


def grow(campaign: Campaign, count: int, seed: int) -> Report:
    """So many more images in the folder that was given, and what an ingest of it did."""
    make_images(campaign.root.parent / "images", count, seed)
    return new_campaign.add_images_again(campaign.root, lambda step: None)


@pytest.fixture
def answer(backend: WatchedFiles, campaign: Campaign) -> Callable[[], None]:
    """Answers every open task truthfully, whenever its image came in."""

    def run() -> None:
        done = {given.key for given in backend.answers}
        samples = {sample.id: sample for sample in read_samples(campaign.samples)}
        for key, task in sorted(backend.tasks.items()):
            if key not in done:
                with Image.open(campaign.images / samples[task.sample].file) as image:
                    backend.answer(key, CLASSES[int(np.asarray(image).mean() > 120)])

    return run


def rows(campaign: Campaign) -> dict[str, bytes]:
    """The features of each sample, bit by bit."""
    found = {}
    for split in ("pool", "holdout"):
        array = read_array(campaign.split_features(split))
        ids = [sample.id for sample in read_samples(campaign.samples, split)]
        found |= {name: row.tobytes() for name, row in zip(ids, array, strict=True)}
    return found


def asked(backend: WatchedFiles, number: int, kind: str) -> set[str]:
    prefix = f"/{number:03d}/"
    return {t.sample for key, t in backend.tasks.items() if prefix in key and t.kind == kind}


def held(campaign: Campaign, cohort: int) -> set[str]:
    samples = sample_files.read_manifest(campaign.samples / f"{cohort:03d}.jsonl")
    return {sample.id for sample in samples if sample.split == "holdout"}


def locked(campaign: Campaign, stage: str) -> Any:
    return yaml.safe_load((campaign.root / "dvc.lock").read_text())["stages"][stage]


def test_a_campaign_grows_while_a_round_is_open_and_between_two(
    campaign: Campaign,
    flows,
    backend: WatchedFiles,
    answer: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = str(campaign.root)
    flows.run(root)
    tracked = {p: p.read_bytes() for p in campaign.images.glob("*.dvc")}
    assert [path.name for path in tracked] == ["000.dvc"]
    what_comes_while_a_round_is_open_waits(campaign)
    answer()
    flows.run(root)
    first = read_json(campaign.round(0) / "metrics.json")
    assert (first["holdout"], list(first["cohorts"])) == (6, ["000"])

    before, encoder = rows(campaign), locked(campaign, "pretrain")
    capsys.readouterr()
    flows.open_now(root)
    the_next_plan_says_what_it_takes(capsys.readouterr().out)
    assert asked(backend, 1, "holdout") == held(campaign, 1)
    assert len(asked(backend, 1, "selected")) == 4
    after = rows(campaign)
    only_new_images_are_embedded(before, after)
    assert locked(campaign, "pretrain") == encoder
    assert {p: p.read_bytes() for p in tracked} == tracked
    answer()
    flows.run(root)

    make_images(campaign.root.parent / "images", 10, 2)
    assert ingesting.ingest_again.fn(root) == 10
    assert "cohort 2: 8 for the pool, 2 for the hold-out; it" in capsys.readouterr().out
    flows.open_now(root)
    assert asked(backend, 2, "holdout") == held(campaign, 2)
    only_new_images_are_embedded(after, rows(campaign))
    answer()
    flows.run(root)
    each_round_has_the_pool_of_its_time(campaign)


def what_comes_while_a_round_is_open_waits(campaign: Campaign) -> None:
    report = grow(campaign, 20, 1)
    assert (report.added, report.cohort, report.held) == (20, 1, 4)
    assert (campaign.images / "001.dvc").exists()
    assert git.dirty(campaign.root, []) == []
    status = json.loads(labelcycle(campaign.root, "status", "--json"))
    assert (status["pool"], status["holdout"]) == (24, 6)
    assert [(c["pool"], c["counts"]) for c in status["cohorts"]] == [(24, True), (16, False)]


def the_next_plan_says_what_it_takes(shown: str) -> None:
    assert "cohort 1 counts from now on: 16 samples in the pool, 4 in the hold-out\n" in shown
    assert "trained anew" not in shown
    assert "cohort 1 looks like the images before (p = " in shown


def only_new_images_are_embedded(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    assert len(before) < len(after)
    assert before.items() <= after.items()


def each_round_has_the_pool_of_its_time(campaign: Campaign) -> None:
    second = read_json(campaign.round(1) / "metrics.json")
    assert {name: c["holdout"] for name, c in second["cohorts"].items()} == {"000": 6, "001": 4}
    assert second["holdout"] == 10
    plans = [read_json(campaign.round(n) / "plan.json") for n in range(3)]
    assert [(p["cohorts"], p["pool"], p["holdout"], p["encoder"]) for p in plans] == [
        (1, 24, 6, 1),
        (2, 40, 10, 1),
        (3, 48, 12, 1),
    ]
    text = labelcycle(campaign.root, "status")
    assert "cohort 2, 20" in text
    assert ": 8 in the pool, 2 in the hold-out; accuracy " in text
    for number in range(3):
        assert "is reproduced" in labelcycle(campaign.root, "verify", f"round/{number:03d}")
    assert "is reproduced" in labelcycle(campaign.root, "verify", "round/001", "--from", "pretrain")


def test_the_encoder_is_trained_anew_where_asked(
    campaign: Campaign,
    flows,
    answer: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = str(campaign.root)
    flows.run(root)
    answer()
    flows.run(root)
    grow(campaign, 20, 1)
    before, encoder = rows(campaign), locked(campaign, "pretrain")["outs"]
    set_params(campaign.root, ingest={"encoder": "train"})
    capsys.readouterr()
    flows.open_now(root)
    assert "the encoder is trained anew, on 2 cohorts: all features are" in capsys.readouterr().out
    anew = locked(campaign, "pretrain")["outs"]
    assert anew != encoder
    assert not before.items() & rows(campaign).items()
    assert read_json(campaign.round(1) / "plan.json")["encoder"] == 2
    answer()
    flows.run(root)
    set_params(campaign.root, ingest={"encoder": "keep"})
    grow(campaign, 10, 2)
    flows.open_now(root)
    assert locked(campaign, "pretrain")["outs"] == anew


def killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_an_ingest_that_was_killed_before_dvc_is_caught_up(
    campaign: Campaign, flows, answer: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(campaign.root)
    flows.run(root)
    with monkeypatch.context() as patch:
        patch.setattr(new_campaign.commands, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            grow(campaign, 20, 1)
    assert not (campaign.images / "001.dvc").exists()
    answer()
    flows.run(root)
    flows.open_now(root)  # no ingest came between
    assert (campaign.images / "001.dvc").exists()
    answer()
    flows.run(root)
    assert git.dirty(campaign.root, []) == []
    assert "is reproduced" in labelcycle(campaign.root, "verify", "round/001", "--from", "pretrain")
    with monkeypatch.context() as patch:
        patch.setattr(new_campaign.git, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            grow(campaign, 10, 2)
    assert grow(campaign, 0, 2).cohort is None  # given again
    assert git.dirty(campaign.root, []) == []
    assert (campaign.images / "002.dvc").exists()
