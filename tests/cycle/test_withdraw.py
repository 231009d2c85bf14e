"""Samples are withdrawn from a campaign with closed rounds and an open one: real git and DVC."""

import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from dvc_objects.db import ObjectDB
from PIL import Image
from squares import CLASSES, SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import object_store
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.withdrawn_record import WithdrawnRecord
from labelcycle.campaign.sample_files import Sample
from labelcycle.cli.main import cli
from labelcycle.core.digests import file_digest
from labelcycle.cycle import new_campaign, storage_check, verify_all, verify_round, withdraw_samples
from labelcycle.errors import DataError, StateError
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
    for path in sorted(folder.rglob("*")):
        ours = path.relative_to(folder).parts[0] != "images"  # whoever gave them has them
        if ours and path.is_file() and any(trace in path.read_bytes() for trace in traces):
            found.append(str(path.relative_to(folder)))
    return found


def withdraw(campaign: Campaign, *words: str) -> str:
    done = CliRunner().invoke(cli, ["-C", str(campaign.root), "withdraw", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].startswith("next: ")
    return done.output


def verified(campaign: Campaign) -> list[str]:
    lines: list[str] = []
    verify_all.verify_all(snapshots.read(campaign.root), False, lines.append)
    return lines


def whole(campaign: Campaign) -> None:
    lines: list[str] = []
    found = storage_check.check(campaign.root, 1, False, lines.append, lambda step: None).found
    assert found == [], lines


def features(campaign: Campaign) -> dict[str, bytes]:
    found = {}
    for split in ("pool", "holdout"):
        ids = [each.id for each in sample_files.read_samples(campaign.samples, split)]
        rows = np.load(campaign.split_features(split))
        found |= {name: row.tobytes() for name, row in zip(ids, rows, strict=True)}
    return found


def test_a_withdrawn_sample_is_nowhere_any_more(
    campaign: Campaign, flows, backend: WatchedFiles
) -> None:
    sample, asked = chosen(campaign, 0), chosen(campaign, 2)
    marks = traces(campaign, sample) + traces(campaign, asked)
    rows = features(campaign)
    before = holding(campaign.root.parent, marks)
    for part in ("campaign/.dvc/cache", "store/", "campaign/.labelcycle/media", "campaign/work"):
        assert any(name.startswith(part) for name in before) or "media" in part

    said = withdraw(campaign, sample.id, asked.source, "--reason", "consent revoked", "--yes")
    assert "2 samples are withdrawn" in said
    nothing_is_left(campaign, backend, [sample, asked], marks)
    whole(campaign)
    lines = verified(campaign)
    assert any(
        line.startswith("round/000: 2 samples of round 0 were withdrawn on 20") for line in lines
    )
    assert lines[-1] == "2 rounds are reproduced"
    nothing_brings_it_back(campaign, sample)

    answer(campaign, backend)
    flows.run(str(campaign.root))
    flows.open_now(str(campaign.root))
    answer(campaign, backend)
    flows.run(str(campaign.root))
    nothing_is_left(campaign, backend, [sample, asked], marks)
    whole(campaign)
    gone = {sample.id, asked.id}
    assert features(campaign) == {name: row for name, row in rows.items() if name not in gone}
    lines = verified(campaign)
    assert lines[-1] == "4 rounds are reproduced"
    assert any("round 2 was" in line or "round 2 were" in line for line in lines)
    assert not any("withdrawn" in line for line in lines if line.startswith("round/003"))


def nothing_is_left(
    campaign: Campaign, backend: WatchedFiles, samples: list[Sample], marks: list[bytes]
) -> None:
    names = tuple(sample.id for sample in samples)
    assert holding(campaign.root.parent, marks) == []
    assert not [key for key in backend.ids if key.endswith(names)]
    assert names[0].encode() not in backend.path.read_bytes()
    ids = [name.encode() for name in names]
    plain = [campaign.data, campaign.rounds, campaign.work, campaign.answers, campaign.media]
    with_id = [
        path.name
        for folder in plain
        for path in folder.rglob("*")
        if path.is_file() and any(name in path.read_bytes() for name in ids)
    ]
    assert with_id == ["withdrawn.json"]
    assert not [path for path in campaign.root.rglob("*") if path.name.startswith(names)]
    assert git.dirty(campaign.root, []) == []


def nothing_brings_it_back(campaign: Campaign, sample: Sample) -> None:
    images = campaign.root.parent / "images"
    with Image.open(campaign.root / sample.source) as image:
        image.save(images / "again.bmp")
    before = [each.id for each in sample_files.read_samples(campaign.samples, which="all")]
    report = new_campaign.add_images_again(campaign.root, lambda step: None)
    assert (report.added, report.withdrawn) == (0, 3)  # both files, and the other image as BMP
    assert ", 3 withdrawn, not taken again" in report.summary_lines()[0]
    assert [s.id for s in sample_files.read_samples(campaign.samples, which="all")] == before
    told = CliRunner().invoke(cli, ["-C", str(campaign.root), "explain", sample.id])
    assert "withdrawn on 20" in told.output
    assert "reason: consent revoked" in told.output
    told = CliRunner().invoke(cli, ["-C", str(campaign.root), "status"])
    assert "2 samples were withdrawn for good" in told.output
    told = CliRunner().invoke(
        cli, ["-C", str(campaign.root), "withdraw", sample.id, "--reason", "x"]
    )
    assert isinstance(told.exception, StateError)
    assert "was withdrawn, on 20" in str(told.exception)
    told = CliRunner().invoke(
        cli, ["-C", str(campaign.root), "withdraw", "nobody", "--reason", "x"]
    )
    assert isinstance(told.exception, DataError)
    assert "'nobody' is no sample" in str(told.exception)


def test_without_a_sample_of_the_holdout_the_same_is_selected(campaign: Campaign) -> None:
    record = snapshots.read(campaign.root).records
    sample = record.samples("holdout")[0]
    said = withdraw(campaign, sample.id, "--reason", "consent revoked", "--yes")
    assert "\nremoving tasks, answers, labels, images and features, wherever they are\n" in said
    lines = verified(campaign)
    assert sum("selection: the same 4 samples in the same order" in line for line in lines) == 2
    assert sum("the same but for what is gone from the hold-out" in line for line in lines) == 2
    lines = []
    verify_round.verify(snapshots.read(campaign.root), 0, True, lines.append)
    assert "the encoder learned from what is gone, so its recorded weights are taken" in lines
    assert any(line.startswith("selection: the same 4 samples") for line in lines)


@pytest.mark.parametrize("back", ["on", "back"])
def test_models_with_the_same_weights_lose_them_together(
    campaign: Campaign, backend: WatchedFiles, flows, back: str
) -> None:
    """A larger pool and no label more: other probabilities, by the same weights.

    back : the campaign goes on with the later model, or goes back to the earlier one
    """
    root = str(campaign.root)
    flows.end_early(root, "cancel")
    before = {s.id for s in sample_files.read_samples(campaign.samples)}
    make_images(campaign.root.parent / "images", 10, 7)
    new_campaign.add_images_again(campaign.root, lambda step: None)
    flows.open_now(root)
    if back == "back":
        flows.roll_back(root, "round/001", "apart")
    samples = sample_files.read_samples(campaign.samples, "pool", "all")
    new = next(sample for sample in samples if sample.id not in before)
    for name in (new.id, chosen(campaign, 0).id):
        withdraw(campaign, name, "--reason", "consent revoked", "--yes")
        whole(campaign)
    assert verified(campaign)[-1] == "2 rounds are reproduced"


def test_a_rollback_brings_nothing_back(campaign: Campaign, backend: WatchedFiles, flows) -> None:
    """Back to a round that was closed with samples that are withdrawn by now."""
    records = snapshots.read(campaign.root).records
    gone = [chosen(campaign, 0), records.samples("holdout")[0]]
    marks = [mark for sample in gone for mark in traces(campaign, sample)]
    withdraw(campaign, *(each.id for each in gone), "--reason", "consent revoked", "--yes")
    flows.roll_back(str(campaign.root), "round/000", "apart")
    nothing_is_left(campaign, backend, gone, marks)
    flows.open_now(str(campaign.root))
    answer(campaign, backend)
    flows.run(str(campaign.root))
    nothing_is_left(campaign, backend, gone, marks)
    whole(campaign)
    assert verified(campaign)[-1] == "3 rounds are reproduced"  # and one was given up


def test_a_clone_and_a_second_withdrawal(campaign: Campaign) -> None:
    """The second one finds what stands for versions of before the first one."""
    first, second = chosen(campaign, 0), chosen(campaign, 1)
    marks = traces(campaign, first) + traces(campaign, second)
    clone = campaign.root.parent / "clone"
    subprocess.run(["git", "clone", "-q", str(campaign.root), str(clone)], check=True)
    trusted_places.confirm(Campaign(clone))
    assert CliRunner().invoke(cli, ["-C", str(clone), "pull"]).exit_code == 0
    for sample in (first, second):
        withdraw(campaign, sample.id, "--reason", "consent revoked", "--yes")
    there = holding(campaign.root.parent, marks)
    assert there
    assert all(name.startswith("clone/") for name in there)
    whole(campaign)
    lines = verified(campaign)
    assert any("2 samples of round 1 were withdrawn" in line for line in lines)

    subprocess.run(["git", "pull", "-q"], cwd=clone, check=True)
    assert CliRunner().invoke(cli, ["-C", str(clone), "pull"]).exit_code == 0
    withdraw(Campaign(clone))
    assert holding(campaign.root.parent, marks) == []


def test_nothing_is_done_unless_somebody_says_yes(campaign: Campaign) -> None:
    sample = chosen(campaign, 0)
    before = git.head(campaign.root)
    words = ["-C", str(campaign.root), "withdraw", sample.id, "--reason", "consent revoked"]
    told = CliRunner().invoke(cli, words, input="n\n")
    assert told.exit_code == 1
    assert "removing tasks" not in told.output
    assert "git's history: ids, answers and labels" in told.output
    assert (git.head(campaign.root), campaign.withdrawn.exists()) == (before, False)
    told = CliRunner().invoke(cli, words[:-2])
    assert "wanted --reason TEXT" in told.output
    (campaign.round(2) / "ending.json").write_text("{}")
    told = CliRunner().invoke(cli, words)
    assert isinstance(told.exception, StateError)
    assert "round 2 is ending; wanted it open, or closed" in str(told.exception)


class Killed(BaseException):
    """Stands for a signal that ends the process."""


class Killer:
    """Ends the work before its n-th side effect: a file or object written or deleted, a commit."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left, self.seen = at, 0
        for place, name in (
            (Path, "replace"),
            (Path, "unlink"),
            (git, "commit"),
            (WatchedFiles, "remove"),
            (object_store.ObjectStore, "put"),
            (ObjectDB, "delete"),
        ):
            monkeypatch.setattr(place, name, self.counted(getattr(place, name)))

    def counted(self, effect):
        def run(*given, **named):
            self.seen += 1
            if self.seen == self.left:
                raise Killed
            return effect(*given, **named)

        return run


def test_a_killed_withdrawal_ends_as_one_that_was_not(
    campaign: Campaign, backend: WatchedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each n-th effect and given again."""
    monkeypatch.setattr(withdraw_samples, "present_time", lambda: "2026-12-01T00:00:00+00:00")
    names = [chosen(campaign, 0).id, snapshots.read(campaign.root).records.samples("holdout")[1].id]
    template = campaign.root.parent

    def copied() -> Campaign:
        shutil.rmtree(tmp_path / "trial", ignore_errors=True)
        shutil.copytree(template, tmp_path / "trial", symlinks=True)
        made = Campaign(tmp_path / "trial" / "campaign")
        trusted_places.confirm(made)
        backend.at(made)
        return made

    words = [*names, "--reason", "consent revoked", "--yes"]
    unbroken = copied()
    with monkeypatch.context() as patch:
        effects = Killer(patch, 0)
        withdraw(unbroken, *words)
    wanted = state(unbroken)
    for number in range(1, effects.seen + 1):
        trial = copied()
        with monkeypatch.context() as patch:
            Killer(patch, number)
            with pytest.raises(Killed):
                withdraw(trial, *words)
        stones = WithdrawnRecord.read_if_any(trial.withdrawn).samples
        withdraw(trial, *(() if stones else words))
        assert state(trial) == wanted, f"killed before effect {number} of {effects.seen}"
    print(f"{effects.seen} points")


def state(campaign: Campaign) -> dict[str, str]:
    """All files of the campaign and its remote that a withdrawal is about, by digest."""
    folder = campaign.root.parent
    left_out = (".git", "tmp", "dvc", "campaign.lock", "trusted.json", "annotation.sqlite3")
    return {
        str(path.relative_to(folder)): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(left_out) & set(path.relative_to(folder).parts)
    }
