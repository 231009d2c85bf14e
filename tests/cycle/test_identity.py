"""Commits need a name; who has told git none is told how, before anything is written."""

import subprocess
import sys
from pathlib import Path

import pytest

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.cli import main
from labelcycle.cycle import new_campaign
from labelcycle.errors import StateError


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _identity: None) -> Path:
    """A home without any settings of git."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_CONFIG_COUNT", "EMAIL", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_without_an_identity_the_command_names_what_to_do(
    nobody: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = tmp_path / "new"
    monkeypatch.setattr(sys, "argv", ["labelcycle", "init", str(new), "--classes", "cat,dog"])
    with pytest.raises(SystemExit, match=r"^1$"):
        main.main()
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for key in ("user.name", "user.email"):
        assert f'git config --global {key} "..."' in told
    assert not (new / "params.yaml").exists()


@pytest.mark.parametrize("missing", ["user.name", "user.email"])
def test_half_an_identity_is_none(
    missing: str, nobody: Path, tmp_path: Path, without_dvc: None
) -> None:
    (other,) = {"user.name", "user.email"} - {missing}
    subprocess.run(["git", "config", "--global", other, "a@b"], check=True)
    with pytest.raises(StateError, match=rf"git config --global {missing} "):
        new_campaign.init(tmp_path / "new", config.parse({}))
    subprocess.run(["git", "config", "--global", missing, "a@b"], check=True)
    campaign = new_campaign.init(tmp_path / "new", config.parse({}))
    assert len(git.head(campaign.root)) == 40


def test_an_identity_by_environment_is_enough(
    nobody: Path, tmp_path: Path, without_dvc: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
    assert len(git.head(new_campaign.init(tmp_path / "new", config.parse({})).root)) == 40
