"""A campaign in another place: what git and the data remote hold is all of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import SETTINGS, make_images
from fakes import FakeBackend

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.cycle import setup
from labelcycle.store import Campaign, read_json

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
def campaign(tmp_path: Path) -> Campaign:
    """A campaign with real DVC and a data remote."""
    make_images(tmp_path / "images")
    made = setup.init(tmp_path / "made", config.parse(SETTINGS))
    dvc(made.root, "remote", "add", "-d", "store", str(tmp_path / "store"))
    git.commit(made.root, [".dvc/config"], "Data remote")
    setup.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


@pytest.fixture
def clone(
    campaign: Campaign, flows, answer_all: Callable[[], None], tmp_path: Path
) -> tuple[Path, dict[str, Any]]:
    """The campaign elsewhere after a closed round, and its status; the first one is gone."""
    flows.run(str(campaign.root))
    answer_all()
    flows.run(str(campaign.root))
    told = json.loads(labelcycle(campaign.root, "status", "--json"))
    run(tmp_path, "git", "clone", "-q", str(campaign.root), str(tmp_path / "elsewhere"))
    shutil.rmtree(campaign.root)
    dvc(tmp_path / "elsewhere", "pull", "-q")
    return tmp_path / "elsewhere", told


def test_a_clone_with_its_data_pulled_shows_and_verifies_the_round(
    clone: tuple[Path, dict[str, Any]],
) -> None:
    folder, told = clone
    assert json.loads(labelcycle(folder, "status", "--json")) == told
    assert told["rounds"][0]["state"] == "closed"
    selection = read_json(Campaign(folder).round(0) / "selection.json")
    for start in ((), ("--from", "pretrain")):
        out = labelcycle(folder, "verify", "round/000", *start)
        assert f"the same {len(selection['samples'])} samples in the same order" in out
        assert "round 0 is reproduced" in out
    assert run(folder, "git", "status", "--porcelain") == ""


def test_a_round_that_carries_corrections_verifies_and_so_does_the_corrected_one(
    campaign: Campaign, flows, answer_all: Callable[[], None], backend: FakeBackend
) -> None:
    root = str(campaign.root)
    flows.run(root)
    answer_all()
    flows.run(root)
    own, again = sorted(key for key, task in backend.tasks.items() if task.kind == "selected")[:2]
    (said,) = {answer.labels for answer in backend.answers if answer.key == own}
    backend.edit(own, "light" if said == ("dark",) else "dark")
    backend.delete_answers(again)
    flows.open_now(root)
    answer_all()  # the withdrawn one is answered anew
    flows.run(root)
    assert read_json(campaign.round(1) / "metrics.json")["corrections"]["labels"] > 0
    for number in (0, 1):
        out = labelcycle(campaign.root, "verify", f"round/{number:03d}")
        assert f"round {number} is reproduced" in out


def test_rounds_before_and_after_a_change_of_classes_are_verified(
    campaign: Campaign, flows, backend, answer_all: Callable[[], None]
) -> None:
    root = campaign.root
    flows.run(str(root))
    answer_all()
    flows.run(str(root))
    labelcycle(root, "schema", "rename", "dark", "black")
    labelcycle(root, "schema", "add", "grey", "--after", "black")
    assert "train" in dvc(root, "status", "train")
    flows.open_now(str(root))
    assert "up to date" in dvc(root, "status", "query")
    answer_all()  # in the old names, from a page that was opened before
    flows.run(str(root))
    assert "up to date" in dvc(root, "status", "train", "evaluate")
    found = [read_json(campaign.round(n) / "metrics.json")["classes"] for n in (0, 1)]
    assert found == [["dark", "light"], ["black", "grey", "light"]]
    for tag in ("round/000", "round/001"):
        assert "is reproduced" in labelcycle(root, "verify", tag)
    assert run(root, "git", "status", "--porcelain") == ""
