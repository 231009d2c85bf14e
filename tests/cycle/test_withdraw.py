"""Samples are withdrawn from a campaign with closed rounds and an open one: real git, DVC, remote."""

import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from squares import CLASSES, SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.cli.main import cli
from labelcycle.cycle import new_campaign, storage_check, verify_all
from labelcycle.rounds import snapshots, trusted_places

pytestmark = pytest.mark.slow


class Played:
    """A campaign that was played once, with what the backend held, and its copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backend: WatchedFiles | None = None


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played(tmp_path_factory.mktemp("played"))


@pytest.fixture
def campaign(tmp_path: Path, flows, backend: WatchedFiles, played: Played) -> Campaign:
    """Rounds 0 and 1 closed, round 2 open: pool of 24, hold-out of 6, knn as the learner."""
    if played.backend is None:
        _play(played, flows, backend)
    folder = tmp_path / "there"
    shutil.copytree(played.folder, folder, symlinks=True)
    made = Campaign(folder / "campaign")
    trusted_places.confirm(made)  # in a copy, nothing counts as confirmed
    vars(backend).update(vars(deepcopy(played.backend)))
    backend.at(made)
    return made


def _play(played: Played, flows, backend: WatchedFiles) -> None:
    make_images(played.folder / "images")
    settings = SETTINGS | {"train": {"learner": "knn"}}
    settings["campaign"] = {**SETTINGS["campaign"], "rounds": 9}
    made = new_campaign.init(played.folder / "campaign", config.parse(settings))
    remote = ["remote", "add", "-d", "store", "../store"]
    subprocess.run([sys.executable, "-m", "dvc", *remote], cwd=made.root, check=True)
    git.commit(made.root, [".dvc/config"], "Remote")
    new_campaign.add_images(made.root, [str(played.folder / "images")], lambda step: None)
    backend.at(made)
    for _ in range(2):
        flows.open_now(str(made.root))
        answer(made, backend)
        flows.run(str(made.root))
    flows.open_now(str(made.root))
    played.backend = deepcopy(backend)


def answer(campaign: Campaign, backend: WatchedFiles) -> None:
    """Answers every open task truthfully."""
    done = {given.key for given in backend.answers}
    samples = {sample.id: sample for sample in sample_files.read_samples(campaign.samples)}
    for key, task in sorted(backend.tasks.items()):
        if key not in done and task.sample in samples:
            with Image.open(campaign.images / samples[task.sample].file) as image:
                backend.answer(key, CLASSES[int(np.asarray(image).mean() > 120)])


def chosen(campaign: Campaign, number: int) -> Sample:
    """A sample that a round picked."""
    record = snapshots.read(campaign.root).records
    name = record.selection(number).samples[0].sample
    return next(sample for sample in record.samples() if sample.id == name)


def traces(campaign: Campaign, sample: Sample) -> list[bytes]:
    """The bytes of its image, and its features."""
    records = snapshots.read(campaign.root).records
    ids = [each.id for each in records.samples(sample.split)]
    row = np.load(campaign.split_features(sample.split))[ids.index(sample.id)]
    half = (row / np.linalg.norm(row)).astype("f2")
    image = (campaign.images / sample.file).read_bytes()
    return [image, image[40:90], row.tobytes(), half.tobytes()]


def holding(folder: Path, traces: list[bytes]) -> list[str]:
    """Files that have one of them, git's objects as they are before they are packed."""
    found = []
    for path in folder.rglob("*"):
        if (path.is_file() and path.parent.name != "images") or "campaign" in path.parts:
            if path.is_file() and any(trace in path.read_bytes() for trace in traces):
                found.append(str(path.relative_to(folder)))
    return found


def withdraw(campaign: Campaign, *words: str) -> str:
    done = CliRunner().invoke(cli, ["-C", str(campaign.root), "withdraw", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def verified(campaign: Campaign) -> list[str]:
    lines: list[str] = []
    verify_all.verify_all(snapshots.read(campaign.root), False, lines.append)
    return lines


def test_a_withdrawn_sample_is_nowhere_any_more(
    campaign: Campaign, flows, backend: WatchedFiles
) -> None:
    sample, asked = chosen(campaign, 0), chosen(campaign, 2)
    marks = traces(campaign, sample) + traces(campaign, asked)
    before = holding(campaign.root.parent, marks)
    assert any(".dvc/cache" in name for name in before)
    assert any(name.startswith("store/") for name in before)

    said = withdraw(campaign, sample.id, asked.source, "--reason", "consent revoked", "--yes")
    assert "2 samples are withdrawn" in said
    assert holding(campaign.root.parent, marks) == []
    assert not [key for key in backend.ids if key.endswith((sample.id, asked.id))]
    assert git.dirty(campaign.root, []) == []
    outcome = storage_check.check(campaign.root, 1, False, print, print)
    assert outcome.found == []

    lines = verified(campaign)
    assert any("round/000: 2 samples of round 0 were withdrawn on 20" in line for line in lines)
    answer(campaign, backend)
    flows.run(str(campaign.root))
    flows.open_now(str(campaign.root))
    answer(campaign, backend)
    flows.run(str(campaign.root))
    assert holding(campaign.root.parent, marks) == []
    lines = verified(campaign)
    assert lines[-1] == "4 rounds are reproduced"
    assert not any("withdrawn" in line for line in lines if line.startswith("round/003"))
