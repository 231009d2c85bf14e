"""A campaign in another place: what git and the data remote hold is all of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from squares import SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.sample_files import read_samples
from labelcycle.cycle import new_campaign

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def labelcycle(folder: Path, *words: str) -> str:
    return run(folder, sys.executable, "-m", "labelcycle", *words)


def dvc(folder: Path, *words: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *words)


@pytest.fixture
def _a_persons_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits are to be signed, with a key that is not there; ends of lines are turned."""
    file = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    for key, value in {
        "commit.gpgSign": "true",
        "tag.gpgSign": "true",
        "gpg.program": "/bin/false",
        "core.autocrlf": "true",
    }.items():
        run(tmp_path, "git", "config", "--file", str(file), key, value)


@pytest.fixture
def campaign(tmp_path: Path, _a_persons_git: None) -> Campaign:
    """A campaign with real DVC and a data remote."""
    make_images(tmp_path / "images")
    made = new_campaign.init(tmp_path / "made", config.parse(SETTINGS))
    dvc(made.root, "remote", "add", "-d", "store", str(tmp_path / "store"))
    git.commit(made.root, [".dvc/config"], "Data remote")
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


def unchanged(folder: Path) -> None:
    assert run(folder, "git", "status", "--porcelain") == ""


def verified(folder: Path, number: int, *start: str) -> None:
    out = labelcycle(folder, "verify", f"round/{number:03d}", *start)
    assert "the same 4 samples in the same order" in out
    assert f"round {number} is reproduced" in out


def test_a_clone_with_its_data_pulled_shows_and_verifies_every_round(
    campaign: Campaign,
    flows,
    answer_all: Callable[[], None],
    backend: WatchedFiles,
    tmp_path: Path,
) -> None:
    """Two rounds; between them people correct answers and classes change."""
    root = campaign.root
    flows.run(str(root))
    answer_all()
    flows.run(str(root))
    assert git.tags(root) == {"open/000", "round/000"}
    correct_some(backend)
    labelcycle(root, "schema", "rename", "dark", "black")
    labelcycle(root, "schema", "add", "grey", "--after", "black")
    assert "train" in dvc(root, "status", "train")
    flows.open_now(str(root))
    assert "up to date" in dvc(root, "status", "query")
    answer_all()  # the withdrawn one anew; in the old names, from a page that was opened before
    flows.run(str(root))
    assert "up to date" in dvc(root, "status", "train", "evaluate")
    metrics = [read_json(campaign.round(n) / "metrics.json") for n in (0, 1)]
    assert [m["classes"] for m in metrics] == [["dark", "light"], ["black", "grey", "light"]]
    assert metrics[1]["corrections"]["labels"] > 0
    unchanged(root)
    told = json.loads(labelcycle(root, "status", "--json"))
    assert [each["state"] for each in told["rounds"]] == ["closed", "closed"]
    labelcycle(root, "check")

    folder = tmp_path / "elsewhere"
    run(tmp_path, "git", "clone", "-q", str(root), str(folder))
    shutil.rmtree(root)
    assert str(tmp_path / "store") in labelcycle(folder, "trust")
    labelcycle(folder, "pull")
    labelcycle(folder, "check")
    assert json.loads(labelcycle(folder, "status", "--json")) == told
    every_round_is_rebuilt(folder)
    unchanged(folder)


def every_round_is_rebuilt(folder: Path) -> None:
    verified(folder, 0, "--from", "pretrain")
    first = read_json(Campaign(folder).round(0) / "selection.json")["samples"][0]["sample"]
    assert labelcycle(folder, "explain", first).count("its model says") == 2
    shutil.rmtree(folder / ".dvc" / "cache")
    out = labelcycle(folder, "verify", "--all", "--from-remote")
    assert "round/000: selection: the same 4 samples in the same order" in out
    assert "round/001: metrics: the same" in out
    assert "2 rounds are reproduced" in out
    assert not (folder / ".dvc" / "cache").exists()


def test_a_clone_of_an_ingest_pulls_its_images(
    campaign: Campaign, flows, answer_all: Callable[[], None], tmp_path: Path
) -> None:
    """No step but the ingest has brought them to the remote."""
    flows.run(str(campaign.root))
    answer_all()
    flows.run(str(campaign.root))
    make_images(tmp_path / "more", 5, 1)
    new_campaign.add_images(campaign.root, [str(tmp_path / "more")], lambda step: None)
    folder = tmp_path / "elsewhere"
    run(tmp_path, "git", "clone", "-q", str(campaign.root), str(folder))
    labelcycle(folder, "trust")
    labelcycle(folder, "pull")
    samples = read_samples(Campaign(folder).samples, which="all")
    assert {sample.cohort for sample in samples} == {0, 1}
    assert all((Campaign(folder).images / sample.file).exists() for sample in samples)


def correct_some(backend: WatchedFiles) -> None:
    """One answer of round 0 is edited, one withdrawn."""
    own, again = sorted(key for key, task in backend.tasks.items() if task.kind == "selected")[:2]
    (said,) = {answer.labels for answer in backend.answers if answer.key == own}
    backend.edit(own, "light" if said == ("dark",) else "dark")
    backend.delete_answers(again)
