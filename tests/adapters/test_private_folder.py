"""A `.labelcycle` that may be somebody else's is refused; ours is closed to other accounts."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labelcycle.adapters import private_folder
from labelcycle.adapters.local import service_record
from labelcycle.adapters.local.environment import prepare
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import StateError


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """A clone of a repository, with a record of services in it."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    campaign = Campaign(tmp_path)
    campaign.params.touch()
    service_record.write(campaign, {"services": {}})
    return campaign


def test_the_folder_is_for_its_owner_alone(campaign: Campaign) -> None:
    campaign.private.chmod(0o755)
    private_folder.secure(campaign)
    assert campaign.private.stat().st_mode & 0o777 == 0o700


def test_the_folder_is_made_in_a_campaign_and_nowhere_else(tmp_path: Path) -> None:
    private_folder.secure(Campaign(tmp_path))
    assert not list(tmp_path.iterdir())
    (tmp_path / "params.yaml").touch()
    private_folder.secure(Campaign(tmp_path))
    assert (tmp_path / ".labelcycle").stat().st_mode & 0o777 == 0o700


def tracked(campaign: Campaign) -> None:
    subprocess.run(["git", "add", "-f", ".labelcycle"], cwd=campaign.root, check=True)


def readable(campaign: Campaign) -> None:
    campaign.services.chmod(0o644)


def linked(campaign: Campaign) -> None:
    there = campaign.root / "theirs.json"
    campaign.services.rename(there)
    campaign.services.symlink_to(there)


def folder_linked(campaign: Campaign) -> None:
    there = campaign.root / "theirs"
    campaign.private.rename(there)
    campaign.private.symlink_to(there)


def dangling(campaign: Campaign) -> None:
    campaign.services.unlink()
    campaign.services.symlink_to(campaign.root / "nothing")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (tracked, r"git tracks '\.labelcycle/services\.json'.*run `git rm -r --cached"),
        (readable, r"services\.json has mode 0644; wanted 0600.*run `chmod 600"),
        (linked, r"services\.json is a link; wanted a file that labelcycle made; remove it"),
        (folder_linked, r"\.labelcycle is a link; wanted a folder that labelcycle made"),
        (dangling, r"services\.json is a link"),
    ],
)
def test_what_may_be_somebody_elses_is_refused(
    campaign: Campaign, wrong: Callable[[Campaign], None], told: str
) -> None:
    wrong(campaign)
    with pytest.raises(StateError, match=told):
        prepare(campaign.root)


def test_what_another_account_owns_is_refused(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    told = rf"\.labelcycle belongs to the account {os.getuid()}; wanted it to be ours \(65534\)"
    with pytest.raises(StateError, match=told):
        private_folder.secure(campaign)


def test_another_case_of_the_name_is_no_way_in(campaign: Campaign) -> None:
    other = campaign.root / ".LabelCycle"
    other.mkdir()
    (other / "services.json").touch()
    subprocess.run(["git", "add", "-f", ".LabelCycle"], cwd=campaign.root, check=True)
    with pytest.raises(StateError, match=r"git tracks '\.LabelCycle/services\.json'"):
        private_folder.secure(campaign)


@pytest.mark.parametrize("name", ["TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"])
def test_what_is_compiled_is_kept_where_no_other_account_writes(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    prepare(campaign.root)
    assert Path(os.environ[name]).parent == campaign.private
    assert campaign.private.stat().st_mode & 0o077 == 0
    monkeypatch.setenv(name, "/of/ones/own")
    prepare(campaign.root)
    assert os.environ[name] == "/of/ones/own"


def test_a_folder_is_closed_and_a_link_is_none(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    for name in ("open", "new"):
        assert private_folder.closed(tmp_path / name).stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "open")
    with pytest.raises(StateError, match=r"link is a link; wanted a folder"):
        private_folder.closed(tmp_path / "link")
