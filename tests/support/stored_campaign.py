"""A small campaign with two closed rounds in git, real DVC data, a cache and a remote."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dvc_places import DvcPlaces
from made_records import metrics
from squares import SETTINGS, make_images

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.cycle import new_campaign
from labelcycle.rounds import trusted_places

IMAGES = 14


def make(folder: Path) -> None:
    """The campaign in `folder/campaign`, its remote in `folder/store`, git's in `folder/git`."""
    make_images(folder / "images", IMAGES)
    made = new_campaign.init(folder / "campaign", config.parse(SETTINGS))
    root = made.root
    relative = ["remote", "add", "-d", "store", "../store"]
    subprocess.run([sys.executable, "-m", "dvc", *relative], cwd=root, check=True)
    git.commit(root, [".dvc/config"], "Data remote")
    new_campaign.add_images(root, [str(folder / "images")], lambda step: None)
    commands.push(root)
    for number in range(2):
        git.tag(root, f"open/{number:03d}", "open")
        metrics(round=number).write(made.round(number) / "metrics.json")
        label = Label(f"{number:016x}", "dark", votes={"dark": 1}, source=f"round {number}")
        write_labels(made.label_file(number), [label])
        commands.add(root, ["data/labels"])
        git.commit(root, ["data", "rounds"], f"Close {number}")
        commands.push(root)
        git.tag(root, f"round/{number:03d}", "closed")
    git_remote = str(folder / "git")
    subprocess.run(["git", "clone", "-q", "--bare", str(root), git_remote], check=True)


class StoredCampaign(DvcPlaces):
    """A copy of it, with words for what lies where."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        super().__init__(folder)
        self.campaign = Campaign(self.root)
        trusted_places.confirm(self.campaign)  # in a copy, nothing counts as confirmed

    def git_object(self, name: str) -> Path:
        """The file of git's object that a revision, or a file of it, is."""
        oid = subprocess.run(
            ["git", "rev-parse", name], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()
        return self.root / ".git" / "objects" / oid[:2] / oid[2:]

    def image(self) -> str:
        return next(
            str(path.relative_to(self.root)) for path in sorted((self.root / "data").rglob("*.png"))
        )


def flip(path: Path) -> None:
    """One bit is another; time and size stay."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def truncate(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:7])


def remove(path: Path) -> None:
    path.unlink()


INJURIES = {"flipped": flip, "truncated": truncate, "missing": remove}
"""What may happen to a file."""
