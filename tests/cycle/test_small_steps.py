"""Short steps between others: what a killed change left, what a pool admits, how a stage starts."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import made_records
import pytest
import repositories
from handmade_campaign import HandmadeCampaign
from params import set_params

from labelcycle.adapters import git, lock, process_group, programs
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import json_files, labels
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.core.class_migrations import Migration
from labelcycle.cycle import (
    class_changes,
    new_campaign,
    pool_admission,
    run_stage,
    unrecorded_images,
)
from labelcycle.errors import StateError
from labelcycle.nn import process_rank
from labelcycle.nn.process_rank import Rank
from labelcycle.rounds import trusted_places

BEFORE = ("dark", "light")
CHANGE = Migration("rename", {"dark": "black"}, BEFORE, ("black", "light"), 2, made_records.AT)


# --- a change of the classes that was killed ------------------------------------------------


def test_what_a_killed_change_has_written_is_taken_back(handmade: HandmadeCampaign) -> None:
    """The record is written first; params.yaml may have followed."""
    campaign = handmade.campaign
    files = (campaign.schema, campaign.params)
    before = [path.read_bytes() for path in files]
    labels.write_migrations(campaign, [CHANGE])
    class_changes._take_back(campaign)
    assert [path.read_bytes() for path in files] == before
    labels.write_migrations(campaign, [CHANGE])
    campaign.params.write_bytes(before[1].replace(b"dark", b"black"))
    class_changes._take_back(campaign)
    assert campaign.schema.read_bytes() == before[0]
    assert campaign.params.read_bytes() == before[1].replace(b'["dark", light]', b"[dark, light]")


def test_what_a_person_wrote_meanwhile_stays(handmade: HandmadeCampaign) -> None:
    campaign = handmade.campaign
    other = campaign.params.read_bytes().replace(b"dark", b"grey")
    campaign.params.write_bytes(other)
    for written in ([CHANGE], []):
        text = {"migrations": [asdict(each) for each in written], "more": 1}
        json_files.write_json(campaign.schema, text)
        class_changes._take_back(campaign)
        assert campaign.params.read_bytes() == other
        assert not git.changed(handmade.root, "schema.json")
    campaign.schema.unlink()
    class_changes._take_back(campaign)  # whoever reads it says so
    assert not campaign.schema.exists()


# --- cohorts that come to count -------------------------------------------------------------


def test_people_are_told_of_what_counts_from_now_on(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, number=1)
    names = [f"{number:016x}" for number in range(4)]
    write_samples(
        now.campaign.samples,
        [
            Sample(name, f"{cohort:03d}/{name}.png", "", split, 1, 1)  # type: ignore[arg-type]
            for name, cohort, split in zip(
                names, (0, 1, 1, 1), ("pool", "holdout", "pool", "holdout"), strict=True
            )
        ],
    )
    first, both = {"000": "x"}, {"000": "x", "001": "y"}
    opened = PoolRecord(first, first)
    assert pool_admission._lines(now, PoolRecord({}, {}), both, both) == []
    assert pool_admission._lines(now, opened, {}, first) == []
    counts = "cohort 1 counts from now on: 1 sample in the pool, 2 in the hold-out"
    assert pool_admission._lines(now, opened, {"001": "y"}, first) == [counts]
    assert pool_admission._lines(now, opened, {"001": "y"}, both) == [
        counts,
        "the encoder is trained anew, on 2 cohorts: all features are others, so a change of the"
        " accuracy may come from them",
    ]


def test_new_cohorts_are_given_to_dvc_before_they_count(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, campaign = handmade, handmade.campaign
    added: list[Any] = []

    def add(root: Path, paths: Sequence[str]) -> None:
        added.append((root, list(paths), list(PoolRecord.read(campaign.pool).cohorts)))

    monkeypatch.setattr(commands, "add", add)
    pixels = {"encoder": "pixels"}
    now = made_records.snapshot(made.root, number=2, pretrain=pixels)
    assert pool_admission.admit(now) == []
    assert added == []
    old = PoolRecord.read(campaign.pool)
    name = "9" * 16
    write_samples(campaign.samples, [Sample(name, f"001/{name}.png", "x", "pool", 1, 1)])
    lines = pool_admission.admit(now)
    assert lines == ["cohort 1 counts from now on: 1 sample in the pool, 0 in the hold-out"]
    assert added == [(made.root, ["data/samples", "data/images/001"], ["000"])]
    record = PoolRecord.read(campaign.pool)
    assert list(record.cohorts) == ["000", "001"]
    assert record.encoder == old.encoder
    anew = "the encoder is trained anew, on 2 cohorts: all features are others, so a change of the"
    for settings in (
        {"ingest": {"encoder": "train"}, "pretrain": pixels},
        {"pretrain": {"encoder": "patches"}},
    ):
        PoolRecord(record.cohorts, old.encoder).write(campaign.pool)
        lines = pool_admission.admit(made_records.snapshot(made.root, number=2, **settings))
        assert lines[1] == f"{anew} accuracy may come from them"
        assert PoolRecord.read(campaign.pool) == PoolRecord(record.cohorts, record.cohorts)


def test_folders_that_dvc_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = Campaign(tmp_path)
    names = [f"{number:016x}" for number in range(4)]
    write_samples(
        campaign.samples,
        [
            Sample(name, f"{cohort:03d}/{name}.png", "", "pool", 1, 1)
            for name, cohort in zip(names, (0, 1, 1, 2), strict=True)
        ],
    )
    has = {"data/images/000": 1, "data/images/001": 1}  # one image too few, and none of cohort 2
    monkeypatch.setattr(commands, "recorded_files", lambda root, path: has.get(path))

    def found(cohort: int | None = None, *, begun: bool) -> list[str]:
        folders = unrecorded_images.folders(campaign, cohort, begun=begun)
        return [path.removeprefix("data/images/") for path in folders]

    assert found(begun=True) == ["002"]
    assert found(begun=False) == ["001", "002"]
    assert found(0, begun=True) == ["000", "002"]
    has["data/images/002"] = 7
    assert found(begun=True) == []
    has["data/images/001"] = 2
    assert found(begun=False) == ["002"]


# --- ingest ---------------------------------------------------------------------------------


def test_sources_that_came_along_are_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def refused(campaign: Campaign) -> None:
        asked.append(campaign.root)
        raise StateError("not confirmed")

    monkeypatch.setattr(trusted_places, "check_sources", refused)
    with pytest.raises(StateError, match=r"^not confirmed"):
        new_campaign.add_images_again(tmp_path, print)
    monkeypatch.setattr(trusted_places, "check_sources", lambda campaign: None)
    given = SimpleNamespace(report="report")
    monkeypatch.setattr(new_campaign, "_add_images", lambda *words: (asked.append(words), given)[1])
    assert new_campaign.add_images_again(tmp_path, print) is given
    assert asked == [tmp_path.resolve(), (tmp_path, new_campaign.sources.again, print)]


@pytest.mark.parametrize("before", ["missing", "empty", "full"])
def test_a_campaign_that_could_not_be_made_leaves_nothing(tmp_path: Path, before: str) -> None:
    root = tmp_path / "a" / "b"
    if before != "missing":
        root.mkdir(parents=True)
    if before == "full":
        (root / "mine").write_text("")

    def make() -> None:
        with new_campaign._new(root):
            (root / "folder").mkdir()
            (root / "file").write_text("")
            raise StateError("no name")

    with pytest.raises(StateError, match=r"^no name"):
        make()
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    wanted: dict[str, set[str]] = {
        "missing": set(),
        "empty": {"a", "a/b"},
        "full": {"a", "a/b", "a/b/mine", "a/b/folder", "a/b/file"},
    }
    assert left == wanted[before]
    with new_campaign._new(root):
        (root / "kept").write_text("")
    assert (root / "kept").exists()


def test_a_campaign_that_is_there_has_its_pipeline_printed_anew(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = handmade, []
    monkeypatch.setattr(commands, "init", lambda root: asked.append(("init", root)))
    monkeypatch.setattr(commands, "add", lambda *given: asked.append(given))
    params = made.campaign.params.read_bytes()
    printed = made.campaign.dvc_yaml.read_bytes()
    made.campaign.dvc_yaml.write_text("stages: {}\n")
    made.commit("Another pipeline")
    new_campaign.init(made.root)
    assert asked == [("init", made.root)]
    assert made.campaign.params.read_bytes() == params
    assert made.campaign.dvc_yaml.read_bytes() == printed
    assert not made.campaign.label_file("owned").exists()
    subjects = repositories.said(made.root, "log", "-2", "--format=%s").splitlines()
    assert subjects == ["Name the campaign", "Print the pipeline anew"]
    lines = {name: (made.root / name).read_text().splitlines() for name in SETUP}
    assert lines == {
        ".gitattributes": ["* -text -ident -filter"],
        ".gitignore": ["/.labelcycle", "/.labelcycle/", "*.part", "/data/images/[0-9]*/"],
        ".dvcignore": ["*.part"],
    }
    new_campaign.init(made.root)
    assert lines == {name: (made.root / name).read_text().splitlines() for name in SETUP}
    assert git.dirty(made.root, []) == []


SETUP = (".gitattributes", ".gitignore", ".dvcignore")


def test_a_folder_with_files_of_somebody_is_refused(tmp_path: Path) -> None:
    for name in ("zebra.png", "ant.png"):
        (tmp_path / name).write_text("")
    with pytest.raises(
        StateError, match=rf"^{tmp_path} is not empty: .* got 2 files such as ant\.png; name an"
    ):
        new_campaign._make(Campaign(tmp_path), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ant.png", "zebra.png"]


# --- stages ---------------------------------------------------------------------------------


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lock.RUNNER, raising=False)
    monkeypatch.setattr(process_rank, "own", lambda: None)


def test_several_processes_are_started_under_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None
) -> None:
    set_params(tmp_path, pretrain={"processes": 3})
    campaign = Campaign(tmp_path)
    started: list[Any] = []

    def run(*given: Any) -> None:
        started.append((*given, campaign.stage_lock in lock._held))

    monkeypatch.setattr(process_group, "run", run)
    run_stage.run_stage("pretrain", tmp_path, print)
    words = ["-m", "labelcycle", "--campaign", str(campaign.root), "stage", "pretrain"]
    wanted = ([*programs.PYTHON, *words], 3, campaign.root, campaign.processes, True)
    assert started == [wanted]


def test_a_stage_runs_once_in_the_folder_of_its_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None
) -> None:
    set_params(tmp_path, campaign={"name": "birds", "seed": 5})
    campaign = Campaign(tmp_path)
    campaign.labels.mkdir(parents=True)
    for name in ("owned", "000", "001"):
        (campaign.labels / f"{name}.jsonl").write_text("")
    waits: list[float] = []
    exclusive = lock.exclusive

    def noted(path: Path, wait_s: float) -> Any:
        waits.append(wait_s)
        return exclusive(path, wait_s)

    monkeypatch.setattr(lock, "exclusive", noted)
    called: list[Any] = []

    def work(given: Campaign, **arguments: Any) -> None:
        called.append((given.root, Path.cwd(), campaign.stage_lock in lock._held, arguments))

    stage = run_stage.declaration.find("query")
    monkeypatch.setattr(type(stage), "load", lambda self: work)
    run_stage.run_stage("query", tmp_path, print)
    ((root, folder, locked, arguments),) = called
    assert (root, folder, locked) == (campaign.root, campaign.root, True)
    assert waits == [60.0]
    drawn = run_stage.derive(5, 2, "query")
    if "rng" in arguments:
        assert arguments["rng"].bit_generator.state == drawn.bit_generator.state
    monkeypatch.setattr(process_rank, "own", lambda: Rank(1, 2, tmp_path / "store"))
    run_stage.run_stage("query", tmp_path, print)
    assert called[1][2] is False  # whoever started it holds the lock


def test_a_stage_ends_with_its_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    alive = [True, False]
    monkeypatch.setenv(lock.RUNNER, "77:1.5")
    monkeypatch.setattr(lock, "runner_alive", lambda token: (asked.append(token), alive.pop(0))[1])
    monkeypatch.setattr(run_stage.time, "sleep", asked.append)
    monkeypatch.setattr(os, "_exit", lambda code: asked.append(("exit", code)))

    class Started:
        def __init__(self, target: Any, daemon: bool) -> None:
            assert daemon
            self.start = target

    monkeypatch.setattr(run_stage.threading, "Thread", Started)
    run_stage._end_with_runner()
    assert asked == ["77:1.5", 1.0, "77:1.5", ("exit", 70)]
    monkeypatch.delenv(lock.RUNNER)
    run_stage._end_with_runner()
    assert len(asked) == 4
