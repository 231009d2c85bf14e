"""A campaign as its author hands it on, and what came of running labelcycle in it."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from unittest import mock

from repositories import git
from squares import SETTINGS, make_images

from labelcycle import config
from labelcycle.cycle import new_campaign

PROGRAM = str(Path(sys.executable).with_name("labelcycle"))


@cache
def _made() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """A small campaign with images, made once; the folder lives as long as this process."""
    kept = tempfile.TemporaryDirectory()
    folder = Path(kept.name)
    make_images(folder / "images", 12)
    settings = {**SETTINGS, "ingest": {"holdout": 2}}
    made = new_campaign.init(folder / "campaign", config.parse(settings))
    new_campaign.add_images(made.root, [str(folder / "images")], lambda step: None)
    return kept, made.root


def original() -> Path:
    """A campaign with its data, not to be changed."""
    with identity():
        return _made()[1]


def identity() -> mock._patch_dict:
    """Commits are made in somebody's name."""
    parts = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
    return mock.patch.dict(os.environ, {f"GIT_{part}": "author" for part in parts})


def add_as_it_is(root: Path, path: str, content: bytes) -> None:
    """Stage a file with bytes that no attribute has changed."""
    words = ["git", "hash-object", "-w", "--stdin"]
    done = subprocess.run(words, cwd=root, input=content, check=True, capture_output=True)
    git(root, "update-index", "--cacheinfo", f"100644,{done.stdout.decode().strip()},{path}")


def head_of(root: Path, path: str) -> str:
    """A file as git keeps it."""
    words = ["git", "show", f"HEAD:{path}"]
    done = subprocess.run(words, cwd=root, capture_output=True, check=False)
    return done.stdout.decode()


def stored(store: Path, content: bytes | dict[str, bytes]) -> str:
    """A file, or a folder by its names, as DVC's remotes keep it; its digest."""
    suffix = ""
    if isinstance(content, dict):
        names = sorted(content)
        entries = [{"md5": stored(store, content[name]), "relpath": name} for name in names]
        content, suffix = json.dumps(entries).encode(), ".dir"
    name = hashlib.md5(content).hexdigest() + suffix
    path = store / "files" / "md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """labelcycle as somebody runs it inside a campaign."""
    return subprocess.run([PROGRAM, *words], cwd=root, capture_output=True, text=True)


def cloned(folder: Path, files: dict[str, str]) -> Path:
    """A clone, with its data, of a campaign to which its author added some files."""
    author, clone = folder / "author", folder / "clone"
    git(folder, "clone", "-q", str(original()), str(author))
    for name, text in files.items():
        path = author / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with identity():
        git(author, "add", "--all", "--force")
        git(author, "commit", "-q", "-m", "look at this")
    git(folder, "clone", "-q", str(author), str(clone))
    for name in ("data/images/000", "data/samples", "data/labels", "data/holdout.jsonl"):
        source = original() / name
        subprocess.run(["cp", "-r", str(source), str(clone / name)], check=True)
    return clone
